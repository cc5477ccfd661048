"""Datasets, shards and the sources that they come from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace.data.bigquery_source import BigQuerySource, bigquery
from headrace.data.cleaning import Cleaning, clean_array, cleaning, with_cleaning
from headrace.data.csv_source import CsvSource, csv
from headrace.data.dataset import Dataset, Shard, TableShard, dataset_from_table
from headrace.data.files import spans_read
from headrace.data.parquet_source import ParquetSource, parquet
from headrace.data.set_aside import RowsSetAsideWarning, SetAside, counted, set_aside_in, warn_of_rows
from headrace.data.source import ReportingShard, Source, Unreadable
from headrace.data.spans import Rolling, SpanFile, resolve_spans, rolling
from headrace.data.sql_source import SqlSource, sql
from headrace.data.tfrecord_source import TFRecordSource, tfrecord

if TYPE_CHECKING:
    from headrace.data.agreement import same_types
    from headrace.data.memory import TableSource, as_source, normalise
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
    "hash_splits": "splits",
    "normalise": "memory",
    "open_parquet": "parquet_files",
    "same_types": "agreement",
    "snapshot": "snapshots",
    "write_tfrecord": "tfrecord_writer",
}

__all__ = [
    "BigQuerySource",
    "Cleaning",
    "CsvSource",
    "Dataset",
    "HashSplitter",
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
    "as_source",
    "bigquery",
    "clean_array",
    "cleaning",
    "counted",
    "csv",
    "dataset_from_table",
    "hash_splits",
    "normalise",
    "open_parquet",
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
