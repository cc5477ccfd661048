"""Statistics of numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from headrace.engines.moments import Moments, WeightedMoments
from headrace.engines.quantiles import QuantileSketch
from headrace.engines.weighted_quantiles import WeightedQuantileSketch
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.histograms import equal_width, from_quantiles
from headrace.statistics.leaves import decoded, present
from headrace.statistics.values import (
    CommonStatistics,
    Histogram,
    NumericStatistics,
    ValueCount,
    WeightedNumericStatistics,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["NumericAccumulator"]


class NumericAccumulator:
    """Statistics of integers or floats, of finite ones where not said otherwise.

    Parameters
    ----------
    settings
        Sizes.
    kind
        The Arrow type of the values: integers are told apart as integers, everything else as float64.
    """

    def __init__(self, settings: ColumnSettings | None = None, kind: pa.DataType | None = None) -> None:
        self._settings = settings or ColumnSettings()
        kind = kind if kind is not None else pa.float64()
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        self._dtype: np.dtype[Any] = np.dtype(np.float64)
        if pa.types.is_integer(kind):
            self._dtype = np.dtype(np.uint64 if kind == pa.uint64() else np.int64)
        self._whole = self._dtype.kind != "f"
        self._moments = Moments()
        self._zeros = 0
        self._nan = 0
        self._infinite = 0
        # Apart from the moments, because these are exact for integers beyond 2**53.
        self._min: int | float | None = None
        self._max: int | float | None = None
        self._quantiles = QuantileSketch(self._settings.exact_numbers, dtype=self._dtype)
        self._weighted_moments = WeightedMoments()
        self._weighted_quantiles = WeightedQuantileSketch(self._settings.exact_numbers)

    def update(self, values: pa.Array, weights: NDArray[np.float64] | None = None) -> None:
        """Take in integers, floats or decimals."""
        values, weights = present(values, weights)
        values = decoded(values)
        if pa.types.is_decimal(values.type):
            values = values.cast(pa.float64())
        if not len(values):
            return
        numbers = values.to_numpy(zero_copy_only=False).astype(self._dtype, copy=False)
        if not self._whole:
            finite = np.isfinite(numbers)
            if not finite.all():
                nan = int(np.count_nonzero(np.isnan(numbers)))
                self._nan += nan
                self._infinite += int(finite.size - np.count_nonzero(finite)) - nan
                numbers = numbers[finite]
                weights = None if weights is None else weights[finite]
                if not numbers.size:
                    return
        # The sum makes a zero of either sign the same one.
        self._widen(numbers.min().item() + 0, numbers.max().item() + 0)
        self._zeros += int(numbers.size - np.count_nonzero(numbers))
        self._moments.update(numbers)
        self._quantiles.update(numbers)
        if self._settings.weighted and weights is not None:
            floats = numbers.astype(np.float64, copy=False)
            self._weighted_moments.update(floats, weights)
            self._weighted_quantiles.update(floats, weights)

    def merge(self, other: Self) -> None:
        """Take in what another accumulator of the same type and settings has seen."""
        self._zeros += other._zeros
        self._nan += other._nan
        self._infinite += other._infinite
        if other._min is not None and other._max is not None:
            self._widen(other._min, other._max)
        self._moments.merge(other._moments)
        self._quantiles.merge(other._quantiles)
        self._weighted_moments.merge(other._weighted_moments)
        self._weighted_quantiles.merge(other._weighted_quantiles)

    def result(self, common: CommonStatistics) -> NumericStatistics:
        """Return the statistics over all that was seen."""
        buckets = self._settings.num_quantiles_histogram_buckets
        both = self._found_quantiles(np.concatenate([np.linspace(0.0, 1.0, 101), np.linspace(0.0, 1.0, buckets + 1)]))
        found, edges = both[:101], both[101:]
        return NumericStatistics(
            common_stats=common,
            mean=_finite(self._moments.mean if self._moments.count else math.nan),
            std_dev=_finite(math.sqrt(self._moments.variance)),
            num_zeros=self._zeros,
            num_nan=self._nan,
            num_infinite=self._infinite,
            min=self._min,
            median=float(found[50]) if found.size else None,
            max=self._max,
            quantiles=tuple(found.tolist()),
            histograms=self._histograms(edges),
            unique=self._quantiles.num_distinct,
            unique_exact=self._quantiles.is_exact,
            unique_error=self._quantiles.distinct_error,
            rank_error=self._quantiles.rank_error,
            weighted=self._weighted() if self._settings.weighted else None,
            top_values=self._top_values() if self._whole else (),
        )

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain values and arrays."""
        moments, weighted = self._moments, self._weighted_moments
        return {
            "dtype": self._dtype.str,
            "moments": [moments.count, moments.mean, moments.squares, moments.low, moments.high],
            "zeros": self._zeros,
            "nan": self._nan,
            "infinite": self._infinite,
            "min": self._min,
            "max": self._max,
            "quantiles": self._quantiles.to_state(),
            "weighted_moments": [weighted.weight, weighted.mean, weighted.squares],
            "weighted_quantiles": self._weighted_quantiles.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], settings: ColumnSettings) -> Self:
        """Return the accumulator of a state."""
        made = cls(settings, pa.from_numpy_dtype(np.dtype(state["dtype"])))
        moments, weighted = made._moments, made._weighted_moments
        moments.count, moments.mean, moments.squares, moments.low, moments.high = state["moments"]
        made._zeros, made._nan, made._infinite = state["zeros"], state["nan"], state["infinite"]
        made._min, made._max = state["min"], state["max"]
        made._quantiles = QuantileSketch.from_state(state["quantiles"])
        weighted.weight, weighted.mean, weighted.squares = state["weighted_moments"]
        made._weighted_quantiles = WeightedQuantileSketch.from_state(state["weighted_quantiles"])
        return made

    def _found_quantiles(self, fractions: Floats) -> Floats:
        if self._quantiles.count == 0:
            return np.empty(0, np.float64)
        found = self._quantiles.quantiles(fractions) + 0.0
        # Rounding of the interpolation may break the order by a bit.
        order = np.argsort(fractions, kind="stable")
        found[order] = np.maximum.accumulate(found[order])
        return found

    def _histograms(self, edges: Floats) -> tuple[Histogram, ...]:
        if self._quantiles.count == 0:
            return ()
        values, counts = self._quantiles.weighted()
        low, high = float(self._quantiles.minimum), float(self._quantiles.maximum)
        return (
            equal_width(values, counts, low, high, self._settings.num_histogram_buckets),
            from_quantiles(edges, self._moments.count),
        )

    def _weighted(self) -> WeightedNumericStatistics:
        moments, sketch = self._weighted_moments, self._weighted_quantiles
        if not sketch.total:
            return WeightedNumericStatistics(None, None, None)
        values, weights = sketch.weighted()
        fractions = np.linspace(0.0, 1.0, self._settings.num_quantiles_histogram_buckets + 1)
        low, high = float(self._quantiles.minimum) + 0.0, float(self._quantiles.maximum) + 0.0
        return WeightedNumericStatistics(
            _finite(moments.mean),
            _finite(math.sqrt(moments.variance)),
            float(sketch.quantiles(np.array([0.5]))[0]),
            (
                equal_width(values, weights, low, high, self._settings.num_histogram_buckets),
                from_quantiles(sketch.quantiles(fractions), sketch.total),
            ),
        )

    def _top_values(self) -> tuple[ValueCount, ...]:
        values, counts = self._quantiles.exact_values
        wanted = self._settings.num_top_values
        if not values.size or wanted <= 0:
            return ()
        order = np.lexsort((values, -counts))[:wanted]
        return tuple(ValueCount(str(values[at]), int(counts[at])) for at in order)

    def _widen(self, low: float, high: float) -> None:
        self._min = low if self._min is None else min(self._min, low)
        self._max = high if self._max is None else max(self._max, high)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
