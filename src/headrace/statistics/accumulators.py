"""Accumulators of the statistics of one column, one class a feature type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engines.distinct import DistinctSketch, hash_strings
from headrace.engines.moments import Moments
from headrace.engines.quantiles import QuantileSketch
from headrace.errors import DataError
from headrace.statistics.values import (
    BoolStatistics,
    Bucket,
    CommonStatistics,
    Histogram,
    NumericStatistics,
    StringStatistics,
    TimestampStatistics,
    ValueCount,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.engines.quantiles import Floats, Weights
    from headrace.schema import FeatureType

    ColumnAccumulator: TypeAlias = "NumericAccumulator | StringAccumulator | BoolAccumulator | TimestampAccumulator"

__all__ = [
    "BoolAccumulator",
    "NumericAccumulator",
    "StringAccumulator",
    "TimestampAccumulator",
    "accumulator_for",
    "feature_type",
]

EXACT_STRINGS = 50_000
HEAVY_STRINGS = 10_000
TOP_VALUES = 1_000


def feature_type(kind: pa.DataType) -> FeatureType | None:
    """Return the feature type of an Arrow type; None where there is none, as for lists."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind):
        return "INT"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "FLOAT"
    if pa.types.is_boolean(kind):
        return "BOOL"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "TIMESTAMP"
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return "STRING" if text or pa.types.is_null(kind) else None


class _Counter:
    """Counts rows with and without a value."""

    def __init__(self) -> None:
        self._present = 0
        self._missing = 0

    def _present_values(self, column: pa.Array) -> pa.Array:
        missing = column.null_count
        self._missing += missing
        self._present += len(column) - missing
        return column.drop_null() if missing else column

    def _merge_counts(self, other: Self) -> None:
        self._present += other._present
        self._missing += other._missing

    @property
    def _common(self) -> CommonStatistics:
        return CommonStatistics(self._present, self._missing)


class NumericAccumulator(_Counter):
    """Statistics of integers or floats, of finite ones where not said otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self._moments = Moments()
        self._zeros = 0
        self._nan = 0
        self._infinite = 0
        # Apart from the moments, because these are exact for integers beyond 2**53.
        self._min: int | float | None = None
        self._max: int | float | None = None
        self._quantiles = QuantileSketch()

    def update(self, column: pa.Array) -> None:
        """Take in one batch's column of integers, floats or decimals."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        column = self._present_values(column)
        if len(column) == 0:
            return
        whole = pa.types.is_integer(column.type)
        values = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
        if not whole:
            finite = np.isfinite(values)
            if not finite.all():
                nan = int(np.count_nonzero(np.isnan(values)))
                self._nan += nan
                self._infinite += int(finite.size - np.count_nonzero(finite)) - nan
                values = values[finite]
                if values.size == 0:
                    return
            self._widen(float(values.min()) + 0.0, float(values.max()) + 0.0)
        else:
            ends = pc.min_max(column).as_py()
            self._widen(ends["min"], ends["max"])
        self._zeros += int(values.size - np.count_nonzero(values))
        self._moments.update(values)
        self._quantiles.update(values)

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen."""
        self._merge_counts(other)
        self._zeros += other._zeros
        self._nan += other._nan
        self._infinite += other._infinite
        if other._min is not None and other._max is not None:
            self._widen(other._min, other._max)
        self._moments.merge(other._moments)
        self._quantiles.merge(other._quantiles)

    def result(self) -> NumericStatistics:
        """Return the statistics over all that was seen."""
        quantiles = self._quantile_table()
        mean = self._moments.mean if self._moments.count else math.nan
        std_dev = math.sqrt(self._moments.variance)
        return NumericStatistics(
            common_stats=self._common,
            mean=mean if math.isfinite(mean) else None,
            std_dev=std_dev if math.isfinite(std_dev) else None,
            num_zeros=self._zeros,
            num_nan=self._nan,
            num_infinite=self._infinite,
            min=self._min,
            median=quantiles[50] if quantiles else None,
            max=self._max,
            quantiles=quantiles,
            histograms=self._histograms(*self._quantiles.weighted(), quantiles),
            unique=self._quantiles.num_distinct,
            unique_exact=self._quantiles.is_exact,
            rank_error=self._quantiles.rank_error,
        )

    def _quantile_table(self) -> tuple[float, ...]:
        if self._quantiles.count == 0:
            return ()
        table = self._quantiles.quantiles(np.linspace(0.0, 1.0, 101))
        # Rounding of the interpolation may break the order by a bit.
        return tuple((np.maximum.accumulate(table) + 0.0).tolist())

    def _histograms(self, values: Floats, weights: Weights, quantiles: tuple[float, ...]) -> tuple[Histogram, ...]:
        if not quantiles:
            return ()
        low, high = quantiles[0], quantiles[-1]
        shares = np.linspace(0.0, 1.0, 11 if low < high else 2)
        edges = np.maximum.accumulate(np.clip(low * (1.0 - shares) + high * shares, low, high))
        edges[-1] = high
        totals = np.concatenate([[0], np.cumsum(weights)])
        below = totals[np.searchsorted(values, edges[1:-1], side="left")]
        counts = np.diff(np.concatenate([[0], below, [self._moments.count]]))
        deciles = quantiles[::10]
        return (
            Histogram("STANDARD", _buckets(edges.tolist(), counts.astype(np.float64).tolist())),
            Histogram("QUANTILES", _buckets(list(deciles), [self._moments.count / 10] * 10)),
        )

    def _widen(self, low: float, high: float) -> None:
        self._min = low if self._min is None else min(self._min, low)
        self._max = high if self._max is None else max(self._max, high)


class StringAccumulator(_Counter):
    """Statistics of strings: every value is counted while there are few, the heavy ones beyond.

    Up to ``exact`` distinct values all counts are exact; whether they are depends on the values alone, never on how
    they were split. Beyond, counters are cut back to ``heavy`` (Misra and Gries 1982, merged as Agarwal et al. 2013
    prove), so that a frequency is too low by at most one ``heavy + 1``-th of the values, and distinct values are
    estimated by :class:`DistinctSketch`.
    """

    def __init__(self, exact: int = EXACT_STRINGS, heavy: int = HEAVY_STRINGS, top: int = TOP_VALUES) -> None:
        super().__init__()
        self._exact = exact
        self._heavy = heavy
        self._top = top
        self._counts: dict[str, int] = {}
        self._lost = 0
        self._distinct: DistinctSketch | None = None
        self._length = 0
        self._min_length: int | None = None
        self._max_length: int | None = None

    def update(self, column: pa.Array) -> None:
        """Take in one batch's column of strings, plain or dictionary-encoded."""
        if pa.types.is_null(column.type):
            self._missing += len(column)
            return
        if pa.types.is_dictionary(column.type) and column.dictionary.null_count:
            column = column.dictionary_decode()
        column = self._present_values(column)
        if len(column) == 0:
            return
        counted = pc.value_counts(column)
        values, counts = counted.field("values"), counted.field("counts").to_numpy(zero_copy_only=False)
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        lengths = pc.utf8_length(values.cast(pa.large_string())).to_numpy(zero_copy_only=False)
        self._length += int(np.dot(lengths.astype(np.int64), counts))
        self._widen(int(lengths.min()), int(lengths.max()))
        if self._distinct is not None:
            self._distinct.update(hash_strings(values))
        self._count(zip(values.to_pylist(), counts.tolist(), strict=True))

    def merge(self, other: Self) -> None:
        """Take in what another accumulator of the same sizes has seen."""
        self._merge_counts(other)
        self._length += other._length
        if other._min_length is not None and other._max_length is not None:
            self._widen(other._min_length, other._max_length)
        self._lost += other._lost
        if other._distinct is not None:
            self._begin_sketch()
        if self._distinct is not None:
            if other._distinct is not None:
                self._distinct.merge(other._distinct)
            else:
                self._distinct.update(hash_strings(pa.array(list(other._counts), pa.large_string())))
        self._count(other._counts.items())

    def result(self) -> StringStatistics:
        """Return the statistics over all that was seen."""
        ranked = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        exact = self._distinct is None
        return StringStatistics(
            common_stats=self._common,
            unique=len(ranked) if self._distinct is None else self._distinct.estimate(),
            top_values=tuple(ValueCount(value, count) for value, count in ranked[: self._top]),
            avg_length=self._length / self._present if self._present else None,
            min_length=self._min_length,
            max_length=self._max_length,
            complete=exact and len(ranked) <= self._top,
            unique_exact=exact,
            frequency_error=self._lost,
        )

    def _count(self, items: Iterable[tuple[str, int]]) -> None:
        counts = self._counts
        for value, count in items:
            counts[value] = counts.get(value, 0) + count
        if len(counts) > self._exact:
            self._begin_sketch()
        if self._distinct is not None and len(counts) > 2 * self._heavy:
            frequencies = np.fromiter(counts.values(), np.int64, len(counts))
            cut = int(np.partition(frequencies, len(counts) - self._heavy - 1)[len(counts) - self._heavy - 1])
            self._counts = {value: count - cut for value, count in counts.items() if count > cut}
            self._lost += cut

    def _begin_sketch(self) -> None:
        if self._distinct is None:
            self._distinct = DistinctSketch()
            self._distinct.update(hash_strings(pa.array(list(self._counts), pa.large_string())))

    def _widen(self, low: int, high: int) -> None:
        self._min_length = low if self._min_length is None else min(self._min_length, low)
        self._max_length = high if self._max_length is None else max(self._max_length, high)


class BoolAccumulator(_Counter):
    """Counts of true and false."""

    def __init__(self) -> None:
        super().__init__()
        self._true = 0

    def update(self, column: pa.Array) -> None:
        """Take in one batch's column of truth values."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        column = self._present_values(column)
        self._true += int(pc.sum(column, min_count=0).as_py())

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen."""
        self._merge_counts(other)
        self._true += other._true

    def result(self) -> BoolStatistics:
        """Return the statistics over all that was seen."""
        return BoolStatistics(self._common, self._true, self._present - self._true)


class TimestampAccumulator(_Counter):
    """The first and the last moment."""

    def __init__(self) -> None:
        super().__init__()
        # Microseconds since 1970.
        self._min: int | None = None
        self._max: int | None = None

    def update(self, column: pa.Array) -> None:
        """Take in one batch's column of timestamps or dates."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        column = self._present_values(column)
        if len(column):
            kind = column.type
            zone = kind.tz if pa.types.is_timestamp(kind) else None
            ends = pc.min_max(column.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())).as_py()
            self._widen(ends["min"], ends["max"])

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen."""
        self._merge_counts(other)
        if other._min is not None and other._max is not None:
            self._widen(other._min, other._max)

    def result(self) -> TimestampStatistics:
        """Return the statistics over all that was seen."""
        return TimestampStatistics(self._common, _iso(self._min), _iso(self._max))

    def _widen(self, low: int, high: int) -> None:
        self._min = low if self._min is None else min(self._min, low)
        self._max = high if self._max is None else max(self._max, high)


def accumulator_for(name: str, kind: pa.DataType) -> ColumnAccumulator:
    """Return an empty accumulator for a column.

    Raises
    ------
    DataError
        If there are no statistics of the type, as of lists.
    """
    types: dict[str, type[ColumnAccumulator]] = {
        "INT": NumericAccumulator,
        "FLOAT": NumericAccumulator,
        "STRING": StringAccumulator,
        "BOOL": BoolAccumulator,
        "TIMESTAMP": TimestampAccumulator,
    }
    feature = feature_type(kind)
    if feature is None:
        raise DataError(
            "Statistics are of numbers, strings, truth values, timestamps and dates",
            got=str(kind),
            where=f"column {name!r}",
            fix="Leave the column out with columns=[...], or turn it into one of these",
        )
    return types[feature]()


def _buckets(edges: list[float], counts: list[float]) -> tuple[Bucket, ...]:
    return tuple(Bucket(low, high, count) for low, high, count in zip(edges, edges[1:], counts, strict=False))


def _iso(microseconds: int | None) -> str | None:
    return None if microseconds is None else str(np.datetime64(microseconds, "us"))
