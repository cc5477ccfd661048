"""What analyzers gather for each key: a group of rows that share a text or an integer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from headrace.engines.quantiles import QuantileSketch
from headrace.transform.exact_sums import as_float, exact_totals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.transform.accumulators import Part

__all__ = ["KeyCounts", "Keys", "MomentsPerKey", "QuantilesPerKey", "TargetSums", "encoded"]


def encoded(values: NDArray[Any]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct texts of an array (integers by their digits), and the place of each value among them."""
    kind = pa.string() if values.dtype.kind in "OUS" else pa.int64()
    found = pa.array(values, kind).dictionary_encode()
    words: list[str] = found.dictionary.cast(pa.string()).to_pylist()
    return words, found.indices.to_numpy(zero_copy_only=False).astype(np.int64)


class Keys:
    """Numbers keys in the order in which they are first seen."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.places)

    def add(self, words: list[str]) -> NDArray[np.int64]:
        """Return the places of distinct keys; new ones get the next places."""
        places = self.places
        return np.array([places.setdefault(word, len(places)) for word in words], dtype=np.int64)

    def codes(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return the place of the key of each row."""
        words, indices = encoded(values)
        return self.add(words)[indices] if words else indices

    def ordered(self) -> tuple[list[str], list[int]]:
        """Return all keys in the order of their code points, and their places."""
        words = sorted(self.places)
        return words, [self.places[word] for word in words]


def _grown(array: NDArray[Any], size: int, fill: float) -> NDArray[Any]:
    if array.size >= size:
        return array
    return np.concatenate([array, np.full(size - array.size, fill, array.dtype)])


@dataclass(frozen=True)
class MomentsPerKey:
    """Count, mean, variance and extremes of numbers for each key, by Chan's update (see ``headrace.engines.Moments``).

    Takes numbers and keys.
    """

    name: str = "moments_per_key"

    def part(self) -> Part:
        """Return an empty state."""
        return _MomentsPerKeyPart()


class _MomentsPerKeyPart:
    def __init__(self) -> None:
        self.keys = Keys()
        self.count = np.empty(0, np.float64)
        self.mean = np.empty(0, np.float64)
        self.squares = np.empty(0, np.float64)
        self.low = np.empty(0, np.float64)
        self.high = np.empty(0, np.float64)

    def update(self, values: NDArray[Any], keys: NDArray[Any]) -> None:
        if values.size == 0:
            return
        words, codes = encoded(keys)
        places = self.keys.add(words)
        numbers = values.astype(np.float64, copy=False)
        size = len(words)
        count = np.bincount(codes, minlength=size).astype(np.float64)
        low, high = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(low, codes, numbers)
        np.maximum.at(high, codes, numbers)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.bincount(codes, weights=numbers, minlength=size) / count
            mean = np.where(low == high, low, mean)
            apart = numbers - mean[codes]
            rest = np.bincount(codes, weights=apart, minlength=size)
            squares = np.bincount(codes, weights=apart * apart, minlength=size) - rest * rest / count
        self._add(places, count, mean, np.where(low == high, 0.0, np.maximum(squares, 0.0)), low, high)

    def merge(self, other: Self) -> None:
        places = self.keys.add(list(other.keys.places))
        self._add(places, other.count, other.mean, other.squares, other.low, other.high)

    def _add(self, places: NDArray[np.int64], *theirs: NDArray[np.float64]) -> None:
        size = len(self.keys)
        fills = {"count": 0.0, "mean": 0.0, "squares": 0.0, "low": np.inf, "high": -np.inf}
        for name, fill in fills.items():
            setattr(self, name, _grown(getattr(self, name), size, fill))
        count, mean, squares, low, high = theirs
        low, high = np.minimum(self.low[places], low), np.maximum(self.high[places], high)
        mine = self.count[places]
        total = mine + count
        with np.errstate(over="ignore", invalid="ignore"):
            delta = mean - self.mean[places]
            merged = self.mean[places] + delta * (count / total)
            together = self.squares[places] + (squares + delta * delta * (mine * (count / total)))
        simple = (mine == 0.0) | (low == high)
        self.mean[places] = np.where(simple, mean, merged)
        self.squares[places] = np.where(simple, squares, together)
        self.count[places], self.low[places], self.high[places] = total, low, high

    def result(self) -> dict[str, list[Any]] | None:
        if not len(self.keys):
            return None
        words, places = self.keys.ordered()
        return {
            "keys": words,
            "count": self.count[places].astype(np.int64).tolist(),
            "mean": self.mean[places].tolist(),
            "var": (self.squares[places] / self.count[places]).tolist(),
            "min": self.low[places].tolist(),
            "max": self.high[places].tolist(),
        }


@dataclass(frozen=True)
class QuantilesPerKey:
    """The boundaries of ``num_buckets`` equally large parts for each key. Takes numbers and keys."""

    num_buckets: int
    name: str = "quantiles_per_key"

    def part(self) -> Part:
        """Return an empty state."""
        return _QuantilesPerKeyPart(self.num_buckets)


class _QuantilesPerKeyPart:
    def __init__(self, num_buckets: int) -> None:
        self.num_buckets = num_buckets
        self.sketches: dict[str, QuantileSketch] = {}

    def update(self, values: NDArray[Any], keys: NDArray[Any]) -> None:
        if values.size == 0:
            return
        words, codes = encoded(keys)
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=len(words)))[:-1]
        for word, numbers in zip(words, np.split(values[order], ends), strict=True):
            if word not in self.sketches:
                self.sketches[word] = QuantileSketch()
            self.sketches[word].update(numbers)

    def merge(self, other: Self) -> None:
        for word, sketch in other.sketches.items():
            if word in self.sketches:
                self.sketches[word].merge(sketch)
            else:
                self.sketches[word] = sketch

    def result(self) -> dict[str, list[Any]] | None:
        if not self.sketches:
            return None
        words = sorted(self.sketches)
        at = np.arange(1, self.num_buckets) / self.num_buckets
        return {"keys": words, "boundaries": [self.sketches[word].quantiles(at).tolist() for word in words]}


@dataclass(frozen=True)
class KeyCounts:
    """How often each key occurs: exact, in the order of their code points, or of integers. Takes keys."""

    integers: bool = False
    name: str = "count_per_key"

    def part(self) -> Part:
        """Return an empty state."""
        return _KeyCountsPart(integers=self.integers)


class _KeyCountsPart:
    def __init__(self, *, integers: bool) -> None:
        self.integers = integers
        self.counts: dict[str, int] = {}

    def update(self, keys: NDArray[Any]) -> None:
        words, codes = encoded(keys)
        for word, count in zip(words, np.bincount(codes, minlength=len(words)).tolist(), strict=True):
            self.counts[word] = self.counts.get(word, 0) + count

    def merge(self, other: Self) -> None:
        for word, count in other.counts.items():
            self.counts[word] = self.counts.get(word, 0) + count

    def result(self) -> dict[str, list[Any]] | None:
        if not self.counts:
            return None
        words = sorted(self.counts, key=int) if self.integers else sorted(self.counts)
        return {
            "keys": [int(word) for word in words] if self.integers else words,
            "count": [self.counts[word] for word in words],
        }


@dataclass(frozen=True)
class TargetSums:
    """Count and exact sum of a label for each key in each fold. Takes keys, truth values, numbers and folds.

    The truth values say where the key is missing: such rows are a group of their own.
    """

    folds: int
    name: str = "target_encode"

    def part(self) -> Part:
        """Return an empty state."""
        return _TargetSumsPart(self.folds)


class _TargetSumsPart:
    def __init__(self, folds: int) -> None:
        self.folds = folds
        self.counts: dict[str | None, list[int]] = {}
        self.totals: dict[str | None, list[int]] = {}

    def update(
        self, keys: NDArray[Any], missing: NDArray[np.bool_], labels: NDArray[Any], folds: NDArray[np.int64]
    ) -> None:
        if labels.size == 0:
            return
        words, codes = encoded(keys)
        named: list[str | None] = [*words, None]
        cells = np.where(missing, len(words), codes) * self.folds + folds
        size = len(named) * self.folds
        counts = np.bincount(cells, minlength=size).reshape(-1, self.folds).tolist()
        totals = exact_totals(cells, labels.astype(np.float64), size)
        for place, word in enumerate(named):
            if any(counts[place]):
                self._add(word, counts[place], totals[place * self.folds : (place + 1) * self.folds])

    def _add(self, word: str | None, counts: list[int], totals: list[int]) -> None:
        nothing = [0] * self.folds
        self.counts[word] = [a + b for a, b in zip(self.counts.get(word, nothing), counts, strict=True)]
        self.totals[word] = [a + b for a, b in zip(self.totals.get(word, nothing), totals, strict=True)]

    def merge(self, other: Self) -> None:
        for word, counts in other.counts.items():
            self._add(word, counts, other.totals[word])

    def result(self) -> dict[str, list[Any]] | None:
        if not self.counts:
            return None
        words = sorted(word for word in self.counts if word is not None)
        groups: list[str | None] = [*words, None]
        nothing = [0] * self.folds
        return {
            "keys": words,
            # The last group is that of missing keys.
            "counts": [self.counts.get(word, nothing) for word in groups],
            "sums": [[as_float(total) for total in self.totals.get(word, nothing)] for word in groups],
        }
