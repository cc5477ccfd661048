"""Statistics of timestamps and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from headrace.engines.quantiles import QuantileSketch
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.histograms import equal_width
from headrace.statistics.leaves import decoded, present
from headrace.statistics.values import CommonStatistics, TimestampStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TimestampAccumulator"]

_SECOND = 1_000_000


class TimestampAccumulator:
    """Moments in microseconds since 1970: the first, the middle, the last, and what lies between them.

    Whether moments are in order is of the values in the order in which they were seen, the other's after one's own
    where two accumulators are merged: that of the data where the engine merges in the order of the shards, as
    LocalEngine does. Everything else is the same in any order.
    """

    def __init__(self, settings: ColumnSettings | None = None) -> None:
        self._settings = settings or ColumnSettings()
        self._sketch = QuantileSketch(self._settings.exact_numbers, dtype=np.int64)
        # Exact, where the sketch keeps them as float64.
        self._min: int | None = None
        self._max: int | None = None
        self._first: int | None = None
        self._last: int | None = None
        self._ordered = True

    def update(self, values: pa.Array, weights: NDArray[np.float64] | None = None) -> None:
        """Take in timestamps or dates."""
        values, _ = present(values, weights)
        values = decoded(values)
        if not len(values):
            return
        zone = values.type.tz if pa.types.is_timestamp(values.type) else None
        moments = values.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64()).to_numpy(zero_copy_only=False)
        self._follow(int(moments[0]), int(moments[-1]), ordered=bool((moments[1:] >= moments[:-1]).all()))
        self._widen(int(moments.min()), int(moments.max()))
        self._sketch.update(moments)

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen after this one."""
        if other._first is None or other._last is None or other._min is None or other._max is None:
            return
        self._follow(other._first, other._last, ordered=other._ordered)
        self._widen(other._min, other._max)
        self._sketch.merge(other._sketch)

    def result(self, common: CommonStatistics) -> TimestampStatistics:
        """Return the statistics over all that was seen."""
        low, high = self._min, self._max
        if low is None or high is None:
            return TimestampStatistics(common, None, None, unique=0)
        values, counts = self._sketch.weighted()
        # Of two in the middle the earlier, so that the median is a moment of the data where all are counted.
        middle = values[np.searchsorted(np.cumsum(counts), (self._sketch.count + 1) // 2)]
        exact, _ = self._sketch.exact_values
        gaps = np.diff(exact.astype(np.int64))
        widest = int(np.argmax(gaps)) if gaps.size else None
        return TimestampStatistics(
            common,
            _iso(low),
            _iso(high),
            median=_iso(min(max(int(middle), low), high)),
            histograms=(
                equal_width(
                    np.clip(values / _SECOND, low / _SECOND, high / _SECOND),
                    counts,
                    low / _SECOND,
                    high / _SECOND,
                    self._settings.num_histogram_buckets,
                ),
            ),
            ordered=self._ordered,
            unique=self._sketch.num_distinct,
            unique_exact=self._sketch.is_exact,
            largest_gap=None if widest is None else float(gaps[widest]) / _SECOND,
            gap_after=None if widest is None else _iso(int(exact[widest])),
            median_gap=None if widest is None else float(np.median(gaps)) / _SECOND,
        )

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain values and arrays."""
        return {
            "sketch": self._sketch.to_state(),
            "min": self._min,
            "max": self._max,
            "first": self._first,
            "last": self._last,
            "ordered": self._ordered,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], settings: ColumnSettings) -> Self:
        """Return the accumulator of a state."""
        made = cls(settings)
        made._sketch = QuantileSketch.from_state(state["sketch"])
        made._min, made._max = state["min"], state["max"]
        made._first, made._last, made._ordered = state["first"], state["last"], state["ordered"]
        return made

    def _follow(self, first: int, last: int, *, ordered: bool) -> None:
        self._ordered = self._ordered and ordered and (self._last is None or self._last <= first)
        self._first = first if self._first is None else self._first
        self._last = last

    def _widen(self, low: int, high: int) -> None:
        self._min = low if self._min is None else min(self._min, low)
        self._max = high if self._max is None else max(self._max, high)


def _iso(microseconds: int) -> str:
    return str(np.datetime64(microseconds, "us"))
