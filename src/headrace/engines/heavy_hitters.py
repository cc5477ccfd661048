"""The most frequent strings of a stream: exact while few are distinct, within a bound beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from headrace.engines.distinct import DistinctSketch
from headrace.engines.hashing import byte_lengths
from headrace.engines.sorting import sort
from headrace.engines.value_table import runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.engines.hashing import Hashes

__all__ = ["HeavyHitters"]

EXACT = 50_000
KEPT = 10_000
# What is not yet counted is counted once it comes to so many strings, or so many bytes.
_WAITING = 131_072
_WAITING_BYTES = 32 << 20
# The bytes of all strings that have a counter.
_BYTES = 64 << 20
_WORDS = pa.large_binary()
# Most hashes that are not looked for are told by their first 16 bits.
_PREFIX = np.uint64(48)
_PREFIXES = 1 << 16
_MANY = 1 << 16


class HeavyHitters:
    """Counts of byte strings, which are told apart by hashes of 64 bits.

    Up to ``exact`` distinct ones every count is exact; whether they are depends on the strings alone, never on how
    they were split. Beyond, counters are cut back to ``kept`` whenever there are more than twice as many (Misra and
    Gries 1982, merged as Agarwal et al. 2013 prove): the count after the last that is kept is taken from all; and of a
    batch, strings without a counter that occur rarely in it are passed over. So a count is never too high, and too low
    by at most ``lost``, which is at most two ``kept + 1``-ths of all that was counted; a string without a counter
    occurs at most ``lost`` times. Distinct strings are then estimated by :class:`DistinctSketch`.

    Counted strings of more than 64 MB together are cut back, in the same way, to those that fit in half of that, which
    may lose more; that counts are not exact then depends on the strings alone, too.

    Two of 100,000 strings share a hash, and with it a counter, with a probability of 3e-10.

    Parameters
    ----------
    exact
        Distinct strings that are counted exactly.
    kept
        Counters beyond.
    dtype
        int64 for counts, float64 for sums of weights.
    """

    def __init__(self, exact: int = EXACT, kept: int = KEPT, dtype: type[np.int64 | np.float64] = np.int64) -> None:
        self.lost: int | float = 0
        self._exact = exact
        self._kept = kept
        self._dtype = dtype
        self._hashes: Hashes = np.empty(0, np.uint64)
        self._counts: NDArray[Any] = np.empty(0, dtype)
        self._words: pa.Array = pa.array([], _WORDS)
        self._distinct: DistinctSketch | None = None
        self._waiting: list[tuple[Hashes, NDArray[Any] | None, pa.Array]] = []
        self._waiting_items = 0
        self._waiting_bytes = 0

    @property
    def is_exact(self) -> bool:
        """Whether every string so far is counted, so that nothing is lost."""
        self._flush()
        return self._distinct is None

    @property
    def num_distinct(self) -> int:
        """Number of distinct strings; an estimate where the counts are not exact."""
        self._flush()
        return int(self._hashes.size) if self._distinct is None else self._distinct.estimate()

    @property
    def distinct_error(self) -> float:
        """The relative standard error of ``num_distinct``."""
        return 0.0 if self.is_exact or self._distinct is None else self._distinct.standard_error

    def __getstate__(self) -> dict[str, object]:
        self._flush()
        return self.__dict__

    def update(self, words: pa.Array, hashes: Hashes, counts: NDArray[Any] | None = None) -> None:
        """Take in strings.

        Parameters
        ----------
        words
            Strings or byte strings without nulls; kept until they are counted.
        hashes
            Of the words, by ``hash_strings``.
        counts
            How often each is to be counted, or its weight; once each when None.
        """
        if not hashes.size:
            return
        self._waiting.append((hashes, counts, words))
        self._waiting_items += hashes.size
        self._waiting_bytes += words.nbytes
        self._flush_if_full()

    def merge(self, other: Self) -> None:
        """Take in what another of the same sizes has seen; the other one stays as it is."""
        # What the other has not counted yet is counted with one's own, which is less work than counting it apart.
        self._waiting += other._waiting
        self._waiting_items += other._waiting_items
        self._waiting_bytes += other._waiting_bytes
        self.lost += other.lost
        if other._distinct is not None:
            self._begin_sketch()
        if self._distinct is not None:
            if other._distinct is None:
                self._distinct.update(other._hashes)
            else:
                self._distinct.merge(other._distinct)
        self._take(other._hashes, other._counts, [(other._hashes, other._words)])
        self._flush_if_full()

    def most_frequent(self, count: int) -> list[tuple[bytes, int | float]]:
        """Return the most frequent strings and their counts, the most frequent first, ties in the order of the bytes.

        Where not all strings are counted, only those are listed that surely occur more than once, and more often than
        any without a counter: whose count is at least 2 (of counts, not of weights) and more than was lost.
        """
        self._flush()
        chosen = np.arange(self._counts.size)
        if self._distinct is not None:
            least = max(self.lost, 1 if self._dtype is np.int64 else 0)
            chosen = np.flatnonzero(self._counts > least)
        if chosen.size > count > 0:
            counts = self._counts[chosen]
            chosen = chosen[counts >= np.partition(counts, -count)[-count]]
        words = self._words.take(pa.array(chosen)).to_pylist()
        listed = sorted(zip(words, self._counts[chosen].tolist(), strict=True), key=lambda item: (-item[1], item[0]))
        return listed[:count]

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain values and arrays."""
        self._flush()
        return {
            "exact": self._exact,
            "kept": self._kept,
            "dtype": np.dtype(self._dtype).str,
            "lost": self.lost,
            "hashes": self._hashes,
            "counts": self._counts,
            "words": self._words.to_pylist(),
            "distinct": None if self._distinct is None else self._distinct.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the counters of a state."""
        made = cls(state["exact"], state["kept"], np.int64 if np.dtype(state["dtype"]).kind == "i" else np.float64)
        made.lost = state["lost"]
        made._hashes, made._counts = state["hashes"], state["counts"]
        made._words = pa.array(state["words"], _WORDS)
        made._distinct = None if state["distinct"] is None else DistinctSketch.from_state(state["distinct"])
        return made

    def _flush_if_full(self) -> None:
        if self._waiting_items >= _WAITING or self._waiting_bytes >= _WAITING_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting, self._waiting_items, self._waiting_bytes = self._waiting, [], 0, 0
        plain = [(hashes, words) for hashes, counts, words in waiting if counts is None]
        if plain:
            self._see_rows(np.concatenate([one for one, _ in plain]), plain)
        counted = [(hashes, counts, words) for hashes, counts, words in waiting if counts is not None]
        if counted:
            hashes = np.concatenate([one for one, _, _ in counted])
            order = np.argsort(hashes, kind="stable")
            hashes = hashes[order]
            starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
            sums = np.add.reduceat(np.concatenate([one for _, one, _ in counted]).astype(self._dtype)[order], starts)
            if self._distinct is not None:
                self._distinct.update(hashes[starts])
            self._take(hashes[starts], sums, [(one, words) for one, _, words in counted])

    def _see_rows(self, rows: Hashes, sources: list[tuple[Hashes, pa.Array]]) -> None:
        """Count hashes, each as often as it is there."""
        if self._distinct is None and _surely_distinct(rows) > self._exact:
            self._begin_sketch()
        least = 0
        if self._distinct is not None:
            self._distinct.update(rows)
            rows, least = self._promising(rows)
        sort(rows)
        hashes, counts = runs(rows)
        self._take(hashes, counts.astype(self._dtype, copy=False), sources, least)

    def _promising(self, rows: Hashes) -> tuple[Hashes, int]:
        """Leave out rows whose strings have no counter and occur rarely, and say how often at most.

        The rows with the same first bits are counted together, which is far less work than sorting them.
        """
        most = rows.size // (self._kept + 1)
        if not most:
            return rows, 0
        prefixes = (rows >> _PREFIX).view(np.int64)
        tally = np.bincount(prefixes, minlength=_PREFIXES)
        by_size = np.bincount(np.minimum(tally, most + 1), minlength=most + 2) * np.arange(most + 2)
        by_size[-1] = rows.size - by_size[:-1].sum()
        # How many rows have more than so many beside them: few enough to sort is one in eight.
        above = rows.size - np.cumsum(by_size)
        least = min(int(np.searchsorted(-above, -(rows.size // 8))), most)
        chosen = tally > least
        chosen[self._hashes >> _PREFIX] = True
        return rows[chosen[prefixes]], least

    def _begin_sketch(self) -> None:
        if self._distinct is None:
            self._distinct = DistinctSketch()
            self._distinct.update(self._hashes)

    def _take(
        self,
        hashes: Hashes,
        counts: NDArray[Any],
        sources: list[tuple[Hashes, pa.Array]],
        least: int = 0,
    ) -> None:
        """Add counts of sorted distinct hashes, whose words are in the sources; others occurred ``least`` times."""
        if not hashes.size and not least:
            return
        old, old_counts = self._hashes, self._counts
        places = np.searchsorted(hashes, old)
        known = np.zeros(old.size, bool)
        if hashes.size:
            known = hashes[np.minimum(places, hashes.size - 1)] == old
        counts = counts.copy()
        counts[places[known]] += old_counts[known]
        # Where each counter's word is: a place among the old words, or not there yet.
        homes = np.full(hashes.size, -1, np.int64)
        homes[places[known]] = np.flatnonzero(known)
        if not known.all():
            rest = np.flatnonzero(~known)
            hashes = np.insert(hashes, places[rest], old[rest])
            counts = np.insert(counts, places[rest], old_counts[rest])
            homes = np.insert(homes, places[rest], rest)
        if self._distinct is None and hashes.size > self._exact:
            self._distinct = DistinctSketch()
            self._distinct.update(hashes)
        if least:
            left = np.flatnonzero((homes >= 0) | (counts > least))
            hashes, counts, homes = hashes[left], counts[left], homes[left]
            self.lost += least
        if self._distinct is not None and hashes.size > 2 * self._kept:
            cut = _largest(counts, self._kept + 1)
            left = np.flatnonzero(counts > cut)
            hashes, counts, homes = hashes[left], counts[left] - cut, homes[left]
            self.lost += cut
        new = np.flatnonzero(homes < 0)
        words, homes[new] = _found(hashes[new], sources)
        homes[new] += len(self._words)
        self._hashes, self._counts = hashes, counts
        every = pa.concat_arrays([self._words, *words]) if words else self._words
        self._words = every.take(pa.array(homes))
        self._lighten()

    def _lighten(self) -> None:
        """Keep only as many strings, the most frequent, as fit."""
        lengths, _ = byte_lengths(self._words)
        if int(lengths.sum()) <= _BYTES:
            return
        self._begin_sketch()
        order = np.argsort(-self._counts, kind="stable")
        fitting = int(np.searchsorted(np.cumsum(lengths[order]), _BYTES // 2, side="right"))
        cut = self._counts[order[fitting]].item()
        left = np.flatnonzero(self._counts > cut)
        self._hashes, self._counts = self._hashes[left], self._counts[left] - cut
        self._words = self._words.take(pa.array(left))
        self.lost += cut


def _largest(counts: NDArray[Any], nth: int) -> Any:
    """Return the nth largest count."""
    if counts.dtype.kind == "i":
        # Most are small, and equal ones are slow to partition.
        tally = np.cumsum(np.bincount(np.minimum(counts, _MANY))[::-1])
        place = tally.size - 1 - int(np.searchsorted(tally, nth))
        if place < _MANY:
            return place
        counts = counts[counts >= _MANY]
    return np.partition(counts, -nth)[-nth].item()


def _surely_distinct(hashes: Hashes) -> int:
    """Return how many distinct hashes there are at least, by their first 17 bits."""
    return int(np.count_nonzero(np.bincount((hashes >> np.uint64(47)).view(np.int64), minlength=1 << 17)))


def _found(wanted: Hashes, sources: list[tuple[Hashes, pa.Array]]) -> tuple[list[pa.Array], NDArray[np.int64]]:
    """Return words that have the wanted hashes, which are sorted, and the place of each in their sequence."""
    places = np.empty(wanted.size, np.int64)
    if not wanted.size:
        return [], places
    likely = np.zeros(_PREFIXES, bool)
    likely[wanted >> _PREFIX] = True
    words = []
    before = 0
    missing = np.ones(wanted.size, bool)
    for hashes, source in sources:
        rows = np.flatnonzero(likely[hashes >> _PREFIX])
        at = np.minimum(np.searchsorted(wanted, hashes[rows]), wanted.size - 1)
        right = (wanted[at] == hashes[rows]) & missing[at]
        # One row for each, where several have it.
        chosen = np.full(wanted.size, -1, np.int64)
        chosen[at[right]] = rows[right]
        here = np.flatnonzero(chosen >= 0)
        if here.size:
            words.append(_plain(source.take(pa.array(chosen[here]))))
            places[here] = before + np.arange(here.size)
            before += here.size
            missing[here] = False
    return words, places


def _plain(words: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(words.type):
        words = words.dictionary_decode()
    return words.cast(_WORDS)
