"""Statistics of timestamps and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.leaves import decoded, present
from headrace.statistics.values import CommonStatistics, TimestampStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TimestampAccumulator"]


class TimestampAccumulator:
    """The first and the last moment."""

    def __init__(self, settings: ColumnSettings | None = None) -> None:
        self._settings = settings or ColumnSettings()
        # Microseconds since 1970.
        self._min: int | None = None
        self._max: int | None = None

    def update(self, values: pa.Array, weights: NDArray[np.float64] | None = None) -> None:
        """Take in one batch's column of timestamps or dates."""
        column, _ = present(values, weights)
        column = decoded(column)
        if len(column):
            kind = column.type
            zone = kind.tz if pa.types.is_timestamp(kind) else None
            ends = pc.min_max(column.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())).as_py()
            self._widen(ends["min"], ends["max"])

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen."""
        if other._min is not None and other._max is not None:
            self._widen(other._min, other._max)

    def result(self, common: CommonStatistics) -> TimestampStatistics:
        """Return the statistics over all that was seen."""
        return TimestampStatistics(common, _iso(self._min), _iso(self._max))

    def _widen(self, low: int, high: int) -> None:
        self._min = low if self._min is None else min(self._min, low)
        self._max = high if self._max is None else max(self._max, high)


def _iso(microseconds: int | None) -> str | None:
    return None if microseconds is None else str(np.datetime64(microseconds, "us"))
