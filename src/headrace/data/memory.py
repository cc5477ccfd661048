"""Data in memory as a source, and any object that can be one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from headrace.data.csv_source import csv
from headrace.data.dataset import Dataset, dataset_from_table
from headrace.data.normal_types import normalise, normalise_dataset, normalised_schema
from headrace.data.parquet_source import parquet
from headrace.data.source import Source
from headrace.errors import DataError, UsageError

__all__ = ["DatasetSource", "TableSource", "as_source", "normalise_dataset", "normalised_schema"]


@dataclass(frozen=True)
class TableSource:
    """A table in memory."""

    table: pa.Table

    def dataset(self) -> Dataset:
        """Cut the table into shards."""
        return normalise_dataset(dataset_from_table(self.table))

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:  # noqa: ARG002 - there is no file
        """Return the digest of the table's content."""
        digest = hashlib.blake2b(digest_size=16)

        class _Hash:
            closed = False

            def write(self, data: Any) -> int:
                digest.update(data)
                return len(data)

            def flush(self) -> None:
                """Do nothing: what is hashed is hashed."""

            def close(self) -> None:
                """Do nothing: what is hashed is hashed."""

        schema = normalised_schema(self.table.schema)
        with pa.ipc.new_stream(pa.PythonFile(_Hash(), "w"), schema) as writer:
            for batch in self.table.combine_chunks().to_batches():
                writer.write_batch(normalise(batch, schema))
        return f"table:{digest.hexdigest()}"


@dataclass(frozen=True)
class DatasetSource:
    """A dataset that is open already."""

    opened: Dataset

    def dataset(self) -> Dataset:
        """Return the dataset."""
        return normalise_dataset(self.opened)

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        """Return the digest of the rows."""
        return TableSource(self.dataset().to_table()).fingerprint(digest_file)


def _from_path(paths: Sequence[str | Path]) -> Source:
    kinds = set()
    for path in paths:
        text = str(path).lower()
        for packed in (".gz", ".bz2", ".zst", ".zip"):
            text = text.removesuffix(packed)
        end = Path(text).suffix
        if end == ".parquet" or (Path(path).is_dir() and any(Path(path).glob("*.parquet"))):
            kinds.add("parquet")
        elif end in {".tsv", ".tab"}:
            kinds.add("tsv")
        elif end in {".csv", ".txt", ".data"}:
            kinds.add("csv")
        else:
            kinds.add(f"unknown {end!r}")
    if len(kinds) != 1 or next(iter(kinds)).startswith("unknown"):
        raise UsageError(
            "The end of a file's name says how to read it: .csv, .tsv or .parquet",
            got=", ".join(str(path) for path in paths),
            fix="Use hr.csv(path, …) or hr.parquet(path)",
        )
    kind = kinds.pop()
    if kind == "parquet":
        return parquet(paths)
    return csv(paths, separator="\t" if kind == "tsv" else ",")


def as_source(obj: Any) -> Source:
    """Return a source for anything that can be one.

    Parameters
    ----------
    obj
        A path or glob (.csv, .tsv, also packed, or .parquet), a list of them, a source, a dataset, an Arrow table or
        batch, anything with the Arrow PyCapsule interface (pandas, polars, DuckDB), or a mapping of columns to lists.

    Raises
    ------
    UsageError
        If it is none of these.
    DataError
        If a column has a type that cannot be used.
    """
    if isinstance(obj, (str, Path)):
        return _from_path([obj])
    if isinstance(obj, Dataset):
        return DatasetSource(obj)
    if isinstance(obj, pa.Table):
        return _table_source(obj)
    if isinstance(obj, pa.RecordBatch):
        return _table_source(pa.Table.from_batches([obj]))
    if isinstance(obj, Source):
        return obj
    if hasattr(obj, "__arrow_c_stream__"):
        return _table_source(pa.RecordBatchReader.from_stream(obj).read_all())
    if hasattr(obj, "__arrow_c_array__"):
        return _table_source(pa.Table.from_batches([pa.record_batch(obj)]))
    if isinstance(obj, Mapping):
        return _table_source(_from_columns(obj))
    if isinstance(obj, Sequence) and obj and all(isinstance(item, (str, Path)) for item in obj):
        return _from_path(obj)
    raise UsageError(
        "A source is a path, a headrace source, a dataset, an Arrow or pandas table, or a dict of lists",
        got=f"a {type(obj).__name__}",
    )


def _from_columns(columns: Mapping[str, Any]) -> pa.Table:
    arrays = {}
    for name, values in columns.items():
        try:
            arrays[str(name)] = pa.array(values)
        except (pa.ArrowException, TypeError) as error:
            raise DataError(f"Column {name!r} cannot be made of these values", got=str(error)) from error
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise DataError("All columns have the same number of values", got=lengths)
    return pa.table(arrays)


def _table_source(table: pa.Table) -> TableSource:
    normalised_schema(table.schema)
    return TableSource(table)
