"""Datasets, shards and the sources that they come from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace.data.arrow_source import ArrowSource, arrow
from headrace.data.avro_source import AvroSource, avro
from headrace.data.bigquery_source import BigQuerySource, bigquery
from headrace.data.cautions import HeaderWarning
from headrace.data.cleaning import Cleaning, clean_array, cleaning, with_cleaning
from headrace.data.csv_source import CsvSource, csv
from headrace.data.dataset import Dataset, Shard, TableShard, dataset_from_table
from headrace.data.files import spans_read
from headrace.data.json_source import JsonSource, json_lines
from headrace.data.orc_source import OrcSource, orc
from headrace.data.parquet_source import ParquetSource, parquet
from headrace.data.set_aside import RowsSetAsideWarning, SetAside, counted, set_aside_in, warn_of_rows
from headrace.data.source import ReportingShard, Source, Unreadable
from headrace.data.spans import Rolling, SpanFile, resolve_spans, rolling
from headrace.data.sql_source import SqlSource, sql
from headrace.data.tfrecord_source import TFRecordSource, tfrecord

if TYPE_CHECKING:
    from headrace.data.agreement import same_types
    from headrace.data.dictionaries import dictionary_encoded
    from headrace.data.memory import TableSource, as_source
    from headrace.data.normal_types import normalise
    from headrace.data.parquet_files import ParquetShard, ParquetSink, open_parquet
    from headrace.data.snapshots import SnapshotReport, snapshot
    from headrace.data.splits import HashSplitter, Splitter, hash_splits
    from headrace.data.tfrecord_writer import write_tfrecord

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
    "write_tfrecord": "tfrecord_writer",
}

__all__ = [
    "ArrowSource",
    "AvroSource",
    "BigQuerySource",
    "Cleaning",
    "CsvSource",
    "Dataset",
    "HashSplitter",
    "HeaderWarning",
    "JsonSource",
    "OrcSource",
    "ParquetShard",
    "ParquetSink",
    "ParquetSource",
    "ReportingShard",
    "Rolling",
    "RowsSetAsideWarning",
    "SetAside",
    "Shard",
    "SnapshotReport",
    "Source",
    "SpanFile",
    "Splitter",
    "SqlSource",
    "TFRecordSource",
    "TableShard",
    "TableSource",
    "Unreadable",
    "arrow",
    "as_source",
    "avro",
    "bigquery",
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
    "resolve_spans",
    "rolling",
    "same_types",
    "set_aside_in",
    "snapshot",
    "spans_read",
    "sql",
    "tfrecord",
    "warn_of_rows",
    "with_cleaning",
    "write_tfrecord",
]


def __getattr__(name: str) -> Any:
    if name in _HEAVY:
        return getattr(import_module(f"headrace.data.{_HEAVY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
