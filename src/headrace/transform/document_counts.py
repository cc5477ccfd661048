"""What is counted of lists as wholes: how many there are, and in how many of them each id is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.engines.sorting import sort
from headrace.transform.accumulators import IdCountsPart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.transform.accumulators import Part

__all__ = ["CorpusSize", "DocumentFrequency"]

# Items of lists up to this length are compared with those before them; a longer one is sorted.
_SHORT = 32


@dataclass(frozen=True)
class DocumentFrequency:
    """In how many lists each id from 0 on occurs, up to the largest one that does. Takes lists of ids."""

    name: str = "document_frequency"

    def part(self) -> Part:
        """Return an empty state."""
        return _FrequencyPart()


class _FrequencyPart(IdCountsPart):
    def update(self, items: NDArray[Any]) -> None:
        self.update_lists(items, np.ones(items.size, np.int64))

    def update_lists(self, items: NDArray[Any], lengths: NDArray[np.int64]) -> None:
        if not items.size:
            return
        size = int(items.max()) + 1
        again = _repeated(items, lengths) if lengths.max() <= _SHORT else _repeated_in_long(items, lengths, size)
        self.add(np.bincount(items, minlength=size) - np.bincount(again, minlength=size))


def _repeated(items: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Return the items that their lists had before, each as often as that is so."""
    ends = np.cumsum(lengths)
    repeats = np.zeros(items.size, np.bool_)
    for apart in range(1, int(lengths.max())):
        equal = np.flatnonzero(items[apart:] == items[:-apart])
        if equal.size:
            # Seldom are there many, so that they are looked up rather than all items numbered.
            within = ends[np.searchsorted(ends, equal, side="right")] > equal + apart
            repeats[apart + equal[within]] = True
    return items[repeats]


def _repeated_in_long(items: NDArray[Any], lengths: NDArray[np.int64], size: int) -> NDArray[Any]:
    # Lists are numbers of another base: equal items of one are neighbours when all are sorted.
    keys = np.repeat(np.arange(lengths.size, dtype=np.int64) * size, lengths)
    keys += items
    sort(keys)
    found: NDArray[np.int64] = keys[1:][keys[1:] == keys[:-1]] % size
    return found


@dataclass(frozen=True)
class CorpusSize:
    """How many lists there are, empty ones with them. Takes lists."""

    name: str = "corpus_size"

    def part(self) -> Part:
        """Return an empty state."""
        return _SizePart()


class _SizePart:
    def __init__(self) -> None:
        self.lists = 0

    def update(self, items: NDArray[Any]) -> None:
        self.lists += items.size

    def update_lists(self, items: NDArray[Any], lengths: NDArray[np.int64]) -> None:  # noqa: ARG002 - as of others
        self.lists += lengths.size

    def merge(self, other: Self) -> None:
        self.lists += other.lists

    def result(self) -> int | None:
        return self.lists or None
