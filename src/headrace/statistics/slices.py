"""Slices: rows that have something in common, and accumulators for each."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engines import Accumulator
from headrace.errors import DataError, UsageError, import_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "MISSING",
    "FunctionSlicer",
    "SliceFunction",
    "SliceSpec",
    "Sliced",
    "Slicer",
    "SqlSlicer",
    "ValueSlicer",
    "slicers_for",
]

MISSING = "missing"
OTHER = -1

Ranges: TypeAlias = Sequence[Any] | None
SliceSpec: TypeAlias = str | Sequence[str] | Mapping[str, Ranges]
SliceFunction: TypeAlias = Callable[[pa.RecordBatch], Any]
A = TypeVar("A", bound=Accumulator)


class Slicer(Protocol):
    """Cuts batches into the parts of slices."""

    def split(self, batch: pa.RecordBatch) -> Iterable[tuple[str, pa.RecordBatch]]:
        """Yield the keys of the slices that have rows in the batch, each with those rows."""
        ...


@dataclass(frozen=True)
class ValueSlicer:
    """One slice for each combination of values, or of ranges, of some columns.

    Parameters
    ----------
    columns
        Each with None for every value, with the values wanted, or with ranges ``(low, high)`` of numbers, of which the
        low end belongs to the range and the high end does not; an end that is None is open.
    """

    columns: tuple[tuple[str, tuple[Any, ...] | None], ...]

    def split(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the keys, as ``sex=Female,race=White``, and their rows."""
        if batch.num_rows == 0:
            return
        combined = np.zeros(batch.num_rows, np.int64)
        left_out = np.zeros(batch.num_rows, np.bool_)
        every: list[list[str]] = []
        for name, wanted in self.columns:
            codes, texts = _codes(batch.column(name), wanted)
            left_out |= codes == OTHER
            every.append(texts)
            if math.prod(map(len, every)) >= 1 << 62:
                raise DataError(
                    "The columns of a slice have few values", got=f"more than 2**62 combinations with {name!r}"
                )
            combined = combined * len(texts) + codes
        rows = np.flatnonzero(~left_out)
        if rows.size == 0:
            return
        order = rows[np.argsort(combined[rows], kind="stable")]
        found, starts = np.unique(combined[order], return_index=True)
        # One gathering for all slices, and no copy for each.
        gathered = batch.take(pa.array(order)) if found.size > 1 or order.size < batch.num_rows else batch
        ends = [*starts[1:].tolist(), order.size]
        for code, start, end in zip(found.tolist(), starts.tolist(), ends, strict=True):
            yield self._key(code, every), gathered.slice(start, end - start)

    def _key(self, code: int, every: list[list[str]]) -> str:
        parts = []
        for (name, _), texts in zip(reversed(self.columns), reversed(every), strict=True):
            code, at = divmod(code, len(texts))
            parts.append(f"{name}={texts[at]}")
        return ",".join(reversed(parts))


@dataclass(frozen=True)
class SqlSlicer:
    """The rows for which a predicate of SQL holds; DuckDB computes it, batch by batch.

    Parameters
    ----------
    key
        The slice's key.
    predicate
        An expression over the columns, as ``age < 30 AND sex = 'Female'``; NULL is false.
    """

    key: str
    predicate: str

    def split(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the rows for which it holds, if there are any."""
        rows = self.rows(batch)
        if rows.any():
            yield self.key, batch.filter(pa.array(rows))

    def rows(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Return for which rows it holds.

        Raises
        ------
        UsageError
            If it is not a predicate over the batch's columns.
        """
        duckdb = import_extra("duckdb", "sql")
        if not hasattr(_LOCAL, "connection"):
            _LOCAL.connection = duckdb.connect(":memory:", config={"threads": 1})
        # Its name stands in the query alone, where a column's name comes first.
        try:
            relation = _LOCAL.connection.from_arrow(pa.Table.from_batches([batch]))
            found = relation.project(f"coalesce(cast(({self.predicate}) as boolean), false) as holds").fetchnumpy()
        except duckdb.Error as error:
            raise UsageError(
                "A slice's SQL is a predicate over the columns",
                got=self.predicate,
                where=str(error).splitlines()[0],
                fix="As in: age < 30 AND sex = 'Female'",
            ) from error
        return np.asarray(found["holds"], np.bool_)


_LOCAL = threading.local()


@dataclass(frozen=True)
class FunctionSlicer:
    """Slices that a function of the user's finds in a batch.

    Parameters
    ----------
    function
        Given a record batch, it returns a mask (booleans, one a row) of one slice named like the function, or one key
        a row (texts; None for no slice), or pairs of a key and a record batch.
    """

    function: SliceFunction

    def split(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the keys and their rows.

        Raises
        ------
        UsageError
            If the function returns something else.
        """
        found = self.function(batch)
        if isinstance(found, np.ndarray | pa.Array | pa.ChunkedArray):
            yield from self._of_array(batch, found)
            return
        if isinstance(found, str | bytes) or not isinstance(found, Iterable):
            raise self._wrong(f"a {type(found).__name__}")
        rows = list(found)
        if all(isinstance(row, tuple) and len(row) == 2 and isinstance(row[1], pa.RecordBatch) for row in rows):
            for key, part in rows:
                yield str(key), part
            return
        yield from self._of_array(batch, pa.array(rows, from_pandas=True))

    def _of_array(self, batch: pa.RecordBatch, found: Any) -> Iterator[tuple[str, pa.RecordBatch]]:
        array = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        array = array if isinstance(array, pa.Array) else pa.array(array, from_pandas=True)
        if len(array) != batch.num_rows:
            raise self._wrong(f"{len(array)} of them for {batch.num_rows} rows")
        if pa.types.is_boolean(array.type):
            rows = pc.fill_null(array, False)
            if pc.any(rows).as_py():
                yield getattr(self.function, "__name__", type(self.function).__name__), batch.filter(rows)
            return
        keys = pc.dictionary_encode(array) if not pa.types.is_dictionary(array.type) else array
        texts = keys.dictionary.cast(pa.string()).to_pylist()
        codes = keys.indices.fill_null(OTHER).to_numpy(zero_copy_only=False)
        for code, text in enumerate(texts):
            rows = np.flatnonzero(codes == code)
            if rows.size and text is not None:
                yield text, batch.take(pa.array(rows))

    def _wrong(self, got: str) -> UsageError:
        return UsageError(
            "A slicing function returns a mask, one key a row, or pairs of a key and a record batch",
            got=got,
            where=f"function {getattr(self.function, '__name__', self.function)!s}",
        )


class Sliced(Generic[A]):
    """An accumulator for all rows, and one for each slice; a monoid.

    Parameters
    ----------
    make
        Makes an accumulator, given the key of its slice, or None for all rows.
    slicers
        They find the slices.
    limit
        More slices are an error.
    """

    def __init__(self, make: Callable[[str | None], A], slicers: tuple[Slicer, ...] = (), limit: int = 1_000) -> None:
        self.whole = make(None)
        self.slices: dict[str, A] = {}
        self._make = make
        self._slicers = slicers
        self._limit = limit

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of one batch."""
        self.whole.update(batch)
        for slicer in self._slicers:
            for key, rows in slicer.split(batch):
                self._slice(key).update(rows)

    def merge(self, other: Self) -> None:
        """Take in what another one with the same slicers has seen."""
        self.whole.merge(other.whole)
        for key, more in other.slices.items():
            self._slice(key).merge(more)

    def restore(self, whole: Any, slices: Mapping[str, Any], restore: Callable[[A, Any], None]) -> None:
        """Make the accumulators anew, and have ``restore`` put into each what it had seen."""
        self.whole = self._make(None)
        restore(self.whole, whole)
        self.slices = {}
        for key, state in slices.items():
            restore(self._slice(key), state)

    def result(self) -> Any:
        """Return the result of all rows."""
        return self.whole.result()

    def _slice(self, key: str) -> A:
        found = self.slices.get(key)
        if found is None:
            if len(self.slices) >= self._limit:
                raise DataError(
                    f"There are at most {self._limit:,} slices",
                    got=f"one more, {key}",
                    fix="Slice by columns with fewer values, name the values wanted, or raise max_slices",
                )
            found = self.slices[key] = self._make(key)
        return found


def slicers_for(
    slices: Sequence[SliceSpec], sqls: Sequence[str] | Mapping[str, str], functions: Sequence[SliceFunction]
) -> tuple[Slicer, ...]:
    """Return what finds the slices that were asked for.

    Raises
    ------
    UsageError
        If what was asked for cannot be understood.
    """
    named = sqls.items() if isinstance(sqls, Mapping) else [(sql, sql) for sql in sqls]
    return (
        *(_value_slicer(spec) for spec in slices),
        *(SqlSlicer(key, predicate) for key, predicate in named),
        *(FunctionSlicer(function) for function in functions),
    )


def _value_slicer(spec: SliceSpec) -> ValueSlicer:
    if isinstance(spec, str):
        return ValueSlicer(((spec, None),))
    if isinstance(spec, Mapping) and spec:
        return ValueSlicer(tuple((str(name), _wanted(name, wanted)) for name, wanted in spec.items()))
    if isinstance(spec, Sequence) and spec and all(isinstance(name, str) for name in spec):
        return ValueSlicer(tuple((name, None) for name in spec))
    raise UsageError(
        "A slice is a column, a list of columns, or a dict of columns to values or ranges",
        got=spec,
        fix='As in slices=["sex", ["sex", "race"], {"age": [(0, 30), (30, 60)]}]',
    )


def _wanted(name: str, wanted: Ranges) -> tuple[Any, ...] | None:
    if wanted is None:
        return None
    if isinstance(wanted, str | bytes) or not isinstance(wanted, Sequence) or not wanted:
        raise UsageError("The values of a slice are a list", got=wanted, where=f"column {name!r}")
    parts = tuple(tuple(one) if isinstance(one, list) else one for one in wanted)
    ranges = [one for one in parts if isinstance(one, tuple)]
    if not ranges:
        return parts
    for one in ranges:
        numbers = [end for end in one if end is not None]
        known = all(isinstance(end, int | float) and not math.isnan(end) for end in numbers)
        if len(one) != 2 or not known or (len(numbers) == 2 and not numbers[0] < numbers[1]):
            raise UsageError("A range is a pair of numbers, the lower first", got=one, where=f"column {name!r}")
    if len(ranges) < len(parts):
        raise UsageError("The values of a slice are all values or all ranges", got=wanted, where=f"column {name!r}")
    ordered = sorted(ranges, key=lambda one: -math.inf if one[0] is None else one[0])
    for before, after in itertools.pairwise(ordered):
        if before[1] is None or after[0] is None or after[0] < before[1]:
            raise UsageError("Ranges do not overlap", got=f"{before} and {after}", where=f"column {name!r}")
    return tuple(ordered)


def _codes(column: pa.Array, wanted: tuple[Any, ...] | None) -> tuple[NDArray[np.int64], list[str]]:
    """Return the number of each row's text, -1 for rows that are not wanted, and the texts."""
    if wanted is not None and isinstance(wanted[0], tuple):
        return _range_codes(column, wanted)
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    values = [_text(value) for value in column.dictionary.to_pylist()]
    texts = list(dict.fromkeys([*values, MISSING]))
    number = {text: at for at, text in enumerate(texts)}
    if wanted is not None:
        keep = {_text(value) for value in wanted}
        number = {text: at if text in keep else OTHER for text, at in number.items()}
    renumber = np.array([*(number[text] for text in values), number[MISSING]], np.int64)
    indices = pc.fill_null(column.indices.cast(pa.int64()), len(values)).to_numpy(zero_copy_only=False)
    return renumber[indices], texts


def _range_codes(column: pa.Array, ranges: tuple[Any, ...]) -> tuple[NDArray[np.int64], list[str]]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        raise UsageError(
            "Ranges are of numbers", got=f"a column of {column.type}", fix="Name values in place of ranges"
        )
    numbers = column.cast(pa.float64(), safe=False).fill_null(math.nan).to_numpy(zero_copy_only=False)
    codes = np.full(numbers.size, OTHER, np.int64)
    texts = []
    for at, (low, high) in enumerate(ranges):
        inside = (numbers >= (-math.inf if low is None else low)) & (numbers < (math.inf if high is None else high))
        codes[inside] = at
        texts.append(f"[{'-∞' if low is None else low}, {'∞' if high is None else high})")
    return codes, texts


def _text(value: Any) -> str:
    if value is None:
        return MISSING
    return str(value).lower() if isinstance(value, bool) else str(value)
