"""Statistics of strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from headrace.engines.hashing import hash_strings
from headrace.engines.heavy_hitters import HeavyHitters
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.leaves import present
from headrace.statistics.ranks import rank_histogram
from headrace.statistics.texts import text_lengths
from headrace.statistics.values import CommonStatistics, StringStatistics, ValueCount, WeightedStringStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StringAccumulator"]

# Among so many first values of a batch, so many distinct ones at most: then it pays to find the distinct ones.
_LOOKED_AT = 256
_FEW = 96


class StringAccumulator:
    """Statistics of strings: every value is counted while few are distinct, the heavy ones beyond.

    See :class:`headrace.engines.heavy_hitters.HeavyHitters` for what is exact and what is bounded.
    """

    def __init__(self, settings: ColumnSettings | None = None) -> None:
        self._settings = settings or ColumnSettings()
        sizes = self._settings.exact_strings, self._settings.heavy_strings
        self._present = 0
        self._invalid = 0
        self._length = 0
        self._min_length: int | None = None
        self._max_length: int | None = None
        self._counts = HeavyHitters(*sizes)
        self._weights = HeavyHitters(*sizes, np.float64) if self._settings.weighted else None

    def update(self, values: pa.Array, weights: NDArray[np.float64] | None = None) -> None:
        """Take in strings or byte strings, plain or dictionary-encoded."""
        values, weights = present(values, weights)
        if self._weights is None:
            weights = None
        if not len(values):
            return
        if pa.types.is_dictionary(values.type):
            if len(values.dictionary) * 2 > len(values):
                values = values.dictionary_decode()
        elif _few(values):
            values = values.dictionary_encode()
        if not pa.types.is_dictionary(values.type):
            self._take(values, None, weights)
            return
        indices = values.indices.to_numpy(zero_copy_only=False)
        size = len(values.dictionary)
        counts = np.bincount(indices, minlength=size).astype(np.int64, copy=False)
        used = np.flatnonzero(counts)
        words = values.dictionary if used.size == size else values.dictionary.take(pa.array(used))
        sums = None if weights is None else np.bincount(indices, weights, minlength=size)[used].astype(np.float64)
        self._take(words, counts[used], sums)

    def merge(self, other: Self) -> None:
        """Take in what another accumulator of the same settings has seen."""
        self._present += other._present
        self._invalid += other._invalid
        self._length += other._length
        if other._min_length is not None and other._max_length is not None:
            self._widen(other._min_length, other._max_length)
        self._counts.merge(other._counts)
        if self._weights is not None and other._weights is not None:
            self._weights.merge(other._weights)

    def result(self, common: CommonStatistics) -> StringStatistics:
        """Return the statistics over all that was seen."""
        exact = self._counts.is_exact
        unique = self._counts.num_distinct
        # The histogram of ranks needs all there are.
        listed = _texts(self._counts.most_frequent(unique))
        top = listed[: self._settings.num_top_values]
        texts = self._present - self._invalid
        return StringStatistics(
            common_stats=common,
            unique=unique,
            top_values=top,
            avg_length=self._length / texts if texts else None,
            min_length=self._min_length,
            max_length=self._max_length,
            complete=exact and unique <= len(top),
            unique_exact=exact,
            unique_error=self._counts.distinct_error,
            frequency_error=int(self._counts.lost),
            rank_histogram=rank_histogram(listed, self._settings.num_rank_histogram_buckets),
            invalid_utf8_count=self._invalid,
            weighted=self._weighted(),
        )

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain values and arrays."""
        return {
            "present": self._present,
            "invalid": self._invalid,
            "length": self._length,
            "min_length": self._min_length,
            "max_length": self._max_length,
            "counts": self._counts.to_state(),
            "weights": None if self._weights is None else self._weights.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], settings: ColumnSettings) -> Self:
        """Return the accumulator of a state."""
        made = cls(settings)
        made._present, made._invalid, made._length = state["present"], state["invalid"], state["length"]
        made._min_length, made._max_length = state["min_length"], state["max_length"]
        made._counts = HeavyHitters.from_state(state["counts"])
        made._weights = None if state["weights"] is None else HeavyHitters.from_state(state["weights"])
        return made

    def _weighted(self) -> WeightedStringStatistics | None:
        if self._weights is None:
            return None
        listed = _texts(self._weights.most_frequent(self._weights.num_distinct))
        return WeightedStringStatistics(
            listed[: self._settings.num_top_values], rank_histogram(listed, self._settings.num_rank_histogram_buckets)
        )

    def _take(self, words: pa.Array, counts: NDArray[np.int64] | None, weights: NDArray[np.float64] | None) -> None:
        """Take in words, each of them once or as often as the counts say, and the weights of all their rows."""
        lengths, valid = text_lengths(words)
        self._present += len(words) if counts is None else int(counts.sum())
        if valid is not None and not valid.all():
            self._invalid += int((~valid).sum() if counts is None else counts[~valid].sum())
            words, lengths = words.filter(pa.array(valid)), lengths[valid]
            counts = None if counts is None else counts[valid]
            weights = None if weights is None else weights[valid]
        if not len(words):
            return
        self._length += int(lengths.sum() if counts is None else (lengths * counts).sum())
        self._widen(int(lengths.min()), int(lengths.max()))
        hashes = hash_strings(words)
        self._counts.update(words, hashes, counts)
        if self._weights is not None:
            assert weights is not None
            self._weights.update(words, hashes, weights)

    def _widen(self, low: int, high: int) -> None:
        self._min_length = low if self._min_length is None else min(self._min_length, low)
        self._max_length = high if self._max_length is None else max(self._max_length, high)


def _few(values: pa.Array) -> bool:
    return len(values.slice(0, _LOOKED_AT).unique()) <= _FEW


def _texts(listed: list[tuple[bytes, int | float]]) -> tuple[ValueCount, ...]:
    return tuple(ValueCount(word.decode("utf-8"), count) for word, count in listed)
