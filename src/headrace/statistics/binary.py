"""Statistics of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from headrace.engines.distinct import DistinctSketch
from headrace.engines.hashing import byte_lengths, hash_strings
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.leaves import decoded, present
from headrace.statistics.values import BytesStatistics, CommonStatistics

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["BinaryAccumulator"]


class BinaryAccumulator:
    """Lengths of byte strings, and how many distinct ones there are."""

    def __init__(self, settings: ColumnSettings | None = None) -> None:
        self._settings = settings or ColumnSettings()
        self._count = 0
        self._bytes = 0
        self._min: int | None = None
        self._max: int | None = None
        self._distinct = DistinctSketch(self._settings.exact_strings)

    def update(self, values: pa.Array, weights: NDArray[np.float64] | None = None) -> None:
        """Take in byte strings."""
        values, _ = present(values, weights)
        values = decoded(values)
        if not len(values):
            return
        lengths, _ = byte_lengths(values)
        self._count += len(values)
        self._bytes += int(lengths.sum())
        self._widen(int(lengths.min()), int(lengths.max()))
        self._distinct.update(hash_strings(values))

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen."""
        self._count += other._count
        self._bytes += other._bytes
        if other._min is not None and other._max is not None:
            self._widen(other._min, other._max)
        self._distinct.merge(other._distinct)

    def result(self, common: CommonStatistics) -> BytesStatistics:
        """Return the statistics over all that was seen."""
        return BytesStatistics(
            common,
            self._distinct.estimate(),
            self._bytes / self._count if self._count else None,
            self._min,
            self._max,
            unique_exact=self._distinct.is_exact,
            unique_error=self._distinct.standard_error,
        )

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain values and arrays."""
        return {
            "count": self._count,
            "bytes": self._bytes,
            "min": self._min,
            "max": self._max,
            "distinct": self._distinct.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], settings: ColumnSettings) -> Self:
        """Return the accumulator of a state."""
        made = cls(settings)
        made._count, made._bytes, made._min, made._max = state["count"], state["bytes"], state["min"], state["max"]
        made._distinct = DistinctSketch.from_state(state["distinct"])
        return made

    def _widen(self, low: int, high: int) -> None:
        self._min = low if self._min is None else min(self._min, low)
        self._max = high if self._max is None else max(self._max, high)
