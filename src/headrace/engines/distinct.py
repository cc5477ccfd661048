"""How many distinct values there are, from the smallest of their hashes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes: TypeAlias = NDArray[np.uint64]

__all__ = ["DistinctSketch", "hash_floats", "hash_strings"]

KEPT = 16_384


class DistinctSketch:
    """The ``kept`` smallest distinct hashes of what was seen (Bar-Yossef et al. 2002).

    The state depends on the set of values alone. It is exact up to ``kept`` distinct values; beyond, the estimate
    ``(kept - 1) / largest`` (hashes as fractions of 2**64) has a standard error of ``1 / sqrt(kept - 2)``: 0.8 %.
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
            hashes = hashes[hashes < self._hashes[-1]]
        if hashes.size:
            # Sorted here because numpy.unique, without counts, fills a hash table, which takes fifty times as long.
            every = np.sort(np.concatenate([self._hashes, hashes]))
            first = np.concatenate([[True], every[1:] != every[:-1]])
            self._hashes = every[first][: self._kept]

    def merge(self, other: DistinctSketch) -> None:
        """Take in what another sketch has seen."""
        self.update(other._hashes)

    def estimate(self) -> int:
        """Return the number of distinct values."""
        if self._hashes.size < self._kept:
            return int(self._hashes.size)
        return round((self._kept - 1) / (float(self._hashes[-1]) / 2.0**64))


def hash_floats(values: NDArray[np.float64]) -> Hashes:
    """Hash float64 values; both zeros hash alike."""
    return _mixed((values + 0.0).view(np.uint64))


def hash_strings(values: pa.Array) -> Hashes:
    """Hash a string array without nulls.

    A polynomial over the bytes modulo 2**64: the difference of two prefix sums of ``byte * p**position``, divided by
    ``p**start`` (``p`` is odd, so it has an inverse), all strings at once.
    """
    values = pa.array(values, pa.large_string()) if not isinstance(values, pa.Array) else values.cast(pa.large_binary())
    offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
    if len(values) == 0:
        return np.empty(0, np.uint64)
    start, end = int(offsets[0]), int(offsets[-1])
    data = values.buffers()[2]
    raw = np.frombuffer(data, np.uint8)[start:end] if data is not None and end > start else np.empty(0, np.uint8)
    offsets = offsets - start
    prime = 0x9E3779B97F4A7C15
    powers = _powers(prime, raw.size + 1)
    sums = np.zeros(raw.size + 1, np.uint64)
    np.cumsum((raw.astype(np.uint64) + np.uint64(1)) * powers[:-1], out=sums[1:])
    inverse = _powers(pow(prime, -1, 1 << 64), raw.size + 1)
    starts, ends = offsets[:-1], offsets[1:]
    lengths = (ends - starts).astype(np.uint64)
    return _mixed((sums[ends] - sums[starts]) * inverse[starts] + lengths * np.uint64(0xD6E8FEB86659FD93))


def _powers(base: int, count: int) -> Hashes:
    powers = np.full(count, base, np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


def _mixed(values: Hashes) -> Hashes:
    # The finalizer of splitmix64 (Steele, Lea and Flood 2014).
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
