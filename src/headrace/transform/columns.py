"""Raw columns: how they enter a transform graph, cleaned as the source declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import ndonnx as ndx
import ndonnx.extensions as nde
import numpy as np
import pyarrow as pa

from headrace.data.cleaning import Cleaning, clean_array, cleaning
from headrace.errors import TransformError, did_you_mean
from headrace.model.lists import is_list_type, list_parts
from headrace.model.signature import ABSENT_SUFFIX, MISSING_SUFFIX, Input
from headrace.transform.lineage import infos
from headrace.transform.operators import strip_whitespace
from headrace.transform.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from spox import Var

    from headrace.model.signature import DType

__all__ = ["ColumnInputs", "Inputs", "NullCounter", "RawColumn", "raw_columns", "signature_inputs"]


NO_CLEANING = Cleaning()


@dataclass(frozen=True)
class RawColumn:
    """A column of the data as a transform graph takes it.

    Parameters
    ----------
    name
        Its name in the data, and of the graph's input.
    dtype
        ``int64``, ``float64``, ``string``, ``bool`` or ``timestamp`` (int64 microseconds since 1970).
    may_be_missing
        Whether the graph has a second input ``<name>__missing``, True where the value is missing.
    cleaning
        What the graph does to the column's texts before anything else.
    size
        None for one value a row; how many items each list has; or ``M`` for lists of any length, which have a further
        input ``<name>__absent``, True behind the end of a list and where an item is missing. So have lists of one
        length whose items may be missing.
    """

    name: str
    dtype: DType
    may_be_missing: bool
    cleaning: Cleaning = NO_CLEANING
    size: int | Literal["M"] | None = None

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The graph's inputs for the column, in the model signature's terms."""
        shape = ("N",) if self.size is None else ("N", self.size)
        found = [Input(self.name, self.name, "value", self.dtype, shape)]
        if self.has_absent:
            found.append(Input(self.name + ABSENT_SUFFIX, self.name, "absent", "bool", shape))
        if self.may_be_missing:
            found.append(Input(self.name + MISSING_SUFFIX, self.name, "missing", "bool"))
        return tuple(found)

    @property
    def has_absent(self) -> bool:
        """Whether lists may lack items."""
        return self.size == "M" or (self.size is not None and self.may_be_missing)


def _size(kind: pa.DataType) -> int | Literal["M"]:
    # A matrix of one column would be one value a row.
    return kind.list_size if pa.types.is_fixed_size_list(kind) and kind.list_size > 1 else "M"


def _is_column(kind: pa.DataType) -> bool:
    if is_list_type(kind):
        return _dtype(kind.value_type) not in (None, "timestamp")
    return _dtype(kind) is not None


def _dtype(kind: pa.DataType) -> DType | None:
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind) or kind == pa.string_view():
        return "string"
    if types.is_boolean(kind):
        return "bool"
    if types.is_integer(kind):
        return "int64"
    if types.is_floating(kind):
        return "float64"
    if types.is_timestamp(kind) or types.is_date(kind):
        return "timestamp"
    return None


def raw_columns(schema: pa.Schema, optional: Collection[str]) -> tuple[RawColumn, ...]:
    """Describe the columns of a schema; those of a type that no graph takes are left out."""
    found = []
    for field in schema:
        if not _is_column(field.type):
            continue
        size = _size(field.type) if is_list_type(field.type) else None
        dtype = _dtype(field.type if size is None else field.type.value_type)
        assert dtype is not None
        rules = cleaning(field) if dtype == "string" and size is None else Cleaning()
        found.append(RawColumn(field.name, dtype, field.name in optional, rules, size))
    names = {column.name for column in found}
    for column in found:
        for item in column.inputs[1:]:
            if item.name in names:
                raise TransformError(
                    f"The name of a column may not be that of another one and {MISSING_SUFFIX!r} or {ABSENT_SUFFIX!r}: "
                    "the graph's masks of the other one have these names",
                    got=item.name,
                    fix="Rename the column in the source",
                )
    return tuple(found)


def signature_inputs(columns: Sequence[RawColumn]) -> tuple[Input, ...]:
    """Return the graph's inputs for some columns."""
    return tuple(item for column in columns for item in column.inputs)


class NullCounter:
    """Counts missing values by column, texts that mean missing included, and items of lists of one length."""

    def __init__(self, schema: pa.Schema) -> None:
        self._cleaning = {
            field.name: rules for field in schema if _dtype(field.type) == "string" and (rules := cleaning(field))
        }
        self._fixed = {field.name for field in schema if is_list_type(field.type) and _size(field.type) != "M"}
        self.nulls: dict[str, int] = {}
        self.rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in a batch."""
        self.rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            rules = self._cleaning.get(name)
            cleaned = clean_array(column, rules) if rules is not None and rules.null_values else column
            nulls = cleaned.null_count
            if name in self._fixed:
                # A missing item needs a mask there, too; lists of any length have one always.
                nulls += list_parts(column)[0].null_count
            if nulls:
                self.nulls[name] = self.nulls.get(name, 0) + nulls

    def merge(self, other: NullCounter) -> None:
        """Take in what another counter has seen."""
        self.rows += other.rows
        for name, count in other.nulls.items():
            self.nulls[name] = self.nulls.get(name, 0) + count

    def result(self) -> dict[str, int]:
        """Return the counts of the columns that have missing values."""
        return dict(self.nulls)


_PLAIN: dict[str, ndx.DType[Any]] = {
    "int64": ndx.int64,
    "float64": ndx.float64,
    "string": ndx.utf8,
    "bool": ndx.bool,
    "timestamp": ndx.DateTime64DType("us"),
}


@dataclass(frozen=True)
class ColumnInputs:
    """A raw column in a graph: the graph's own inputs, and the cleaned array made of them."""

    arguments: dict[str, Var]
    array: ndx.Array


def _enter_lists(column: RawColumn) -> ColumnInputs:
    shape = ("N", None if column.size == "M" else column.size)
    values = ndx.argument(shape=shape, dtype=_PLAIN[column.dtype])
    arguments = {column.name: values.unwrap_spox()}
    lists = current_trace("analyze").lists
    (info,) = infos(values)
    lists[info] = None
    if not column.has_absent:
        return ColumnInputs(arguments, values)
    absent = ndx.argument(shape=shape, dtype=ndx.bool)
    arguments[column.name + ABSENT_SUFFIX] = absent.unwrap_spox()
    if column.may_be_missing:
        mask = ndx.argument(shape=("N",), dtype=ndx.bool)
        arguments[column.name + MISSING_SUFFIX] = mask.unwrap_spox()
        lists[info] = mask
        absent = absent | mask[:, None]
    return ColumnInputs(arguments, nde.make_nullable(values, absent))


def _enter(column: RawColumn) -> ColumnInputs:
    if column.size is not None:
        return _enter_lists(column)
    values = ndx.argument(shape=("N",), dtype=_PLAIN[column.dtype])
    value = values.disassemble()
    assert not isinstance(value, dict)
    arguments = {column.name: value}
    if column.cleaning.strip:
        values = ndx.asarray(strip_whitespace(values.unwrap_spox()))
    if not column.may_be_missing:
        return ColumnInputs(arguments, values)
    mask = ndx.argument(shape=("N",), dtype=ndx.bool)
    arguments[column.name + MISSING_SUFFIX] = mask.unwrap_spox()
    if column.cleaning.null_values:
        mask = mask | nde.isin(values, list(column.cleaning.null_values))
    if column.dtype == "timestamp":
        # Times have a missing value of their own.
        return ColumnInputs(arguments, ndx.where(mask, ndx.asarray(np.datetime64("NaT", "us")), values))
    return ColumnInputs(arguments, nde.make_nullable(values, mask))


class Inputs(Mapping[str, ndx.Array]):
    """What a preprocessing function is given: arrays by column, each access a copy.

    A column enters the graph when it is first asked for.
    """

    def __init__(self, columns: Sequence[RawColumn], others: Collection[str]) -> None:
        self._columns = {column.name: column for column in columns}
        self._others = others
        self.entered: dict[str, ColumnInputs] = {}

    def __getitem__(self, name: str) -> ndx.Array:
        if name not in self._columns:
            if name in self._others:
                raise TransformError(
                    "A column of this type cannot enter a graph",
                    got=f"column {name!r}",
                    fix="Columns of a graph are integers, floats, texts, truth values, dates or timestamps, "
                    "or lists of integers, floats, texts or truth values",
                )
            raise TransformError(
                "The data has no such column", got=repr(name), fix=did_you_mean(str(name), self._columns)
            )
        if name not in self.entered:
            self.entered[name] = _enter(self._columns[name])
        return self.entered[name].array.copy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def copy(self) -> dict[str, ndx.Array]:
        """Return the columns as a dictionary that may be changed."""
        return dict(self.items())
