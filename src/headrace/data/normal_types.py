"""The types that columns have once they are read, whatever types they had before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data.dataset import Dataset, Shard, known_nulls
from headrace.data.source import ReportingShard, Unreadable
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["NormalisedShard", "normalise", "normalise_dataset", "normalised_schema"]

MICROSECONDS = pa.int64()
_WORDS = pa.dictionary(pa.int32(), pa.string())


def normalised_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema with the types of a snapshot.

    Integers become ``int64``, floats and decimals ``float64``, texts ``string``, bytes ``binary``, times ``timestamp``
    in microseconds of UTC and dates ``date32``. A time of day is ``int64`` microseconds since midnight, a duration
    ``int64`` microseconds. Lists, fixed-size lists and structs keep their shape, with normal types inside; a map
    becomes a list of structs of ``key`` and ``value``. Dictionaries and runs are decoded, extensions become what they
    are stored as.

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
    found = _normal(field.type)
    if found is None:
        raise DataError(
            f"Column {field.name!r} is of a type that cannot be used",
            got=str(field.type),
            fix="Turn it into numbers, texts, truth values, bytes, dates, timestamps, or lists or structs of them, "
            "or leave it out",
        )
    return found


def _normal(kind: pa.DataType) -> pa.DataType | None:
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _normal(kind.storage_type)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _normal(kind.value_type)
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
    if types.is_time(kind) or types.is_duration(kind):
        return MICROSECONDS
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or types.is_null(kind):
        return pa.string()
    if (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    ):
        return pa.binary()
    return _nested(kind)


def _nested(kind: pa.DataType) -> pa.DataType | None:
    types = pa.types
    if types.is_map(kind):
        key, item = _normal(kind.key_type), _normal(kind.item_type)
        return None if key is None or item is None else pa.list_(pa.struct([("key", key), ("value", item)]))
    if types.is_struct(kind):
        names = [child.name for child in kind]
        children = [_normal(child.type) for child in kind]
        # Parquet has no struct without fields, and a name that is there twice cannot be asked for.
        if not names or len(set(names)) < len(names) or None in children:
            return None
        return pa.struct(list(zip(names, children, strict=True)))
    if types.is_fixed_size_list(kind):
        item = _normal(kind.value_type)
        return None if item is None else pa.list_(item, kind.list_size)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_list_view(kind) or types.is_large_list_view(kind):
        item = _normal(kind.value_type)
        return None if item is None else pa.list_(item)
    return None


def normalise(batch: pa.RecordBatch, schema: pa.Schema, *, keep_dictionaries: bool = False) -> pa.RecordBatch:
    """Return the batch with the types of ``schema``, which `normalised_schema` has made.

    Parameters
    ----------
    keep_dictionaries
        Leave texts that are dictionary-encoded so, as dictionaries of int32 to string; the batch's schema says which.

    Raises
    ------
    DataError
        If a value does not fit, as an unsigned number above the largest int64.
    """
    columns = []
    for index, field in enumerate(schema):
        column = batch.column(batch.schema.get_field_index(field.name))
        target = field.type
        if keep_dictionaries and pa.types.is_dictionary(column.type) and pa.types.is_string(target):
            target = _WORDS
            schema = schema.set(index, field.with_type(target))
        try:
            columns.append(_cast(column, target))
        except (pa.ArrowException, OverflowError) as error:
            raise DataError(
                f"A value of column {field.name!r} does not fit {field.type}", got=str(error).splitlines()[0]
            ) from error
    if not columns:
        return batch.select([])
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    held = column.type
    types = pa.types
    if held.equals(kind):
        return column
    if isinstance(held, pa.BaseExtensionType):
        return _cast(column.storage, kind)
    if types.is_dictionary(held) and not types.is_dictionary(kind):
        return _cast(column.dictionary_decode(), kind)
    if types.is_run_end_encoded(held):
        return _cast(pc.run_end_decode(column), kind)
    if types.is_timestamp(kind):
        # Nanoseconds are cut to microseconds; a zone becomes UTC.
        return column.cast(pa.timestamp("us", held.tz), safe=False).cast(kind)
    if types.is_time(held):
        return column.cast(pa.time64("us"), safe=False).cast(kind)
    if types.is_duration(held):
        return column.cast(pa.duration("us"), safe=False).cast(kind)
    if types.is_date64(held) or types.is_decimal(held):
        return pc.cast(column, kind, safe=False)
    if types.is_struct(kind):
        # Flattened, the fields of a struct that is missing are missing too.
        children = [_cast(child, field.type) for child, field in zip(column.flatten(), kind, strict=True)]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=column.is_null())
    if types.is_map(held):
        return _cast_map(column, kind)
    if types.is_fixed_size_list(kind):
        size = kind.list_size
        values = column.values.slice(column.offset * size, len(column) * size)
        return pa.FixedSizeListArray.from_arrays(_cast(values, kind.value_type), type=kind, mask=column.is_null())
    if types.is_list(kind):
        lengths = pc.list_value_length(column).fill_null(0)
        return _list(lengths, _cast(column.flatten(), kind.value_type), column.is_null(), kind)
    return column.cast(kind)


def _list(lengths: pa.Array, values: pa.Array, missing: pa.BooleanArray, kind: pa.DataType) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(lengths.to_numpy(zero_copy_only=False), dtype=np.int64)])
    if offsets[-1] >= 2**31:
        raise OverflowError(f"{offsets[-1]:,} values in the lists of one batch")
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=kind, mask=missing)


def _cast_map(column: pa.Array, kind: pa.DataType) -> pa.Array:
    offsets = column.offsets.to_numpy()
    lengths = np.where(column.is_null().to_numpy(zero_copy_only=False), 0, np.diff(offsets))
    # Entries under a missing map count for nothing.
    chosen = np.repeat(offsets[:-1] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(
        lengths.sum()
    )
    entries = kind.value_type
    halves = [half.take(pa.array(chosen)) for half in (column.keys, column.items)]
    values = [_cast(half, field.type) for half, field in zip(halves, entries, strict=True)]
    structs = pa.StructArray.from_arrays(values, fields=list(entries))
    return _list(pa.array(lengths), structs, column.is_null(), kind)


@dataclass(frozen=True)
class NormalisedShard:
    """A shard whose batches have the types of a snapshot.

    Parameters
    ----------
    shard
        What is read.
    schema
        Made by `normalised_schema`.
    keep_dictionaries
        As in `normalise`.
    """

    shard: Shard
    schema: pa.Schema
    keep_dictionaries: bool = False

    @property
    def num_rows(self) -> int | None:
        """Rows in the shard, where it knows."""
        return self.shard.num_rows

    def _wanted(self, columns: Sequence[str] | None) -> pa.Schema:
        names = self.schema.names if columns is None else columns
        return pa.schema([self.schema.field(name) for name in names])

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the shard's batches with normal types."""
        schema = self._wanted(columns)
        for batch in self.shard.read(schema.names):
            yield normalise(batch, schema, keep_dictionaries=self.keep_dictionaries)

    def null_counts(self, columns: Sequence[str]) -> dict[str, int]:
        """Return the nulls of columns, of which no cast makes any."""
        return known_nulls(self.shard, columns)

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the same, and report what the shard leaves out."""
        if not isinstance(self.shard, ReportingShard):
            yield from self.read(columns)
            return
        schema = self._wanted(columns)
        for batch in self.shard.read_reporting(report, schema.names):
            yield normalise(batch, schema, keep_dictionaries=self.keep_dictionaries)


def normalise_dataset(dataset: Dataset) -> Dataset:
    """Return the dataset with the types of a snapshot."""
    schema = normalised_schema(dataset.schema)
    if schema.equals(dataset.schema, check_metadata=True):
        return dataset
    return Dataset(schema, tuple(NormalisedShard(shard, schema) for shard in dataset.shards))
