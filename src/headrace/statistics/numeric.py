"""Statistics of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engines.moments import Moments
from headrace.engines.quantiles import QuantileSketch
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.leaves import decoded, present
from headrace.statistics.values import Bucket, CommonStatistics, Histogram, NumericStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.engines.quantiles import Floats, Weights

__all__ = ["NumericAccumulator"]


class NumericAccumulator:
    """Statistics of integers or floats, of finite ones where not said otherwise."""

    def __init__(self, settings: ColumnSettings | None = None) -> None:
        self._settings = settings or ColumnSettings()
        self._moments = Moments()
        self._zeros = 0
        self._nan = 0
        self._infinite = 0
        # Apart from the moments, because these are exact for integers beyond 2**53.
        self._min: int | float | None = None
        self._max: int | float | None = None
        self._quantiles = QuantileSketch(self._settings.exact_numbers)

    def update(self, values: pa.Array, weights: NDArray[np.float64] | None = None) -> None:
        """Take in one batch's column of integers, floats or decimals."""
        column, _ = present(values, weights)
        column = decoded(column)
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        if len(column) == 0:
            return
        whole = pa.types.is_integer(column.type)
        numbers = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
        if not whole:
            finite = np.isfinite(numbers)
            if not finite.all():
                nan = int(np.count_nonzero(np.isnan(numbers)))
                self._nan += nan
                self._infinite += int(finite.size - np.count_nonzero(finite)) - nan
                numbers = numbers[finite]
                if numbers.size == 0:
                    return
            self._widen(float(numbers.min()) + 0.0, float(numbers.max()) + 0.0)
        else:
            ends = pc.min_max(column).as_py()
            self._widen(ends["min"], ends["max"])
        self._zeros += int(numbers.size - np.count_nonzero(numbers))
        self._moments.update(numbers)
        self._quantiles.update(numbers)

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen."""
        self._zeros += other._zeros
        self._nan += other._nan
        self._infinite += other._infinite
        if other._min is not None and other._max is not None:
            self._widen(other._min, other._max)
        self._moments.merge(other._moments)
        self._quantiles.merge(other._quantiles)

    def result(self, common: CommonStatistics) -> NumericStatistics:
        """Return the statistics over all that was seen."""
        quantiles = self._quantile_table()
        mean = self._moments.mean if self._moments.count else math.nan
        std_dev = math.sqrt(self._moments.variance)
        return NumericStatistics(
            common_stats=common,
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
            unique_error=self._quantiles.distinct_error,
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


def _buckets(edges: list[float], counts: list[float]) -> tuple[Bucket, ...]:
    return tuple(Bucket(low, high, count) for low, high, count in zip(edges, edges[1:], counts, strict=False))
