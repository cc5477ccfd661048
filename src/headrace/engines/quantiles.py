"""Quantiles of a stream: exact while there are few distinct values, a deterministic sketch beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from headrace.engines.distinct import DistinctSketch
from headrace.engines.hashing import hash_numbers
from headrace.engines.sorting import sort
from headrace.engines.value_table import ValueTable, merged, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Weights: TypeAlias = NDArray[np.int64]

__all__ = ["QuantileSketch"]

EXACT_DISTINCT = 100_000
LEVEL_SIZE = 17_408
# From this level on each is twice as large as the one below.
_GROWING = 16
_BUFFER = 131_072
# So many whole numbers are worth to be counted at once.
_DIRECT = 4_096


class QuantileSketch:
    """A mergeable summary of numbers; NaN is left out.

    Up to ``exact_distinct`` distinct values it counts each and is exact; whether it is depends on the values alone,
    never on how they were split. Beyond, it is a hierarchy of compactors (Manku, Rajagopalan and Lindsay 1998;
    Karnin, Lang and Liberty 2016, without their coin): level ``l`` holds items that stand for ``2**l`` values each,
    and of a level with more than its size every second item, in their order, moves one level up. One such step shifts
    any rank by at most ``2**l`` and takes in at least ``size * 2**l`` values, so that level ``l`` adds at most
    ``1 / size`` to the error of a rank, as a share of all values. The sizes are ``level_size`` for 16 levels and
    double from there on, so that the sum stays below ``17 / level_size``: under 0.1 %, however many values there are.
    The same values in the same order of updates and merges give the same bits. The smallest and the largest value are
    exact.

    Parameters
    ----------
    exact_distinct
        Distinct values that are counted exactly.
    level_size
        Items of a level beyond which it is compacted.
    dtype
        float64, int64 or uint64: what values are told apart as; quantiles are float64 all the same.

    Examples
    --------
    >>> sketch = QuantileSketch()
    >>> sketch.update(np.arange(101))
    >>> sketch.quantiles([0.0, 0.25, 1.0]).tolist()
    [0.0, 25.0, 100.0]
    """

    def __init__(
        self, exact_distinct: int = EXACT_DISTINCT, level_size: int = LEVEL_SIZE, dtype: DTypeLike = np.float64
    ) -> None:
        self.count = 0
        self.minimum = np.inf
        self.maximum = -np.inf
        self._exact_distinct = exact_distinct
        self._level_size = level_size
        self._dtype: np.dtype[Any] = np.dtype(dtype)
        self._buffer: list[NDArray[Any]] = []
        self._buffered = 0
        self._table = ValueTable(self._dtype)
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
        error = 0.0
        # Not with sum, which adds floats in another way from Python 3.12 on.
        for level in range(0 if self._levels is None else len(self._levels) - 1):
            error += 1.0 / self._size(level)
        return error

    @property
    def num_distinct(self) -> int:
        """Number of distinct values; an estimate (see :class:`DistinctSketch`) where the sketch is not exact."""
        self._flush()
        return self._table.size if self._levels is None else self._distinct.estimate()

    @property
    def distinct_error(self) -> float:
        """The relative standard error of ``num_distinct``."""
        return 0.0 if self.is_exact else self._distinct.standard_error

    @property
    def exact_values(self) -> tuple[NDArray[Any], Weights]:
        """The sorted distinct values, and how often each occurs; empty where the sketch is not exact."""
        self._flush()
        return self._table.values, self._table.counts

    def __getstate__(self) -> dict[str, object]:
        self._flush()
        return self.__dict__

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain values and arrays."""
        self._flush()
        return {
            "exact_distinct": self._exact_distinct,
            "level_size": self._level_size,
            "dtype": self._dtype.str,
            "count": self.count,
            "minimum": float(self.minimum),
            "maximum": float(self.maximum),
            "values": self._table.values,
            "counts": self._table.counts,
            "levels": self._levels,
            "odd": self._odd,
            "distinct": self._distinct.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the sketch of a state."""
        made = cls(state["exact_distinct"], state["level_size"], state["dtype"])
        made.count, made.minimum, made.maximum = state["count"], state["minimum"], state["maximum"]
        made._table.add(state["values"], state["counts"])
        made._levels, made._odd = state["levels"], state["odd"]
        made._distinct = DistinctSketch.from_state(state["distinct"])
        return made

    def update(self, values: ArrayLike) -> None:
        """Take in numbers of any shape; NaN is left out."""
        if self._dtype.kind == "f":
            # The sum is a copy, which no one else writes to, and makes the two zeros one value.
            fresh = np.asarray(values, dtype=np.float64).ravel() + 0.0
            missing = np.isnan(fresh)
            if missing.any():
                fresh = fresh[~missing]
        else:
            fresh = np.array(values, dtype=self._dtype).ravel()
        if fresh.size == 0:
            return
        low, high = fresh.min(), fresh.max()
        self.count += int(fresh.size)
        self.minimum = min(self.minimum, float(low))
        self.maximum = max(self.maximum, float(high))
        if fresh.size >= _DIRECT and self._count_range(fresh, low, high):
            return
        self._buffer.append(fresh)
        self._buffered += fresh.size
        if self._buffered >= _BUFFER:
            self._flush()

    def merge(self, other: Self) -> None:
        """Take in what another sketch of the same sizes has seen; the other one stays as it is."""
        self.count += other.count
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        # What the other has not sorted yet is sorted with one's own, which is less work than sorting it apart.
        self._buffer += other._buffer
        self._buffered += other._buffered
        if other._levels is not None:
            self._to_levels()
            self._distinct.merge(other._distinct)
            for level, items in enumerate(other._levels):
                self._add(level, items)
            self._compact()
        elif other._table.size:
            self._count(other._table.values, other._table.counts)
        if self._buffered >= _BUFFER:
            self._flush()

    def weighted(self) -> tuple[Floats, Weights]:
        """Return sorted values and how many values each stands for; the weights add up to the number of values."""
        self._flush()
        if self._levels is None:
            return self._table.values.astype(np.float64, copy=False), self._table.counts
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
        # A copy, which may be sorted in place.
        values = np.concatenate(self._buffer)
        self._buffer = []
        self._buffered = 0
        low, high = values.min(), values.max()
        if self._count_range(values, low, high):
            return
        sort(values)
        if self._levels is None:
            self._count(*runs(values))
        else:
            self._distinct.update(hash_numbers(values))
            self._add(0, values.astype(np.float64, copy=False))
            self._compact()

    def _count_range(self, values: NDArray[Any], low: Any, high: Any) -> bool:
        if self._dtype.kind == "f" or int(high) - int(low) >= 2 * values.size:
            return False
        # Counting is far less work than sorting.
        counts = np.bincount((values - low).astype(np.int64, copy=False))
        held = np.flatnonzero(counts)
        self._count(held.astype(self._dtype) + low, counts[held])
        return True

    def _count(self, values: NDArray[Any], counts: Weights) -> None:
        if self._levels is None:
            self._table.add(values, counts)
            if self._table.size <= self._exact_distinct:
                return
            self._to_levels()
        else:
            self._distinct.update(hash_numbers(values))
            self._add_weighted(values, counts)
        self._compact()

    def _to_levels(self) -> None:
        if self._levels is None:
            self._levels = []
            self._distinct.update(hash_numbers(self._table.values))
            self._add_weighted(self._table.values, self._table.counts)
            self._table = ValueTable(self._dtype)

    def _add_weighted(self, values: NDArray[Any], counts: Weights) -> None:
        items = values.astype(np.float64, copy=False)
        level = 0
        while counts.any():
            chosen = (counts & 1).astype(bool)
            self._add(level, items if chosen.all() else items[chosen])
            counts = counts >> 1
            level += 1

    def _size(self, level: int) -> int:
        return self._level_size << max(level - _GROWING + 1, 0)

    def _add(self, level: int, items: Floats) -> None:
        assert self._levels is not None
        while len(self._levels) <= level:
            self._levels.append(np.empty(0, np.float64))
            self._odd.append(False)
        self._levels[level] = merged(self._levels[level], items)

    def _compact(self) -> None:
        assert self._levels is not None
        level = 0
        while level < len(self._levels):
            items = self._levels[level]
            if items.size > self._size(level):
                paired = items.size - items.size % 2
                # Taking the odd and the even ones by turns lets errors cancel.
                up = items[int(self._odd[level]) : paired : 2].copy()
                self._odd[level] = not self._odd[level]
                self._levels[level] = items[paired:].copy()
                self._add(level + 1, up)
            level += 1


def _between(low: Floats, high: Floats, share: Floats) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.where(share < 0.5, low + (high - low) * share, high - (high - low) * (1.0 - share))
        # Where the difference of two neighbours overflows, each is weighted by itself.
        found = np.where(np.isfinite(found), found, low * (1.0 - share) + high * share)
    # Between two infinities, the nearer.
    return np.where(np.isnan(found), np.where(share < 0.5, low, high), found)
