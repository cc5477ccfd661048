"""Distinct words and how often each occurs, in Arrow's arrays rather than as Python's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WordTable"]

# Words that wait before they are put together with those that are known: so many at least, several times as many as
# are known while those are few, and as many as these when they are many.
_WAITING = 32_768
_TIMES = 4
_MANY = 1 << 20


class WordTable:
    """Counts of words, exact and mergeable.

    What is added waits until it is at least as much as what is known, so that a word is looked up a bounded number of
    times, however many updates there are.
    """

    def __init__(self) -> None:
        self._words: list[pa.Array] = []
        self._counts: list[NDArray[np.int64]] = []
        self._known = 0
        self._waiting = 0

    @property
    def size(self) -> int:
        """Number of distinct words."""
        self._settle()
        return self._known

    def add(self, words: pa.Array, counts: NDArray[np.int64]) -> None:
        """Add counts of words, some of which may be equal; texts without nulls, and a count for each."""
        if not len(words):
            return
        self._words.append(words)
        self._counts.append(counts)
        self._waiting += len(words)
        if self._waiting > max(_WAITING, self._known, min(_TIMES * self._known, _MANY)):
            self._settle()

    def merge(self, other: WordTable) -> None:
        """Add the counts of another table, which stays as it is."""
        for words, counts in zip(other._words, other._counts, strict=True):
            self.add(words, counts)

    def ranked(self, first: int | None = None) -> tuple[pa.Array, NDArray[np.int64]]:
        """Return words and counts, the most frequent first, and of equally frequent ones the last in code-point order.

        Parameters
        ----------
        first
            How many; all when None.
        """
        self._settle()
        if not self._known:
            return pa.array([], pa.string()), np.empty(0, np.int64)
        words, counts = self._words[0], self._counts[0]
        if first is not None and first < counts.size:
            # Only words as frequent as the last that is wanted need be sorted as texts.
            least = np.partition(counts, counts.size - first)[counts.size - first]
            kept = np.flatnonzero(counts >= least)
            words, counts = words.take(pa.array(kept)), counts[kept]
        table = pa.table({"count": counts, "word": words})
        order = pc.sort_indices(table, [("count", "descending"), ("word", "descending")])[:first]
        return words.take(order), counts[order.to_numpy()]

    def _settle(self) -> None:
        if not self._waiting:
            return
        together = pa.concat_arrays([words.cast(pa.large_string()) for words in self._words]).dictionary_encode()
        codes = together.indices.to_numpy()
        words = together.dictionary
        counts = np.zeros(len(words), np.int64)
        np.add.at(counts, codes, np.concatenate(self._counts))
        self._words, self._counts = [words], [counts]
        self._known, self._waiting = len(words), 0

    def __getstate__(self) -> dict[str, object]:
        self._settle()
        return self.__dict__
