"""How many distinct values there are, from the smallest of their hashes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.engines.hashing import hash_numbers, hash_strings
from headrace.engines.sorting import sort

if TYPE_CHECKING:
    from headrace.engines.hashing import Hashes

__all__ = ["DistinctSketch", "hash_numbers", "hash_strings"]

KEPT = 8_192


class DistinctSketch:
    """The ``kept`` smallest distinct hashes of what was seen (Bar-Yossef et al. 2002).

    The state depends on the set of values alone. It is exact while there are fewer than ``kept`` distinct values;
    beyond, the estimate ``(kept - 1) / largest`` (hashes as fractions of 2**64) has a standard error of
    ``1 / sqrt(kept - 2)``: 1.1 %.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._hashes: Hashes = np.empty(0, np.uint64)

    @property
    def is_exact(self) -> bool:
        """Whether every hash that was seen is there."""
        return self._hashes.size < self._kept

    @property
    def standard_error(self) -> float:
        """The relative standard error of the estimate; 0 where it is exact."""
        return 0.0 if self.is_exact else 1.0 / math.sqrt(self._kept - 2)

    def update(self, hashes: Hashes) -> None:
        """Take in hashes that are evenly spread over 64 bits."""
        if self._hashes.size == self._kept:
            self._take(hashes[hashes < self._hashes[-1]])
            return
        share = 1.25 * self._kept / max(hashes.size, 1)
        while share < 0.5:
            # Where few values are frequent, these are enough, and are far fewer to sort.
            few = hashes[hashes < np.uint64(int(share * 2.0**64))]
            self._take(few)
            if self._hashes.size == self._kept and self._hashes[-1] <= np.uint64(int(share * 2.0**64)):
                return
            share *= 2
        self._take(hashes)

    def merge(self, other: Self) -> None:
        """Take in what another sketch of the same size has seen."""
        self.update(other._hashes)

    def estimate(self) -> int:
        """Return the number of distinct values."""
        if self.is_exact:
            return int(self._hashes.size)
        return round((self._kept - 1) / (float(self._hashes[-1]) / 2.0**64))

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain values and arrays."""
        return {"kept": self._kept, "hashes": self._hashes}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the sketch of a state."""
        made = cls(state["kept"])
        made._hashes = state["hashes"]
        return made

    def _take(self, hashes: Hashes) -> None:
        if hashes.size:
            # Sorted here because numpy.unique, without counts, fills a hash table, which takes fifty times as long.
            every = np.concatenate([self._hashes, hashes])
            sort(every)
            first = np.concatenate([[True], every[1:] != every[:-1]])
            self._hashes = every[first][: self._kept]
