"""What is counted of lists as wholes: how many there are, and in how many of them each id is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.transform.accumulators import IdCountsPart
from headrace.transform.tokens import Lists, lists_having

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.transform.accumulators import Part

__all__ = ["CorpusSize", "DocumentFrequency"]


@dataclass(frozen=True)
class DocumentFrequency:
    """In how many lists each id from 0 on occurs, up to the largest one that does. Takes lists of ids."""

    name: str = "document_frequency"

    def part(self) -> Part:
        """Return an empty state."""
        return _FrequencyPart()


class _FrequencyPart(IdCountsPart):
    def update(self, items: NDArray[Any]) -> None:
        self.update_lists(Lists(items, None, np.ones(items.size, np.int64)))

    def update_lists(self, lists: Lists) -> None:
        if lists.having is None or lists.codes is None:
            items = lists.items()
            if items.size:
                self.add(lists_having(items, lists.lengths, int(items.max()) + 1))
            return
        seen = lists.having > 0
        if not seen.any():
            return
        size = int(lists.values[seen].max()) + 1
        # Lists of an id that one value has are those of the value; where several have it, a list may have two of them.
        uses = np.bincount(lists.values[seen], minlength=size)
        alone = seen.copy()
        alone[seen] = uses[lists.values[seen]] == 1
        found = np.zeros(size, np.int64)
        found[lists.values[alone]] = lists.having[alone]
        shared = seen & ~alone
        if shared.any():
            kept = shared[lists.codes]
            sums = np.concatenate([[0], np.cumsum(kept)])
            ends = np.concatenate([[0], np.cumsum(lists.lengths)])
            found += lists_having(lists.values[lists.codes[kept]], np.diff(sums[ends]), size)
        self.add(found)


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

    def update_lists(self, lists: Lists) -> None:
        self.lists += lists.lengths.size

    def merge(self, other: Self) -> None:
        self.lists += other.lists

    def result(self) -> int | None:
        return self.lists or None
