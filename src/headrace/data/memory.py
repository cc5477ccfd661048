"""Data in memory as a source, and any object that can be one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from headrace.data.csv_source import csv
from headrace.data.dataset import Dataset, Shard, dataset_from_table
from headrace.data.dictionaries import encoded
from headrace.data.parquet_source import parquet
from headrace.data.source import ReportingShard, Source, Unreadable
from headrace.errors import DataError, UsageError

__all__ = ["DatasetSource", "TableSource", "as_source", "normalise", "normalise_dataset", "normalised_schema"]


_ENCODED = pa.dictionary(pa.int32(), pa.string())


def normalised_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema with the types of a snapshot.

    Raises
    ------
    DataError
        If a column's type has no counterpart, or two columns have the same name.
    """
    twice = [name for name in dict.fromkeys(schema.names) if schema.names.count(name) > 1]
    if twice:
        raise DataError("The names of the columns are distinct", got=f"{', '.join(map(repr, twice))} more than once")
    return pa.schema([pa.field(field.name, _normal_type(field), metadata=field.metadata) for field in schema])


def _normal_type(field: pa.Field) -> pa.DataType:
    kind = field.type
    types = pa.types
    if types.is_dictionary(kind):
        return _normal_type(field.with_type(kind.value_type))
    if types.is_integer(kind):
        return pa.int64()
    if types.is_floating(kind) or types.is_decimal(kind):
        return pa.float64()
    if types.is_boolean(kind):
        return pa.bool_()
    if types.is_timestamp(kind):
        return pa.timestamp("us")
    if types.is_date(kind):
        return pa.date32()
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind)
    if text or kind == pa.string_view():
        return pa.string()
    raise DataError(
        f"Column {field.name!r} is of a type that cannot be used",
        got=str(kind),
        fix="Turn it into numbers, text, truth values, dates or timestamps, or leave it out",
    )


def normalise(batch: pa.RecordBatch, schema: pa.Schema, *, dictionaries: bool = False) -> pa.RecordBatch:
    """Return the batch with the types of ``schema``, which `normalised_schema` has made.

    Parameters
    ----------
    dictionaries
        Strings that are dictionaries stay so.

    Raises
    ------
    DataError
        If a value does not fit, as an unsigned number above the largest int64.
    """
    columns = []
    for index, field in enumerate(schema):
        column = batch.column(batch.schema.get_field_index(field.name))
        if dictionaries and column.type == _ENCODED and pa.types.is_string(field.type):
            columns.append(column)
            schema = schema.set(index, field.with_type(_ENCODED))
            continue
        try:
            columns.append(_cast(column, field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"A value of column {field.name!r} does not fit {field.type}", got=str(error).splitlines()[0]
            ) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type.equals(kind):
        return column
    if pa.types.is_dictionary(column.type):
        return _cast(column.dictionary_decode(), kind)
    if pa.types.is_timestamp(kind):
        # Nanoseconds are cut to microseconds; a zone becomes UTC.
        return column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(kind)
    if pa.types.is_date64(column.type) or pa.types.is_decimal(column.type):
        return pc.cast(column, kind, safe=False)
    return column.cast(kind)


@dataclass(frozen=True)
class _NormalisedShard:
    shard: Shard
    schema: pa.Schema
    dictionaries: bool = False

    @property
    def num_rows(self) -> int | None:
        return self.shard.num_rows

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        names = self.schema.names if columns is None else list(columns)
        schema = pa.schema([self.schema.field(name) for name in names])
        for batch in self.shard.read(names):
            yield normalise(batch, schema, dictionaries=self.dictionaries)

    def encoded(self) -> Shard:
        return _NormalisedShard(encoded(self.shard), self.schema, dictionaries=True)

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        if not isinstance(self.shard, ReportingShard):
            yield from self.read(columns)
            return
        names = self.schema.names if columns is None else list(columns)
        schema = pa.schema([self.schema.field(name) for name in names])
        for batch in self.shard.read_reporting(report, names):
            yield normalise(batch, schema)


def normalise_dataset(dataset: Dataset) -> Dataset:
    """Return the dataset with the types of a snapshot."""
    schema = normalised_schema(dataset.schema)
    if schema.equals(dataset.schema, check_metadata=True):
        return dataset
    return Dataset(schema, tuple(_NormalisedShard(shard, schema) for shard in dataset.shards))


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
