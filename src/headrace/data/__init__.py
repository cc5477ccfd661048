"""Datasets, shards and the sources that they come from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace.data.arrow_source import ArrowSource, arrow
from headrace.data.avro_source import AvroSource, avro
from headrace.data.cleaning import Cleaning, clean_array, cleaning, with_cleaning
from headrace.data.csv_source import CsvSource, csv
from headrace.data.dataset import Dataset, Shard, TableShard, dataset_from_table
from headrace.data.json_source import JsonSource, json_lines
from headrace.data.orc_source import OrcSource, orc
from headrace.data.parquet_source import ParquetSource, parquet
from headrace.data.set_aside import RowsSetAsideWarning, SetAside, counted, set_aside_in, warn_of_rows
from headrace.data.source import ReportingShard, Source, Unreadable

if TYPE_CHECKING:
    from headrace.data.agreement import same_types
    from headrace.data.dictionaries import dictionary_encoded
    from headrace.data.memory import TableSource, as_source
    from headrace.data.normal_types import normalise
    from headrace.data.parquet_files import ParquetShard, ParquetSink, open_parquet
    from headrace.data.snapshots import SnapshotReport, snapshot
    from headrace.data.splits import HashSplitter, Splitter, hash_splits

# These need Arrow or NumPy, which take longer to import than a cached run may take in all.
_HEAVY = {
    "HashSplitter": "splits",
    "ParquetShard": "parquet_files",
    "ParquetSink": "parquet_files",
    "SnapshotReport": "snapshots",
    "Splitter": "splits",
    "TableSource": "memory",
    "as_source": "memory",
    "dictionary_encoded": "dictionaries",
    "hash_splits": "splits",
    "normalise": "normal_types",
    "open_parquet": "parquet_files",
    "same_types": "agreement",
    "snapshot": "snapshots",
}

__all__ = [
    "ArrowSource",
    "AvroSource",
    "Cleaning",
    "CsvSource",
    "Dataset",
    "HashSplitter",
    "JsonSource",
    "OrcSource",
    "ParquetShard",
    "ParquetSink",
    "ParquetSource",
    "ReportingShard",
    "RowsSetAsideWarning",
    "SetAside",
    "Shard",
    "SnapshotReport",
    "Source",
    "Splitter",
    "TableShard",
    "TableSource",
    "Unreadable",
    "arrow",
    "as_source",
    "avro",
    "clean_array",
    "cleaning",
    "counted",
    "csv",
    "dataset_from_table",
    "dictionary_encoded",
    "hash_splits",
    "json_lines",
    "normalise",
    "open_parquet",
    "orc",
    "parquet",
    "same_types",
    "set_aside_in",
    "snapshot",
    "warn_of_rows",
    "with_cleaning",
]


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(f"headrace.data.{_HEAVY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
