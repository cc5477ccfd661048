"""Distinct numbers, sorted, and how often each occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    Counts: TypeAlias = NDArray[np.int64]

__all__ = ["ValueTable", "merged", "runs"]

T = TypeVar("T", bound="np.generic")
# Where one of two arrays is so many times as long, the other is put into it item by item.
_FAR_LONGER = 8


class ValueTable:
    """Sorted distinct values and their counts."""

    def __init__(self, dtype: DTypeLike, counts: DTypeLike = np.int64) -> None:
        self.values: NDArray[Any] = np.empty(0, dtype)
        self.counts: NDArray[Any] = np.empty(0, counts)

    @property
    def size(self) -> int:
        """Number of distinct values."""
        return int(self.values.size)

    def add(self, values: NDArray[Any], counts: NDArray[Any]) -> None:
        """Add counts of sorted distinct values; the arrays may be kept, and are not written to."""
        if self.values.size < values.size:
            (values, counts), (self.values, self.counts) = (self.values, self.counts), (values, counts)
        if not values.size:
            return
        places = np.searchsorted(self.values, values)
        known = self.values[np.minimum(places, self.values.size - 1)] == values
        # A copy, since these may be another table's.
        mine = self.counts.copy()
        mine[places[known]] += counts[known]
        if not known.all():
            new = ~known
            mine = np.insert(mine, places[new], counts[new])
            self.values = np.insert(self.values, places[new], values[new])
        self.counts = mine


def runs(values: NDArray[T]) -> tuple[NDArray[T], Counts]:
    """Return the distinct values of a sorted array, and how often each occurs."""
    if not values.size:
        return values, np.empty(0, np.int64)
    differs = values[1:] != values[:-1]
    if differs.all():
        return values, np.ones(values.size, np.int64)
    starts = np.flatnonzero(differs) + 1
    edges = np.empty(starts.size + 2, np.int64)
    edges[0], edges[1:-1], edges[-1] = 0, starts, values.size
    return values[edges[:-1]], np.diff(edges)


def merged(left: NDArray[T], right: NDArray[T]) -> NDArray[T]:
    """Return the items of two sorted arrays, sorted."""
    few, many = (left, right) if left.size < right.size else (right, left)
    if not few.size:
        return many
    if few.size * _FAR_LONGER <= many.size:
        return np.insert(many, np.searchsorted(many, few), few)
    # The stable sort finds the two runs, and merges them.
    return np.sort(np.concatenate([left, right]), kind="stable")
