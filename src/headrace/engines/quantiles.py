"""Quantiles of a stream: exact while there are few distinct values, a deterministic sketch beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np

from headrace.engines.distinct import DistinctSketch, hash_floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Weights: TypeAlias = NDArray[np.int64]

__all__ = ["QuantileSketch"]

EXACT_DISTINCT = 100_000
LEVEL_SIZE = 16_384
_BUFFER = 262_144


class QuantileSketch:
    """A mergeable summary of numbers, as float64; NaN is left out.

    Up to ``exact_distinct`` distinct values it counts each and is exact; whether it is depends on the values alone,
    never on how they were split. Beyond, it is a hierarchy of compactors (Manku, Rajagopalan and Lindsay 1998;
    Karnin, Lang and Liberty 2016, without their coin): level ``l`` holds items that stand for ``2**l`` values each,
    and a level with ``level_size`` items or more is sorted and every second item moves one level up. One such step
    shifts any rank by at most ``2**l`` and takes in at least ``level_size * 2**l`` values, so with ``L`` levels a
    rank is off by at most ``(L - 1) / level_size`` of all values: under 0.1 % up to two billion values. The same
    values in the same order of updates and merges give the same bits. The smallest and the largest value are exact.

    Parameters
    ----------
    exact_distinct
        Distinct values that are counted exactly.
    level_size
        Items of a level at which it is compacted.

    Examples
    --------
    >>> sketch = QuantileSketch()
    >>> sketch.update(np.arange(101))
    >>> sketch.quantiles([0.0, 0.25, 1.0]).tolist()
    [0.0, 25.0, 100.0]
    """

    def __init__(self, exact_distinct: int = EXACT_DISTINCT, level_size: int = LEVEL_SIZE) -> None:
        self.count = 0
        self.minimum = np.inf
        self.maximum = -np.inf
        self._exact_distinct = exact_distinct
        self._level_size = level_size
        self._buffer: list[Floats] = []
        self._buffered = 0
        self._values: Floats = np.empty(0, np.float64)
        self._counts: Weights = np.empty(0, np.int64)
        self._levels: list[Floats] | None = None
        self._odd: list[bool] = []
        self._distinct = DistinctSketch()

    @property
    def is_exact(self) -> bool:
        """Whether every value so far was counted, so that quantiles and ranks are exact."""
        self._flush()
        return self._levels is None

    @property
    def rank_error(self) -> float:
        """The largest possible error of a rank, as a share of all values."""
        self._flush()
        return 0.0 if self._levels is None else (len(self._levels) - 1) / self._level_size

    @property
    def num_distinct(self) -> int:
        """Number of distinct values; an estimate (see :class:`DistinctSketch`) where the sketch is not exact."""
        self._flush()
        return int(self._values.size) if self._levels is None else self._distinct.estimate()

    @property
    def distinct_error(self) -> float:
        """The relative standard error of ``num_distinct``."""
        return 0.0 if self.is_exact else self._distinct.standard_error

    def __getstate__(self) -> dict[str, object]:
        self._flush()
        return self.__dict__

    def update(self, values: ArrayLike) -> None:
        """Take in numbers of any shape; NaN is left out."""
        # The sum is a copy, which no one else writes to, and makes the two zeros one value.
        fresh = np.asarray(values, dtype=np.float64).ravel() + 0.0
        missing = np.isnan(fresh)
        if missing.any():
            fresh = fresh[~missing]
        if fresh.size == 0:
            return
        self.count += int(fresh.size)
        self.minimum = min(self.minimum, float(fresh.min()))
        self.maximum = max(self.maximum, float(fresh.max()))
        self._buffer.append(fresh)
        self._buffered += fresh.size
        if self._buffered >= _BUFFER:
            self._flush()

    def merge(self, other: Self) -> None:
        """Take in what another sketch of the same sizes has seen; the other one stays as it is."""
        self._flush()
        other._flush()
        self.count += other.count
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        if self._levels is None and other._levels is None:
            self._count(other._values, other._counts)
            return
        self._to_levels()
        if other._levels is None:
            self._distinct.update(hash_floats(other._values))
            self._add_weighted(other._values, other._counts)
        else:
            self._distinct.merge(other._distinct)
            for level, items in enumerate(other._levels):
                self._add(level, items)
        self._compact()

    def weighted(self) -> tuple[Floats, Weights]:
        """Return sorted values and how many values each stands for; the weights add up to the number of values."""
        self._flush()
        if self._levels is None:
            return self._values, self._counts
        values = np.concatenate(self._levels)
        weights = np.concatenate(
            [np.full(items.size, 1 << level, np.int64) for level, items in enumerate(self._levels)]
        )
        order = np.argsort(values, kind="stable")
        return values[order], weights[order]

    def quantiles(self, qs: Sequence[float] | Floats) -> Floats:
        """Return the quantiles, interpolated linearly between neighbours as ``numpy.quantile`` does.

        Parameters
        ----------
        qs
            Fractions in [0, 1], of any length.

        Returns
        -------
        numpy.ndarray
            float64, one value for each fraction; NaN for all where no value has been seen.

        Raises
        ------
        ValueError
            If a fraction lies outside [0, 1].
        """
        fractions = np.asarray(qs, dtype=np.float64)
        if fractions.size and not bool(np.all((fractions >= 0.0) & (fractions <= 1.0))):
            raise ValueError(f"quantiles are asked for by fractions in [0, 1]; got {fractions.tolist()}")
        if self.count == 0:
            return np.full(fractions.shape, np.nan)
        values, weights = self.weighted()
        totals = np.cumsum(weights)
        positions = fractions * float(self.count - 1)
        below = np.floor(positions)
        low = values[np.searchsorted(totals, below, side="right")]
        high = values[np.searchsorted(totals, np.ceil(positions), side="right")]
        found = _between(low, high, positions - below)
        found = np.where(fractions == 0.0, self.minimum, np.where(fractions == 1.0, self.maximum, found))
        return np.asarray(found, dtype=np.float64)

    def ranks(self, points: ArrayLike) -> Weights:
        """Return, for each point, how many of the values seen are less than or equal to it."""
        wanted = np.asarray(points, dtype=np.float64)
        values, weights = self.weighted()
        totals = np.concatenate([[0], np.cumsum(weights)])
        found = totals[np.searchsorted(values, wanted, side="right")]
        found = np.where(wanted >= self.maximum, self.count, np.where(wanted < self.minimum, 0, found))
        return np.asarray(found, dtype=np.int64)

    def _flush(self) -> None:
        if not self._buffered:
            return
        values = np.concatenate(self._buffer)
        self._buffer = []
        self._buffered = 0
        if self._levels is None:
            distinct, counts = np.unique(values, return_counts=True)
            self._count(distinct, counts)
        else:
            self._distinct.update(hash_floats(values))
            self._add(0, values)
            self._compact()

    def _count(self, values: Floats, counts: Weights) -> None:
        if self._values.size == 0:
            self._values, self._counts = values, counts
        else:
            both = np.concatenate([self._values, values])
            order = np.argsort(both, kind="stable")
            both = both[order]
            starts = np.flatnonzero(np.concatenate([[True], both[1:] != both[:-1]]))
            self._values = both[starts]
            self._counts = np.add.reduceat(np.concatenate([self._counts, counts])[order], starts)
        if self._values.size > self._exact_distinct:
            self._to_levels()
            self._compact()

    def _to_levels(self) -> None:
        if self._levels is None:
            self._levels = []
            self._distinct.update(hash_floats(self._values))
            self._add_weighted(self._values, self._counts)
            self._values = np.empty(0, np.float64)
            self._counts = np.empty(0, np.int64)

    def _add_weighted(self, values: Floats, counts: Weights) -> None:
        level = 0
        while counts.any():
            self._add(level, values[(counts & 1).astype(bool)])
            counts = counts >> 1
            level += 1

    def _add(self, level: int, items: Floats) -> None:
        assert self._levels is not None
        while len(self._levels) <= level:
            self._levels.append(np.empty(0, np.float64))
            self._odd.append(False)
        self._levels[level] = np.concatenate([self._levels[level], items])

    def _compact(self) -> None:
        assert self._levels is not None
        level = 0
        while level < len(self._levels):
            items = self._levels[level]
            if items.size >= self._level_size:
                items = np.sort(items)
                paired = items.size - items.size % 2
                # Taking the odd and the even ones by turns lets errors cancel.
                up = items[int(self._odd[level]) : paired : 2]
                self._odd[level] = not self._odd[level]
                self._levels[level] = items[paired:]
                self._add(level + 1, up)
            level += 1


def _between(low: Floats, high: Floats, share: Floats) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.where(share < 0.5, low + (high - low) * share, high - (high - low) * (1.0 - share))
        # Where the difference of two neighbours overflows, each is weighted by itself.
        found = np.where(np.isfinite(found), found, low * (1.0 - share) + high * share)
    # Between two infinities, the nearer.
    return np.where(np.isnan(found), np.where(share < 0.5, low, high), found)
