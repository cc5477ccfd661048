"""Statistics of strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engines.distinct import DistinctSketch, hash_strings
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.leaves import present
from headrace.statistics.values import CommonStatistics, StringStatistics, ValueCount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["StringAccumulator"]


class StringAccumulator:
    """Statistics of strings: every value is counted while there are few, the heavy ones beyond.

    Up to ``exact_strings`` distinct values all counts are exact; whether they are depends on the values alone, never on
    how they were split. Beyond, counters are cut back to ``heavy_strings`` (Misra and Gries 1982, merged as Agarwal et
    al. 2013 prove), so that a frequency is too low by at most one ``heavy_strings + 1``-th of the values, and distinct
    values are estimated by :class:`DistinctSketch`.
    """

    def __init__(self, settings: ColumnSettings | None = None) -> None:
        self._settings = settings or ColumnSettings()
        self._exact = self._settings.exact_strings
        self._heavy = self._settings.heavy_strings
        self._top = self._settings.num_top_values
        self._present = 0
        self._counts: dict[str, int] = {}
        self._lost = 0
        self._distinct: DistinctSketch | None = None
        self._length = 0
        self._min_length: int | None = None
        self._max_length: int | None = None

    def update(self, values: pa.Array, weights: NDArray[np.float64] | None = None) -> None:
        """Take in one batch's column of strings, plain or dictionary-encoded."""
        column, _ = present(values, weights)
        self._present += len(column)
        if len(column) == 0:
            return
        counted = pc.value_counts(column)
        words, counts = counted.field("values"), counted.field("counts").to_numpy(zero_copy_only=False)
        if pa.types.is_dictionary(words.type):
            words = words.dictionary_decode()
        lengths = pc.utf8_length(words.cast(pa.large_string())).to_numpy(zero_copy_only=False)
        self._length += int(np.dot(lengths.astype(np.int64), counts))
        self._widen(int(lengths.min()), int(lengths.max()))
        if self._distinct is not None:
            self._distinct.update(hash_strings(words))
        self._count(zip(words.to_pylist(), counts.tolist(), strict=True))

    def merge(self, other: Self) -> None:
        """Take in what another accumulator of the same sizes has seen."""
        self._present += other._present
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

    def result(self, common: CommonStatistics) -> StringStatistics:
        """Return the statistics over all that was seen."""
        ranked = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        exact = self._distinct is None
        return StringStatistics(
            common_stats=common,
            unique=len(ranked) if self._distinct is None else self._distinct.estimate(),
            top_values=tuple(ValueCount(value, count) for value, count in ranked[: self._top]),
            avg_length=self._length / self._present if self._present else None,
            min_length=self._min_length,
            max_length=self._max_length,
            complete=exact and len(ranked) <= self._top,
            unique_exact=exact,
            unique_error=0.0 if self._distinct is None else self._distinct.standard_error,
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
