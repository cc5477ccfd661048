"""What statistics tell of a distribution: counts of categories, or a distribution function between its percentiles."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.statistics import FeatureStatistics, NumericStatistics, TimestampStatistics

__all__ = ["Binned", "Categories", "Numbers", "binned", "distribution"]

_EDGES = (1, *range(10, 100, 10), 99)


@dataclass(frozen=True)
class Categories:
    """How often each value occurs.

    Parameters
    ----------
    counts
        Of the values that are listed.
    total
        Values in all, listed or not.
    most_unlisted
        The most that a value which is not listed can count; 0 where all are.
    """

    counts: Mapping[str, float]
    total: float
    most_unlisted: float = 0.0

    def count(self, value: str, like: float) -> float:
        """Return the count of a value; of one that is not listed, the possible count nearest to ``like``."""
        known = self.counts.get(value)
        return min(like, self.most_unlisted) if known is None else known


@dataclass(frozen=True)
class Numbers:
    """A distribution function over the finite values, known at knots.

    Parameters
    ----------
    values
        The knots, ascending; a value that repeats has the mass in between of its own.
    shares
        The share of the finite values up to each knot, from 0 to 1.
    total, nan, infinite
        Counts of all values, of NaN and of infinities.
    mean
        Of the finite values.
    steps
        Whether the knots are all the values there are, so that nothing lies between them.
    error
        The most that a share can be off.
    """

    values: tuple[float, ...]
    shares: tuple[float, ...]
    total: float
    nan: float = 0.0
    infinite: float = 0.0
    mean: float | None = None
    steps: bool = False
    error: float = 0.0

    @property
    def finite(self) -> float:
        """Values that are neither NaN nor infinite."""
        return self.total - self.nan - self.infinite

    @property
    def resolution(self) -> float:
        """The most that a share read off between the knots can be off."""
        if self.steps:
            return self.error
        gaps = [high - low for (low, high), (x, y) in zip(pairwise(self.shares), pairwise(self.values), strict=True)]
        return self.error + max(gaps, default=0.0)

    def up_to(self, value: float) -> float:
        """Return the share of the finite values that are not above ``value``."""
        at = bisect_right(self.values, value)
        if at == 0:
            return 0.0
        if at == len(self.values):
            return 1.0
        return self.shares[at - 1] if self.steps else self._between(at, value)

    def below(self, value: float) -> float:
        """Return the share of the finite values that are below ``value``."""
        at = bisect_left(self.values, value)
        if at == 0:
            return 0.0
        if at == len(self.values):
            return 1.0
        return self.shares[at - 1] if self.steps else self._between(at, value)

    def bracket(self, value: float) -> tuple[float, float]:
        """Return between which shares :meth:`up_to` lies for sure."""
        at = bisect_right(self.values, value)
        if at == 0:
            return 0.0, 0.0
        if at == len(self.values):
            return 1.0, 1.0
        # Percentiles stand between two neighbours among the values: one value may fall to the other side.
        slack = self.error if self.steps else self.error + 1.0 / max(self.finite, 1.0)
        return self.shares[at - 1] - slack, (self.shares[at - 1] if self.steps else self.shares[at]) + slack

    def _between(self, at: int, value: float) -> float:
        low, high = self.values[at - 1], self.values[at]
        part = (value - low) / (high - low)
        return self.shares[at - 1] + part * (self.shares[at] - self.shares[at - 1])


@dataclass(frozen=True)
class Binned:
    """Two distributions over the same bins.

    Parameters
    ----------
    names
        Of the bins.
    first, second
        Shares of each, adding up to 1.
    sizes
        Numbers of values.
    resolution
        The most that the difference of two shares can be off.
    """

    names: tuple[str, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]
    sizes: tuple[float, float]
    resolution: float = 0.0


def distribution(feature: FeatureStatistics) -> Categories | Numbers | None:
    """Return what the statistics of a column tell; None where there are no values, or none that can be compared."""
    total = float(feature.common_stats.num_values)
    if total == 0.0:
        return None
    if feature.string_stats is not None:
        stats = feature.string_stats
        counts = {entry.value: float(entry.frequency) for entry in stats.top_values}
        least = min(counts.values(), default=total)
        total -= stats.invalid_utf8_count
        return Categories(counts, total, 0.0 if stats.complete else least + stats.frequency_error) if total else None
    if feature.bool_stats is not None:
        flags = feature.bool_stats
        return Categories({"true": float(flags.num_true), "false": float(flags.num_false)}, total)
    if feature.num_stats is not None:
        return _numbers(feature.num_stats, total)
    if feature.timestamp_stats is not None:
        return _moments(feature.timestamp_stats, total)
    return None


def binned(a: Categories | Numbers | None, b: Categories | Numbers | None) -> Binned | None:
    """Return two distributions over common bins; None where they are not of one kind.

    Categories have a bin a value and one for all that is not listed. Numbers have bins between the percentiles 1, 10,
    20, …, 90, 99 of both sides (the least and the greatest value are too much a matter of chance to be edges), and NaN
    and infinities a bin each.
    """
    if isinstance(a, Categories) and isinstance(b, Categories):
        return _binned_categories(a, b)
    if isinstance(a, Numbers) and isinstance(b, Numbers):
        return _binned_numbers(a, b)
    return None


def _numbers(stats: NumericStatistics, total: float) -> Numbers | None:
    nan, infinite = float(stats.num_nan), float(stats.num_infinite)
    finite = total - nan - infinite
    if stats.top_values and stats.unique_exact and len(stats.top_values) == stats.unique:
        pairs = sorted((float(entry.value), float(entry.frequency)) for entry in stats.top_values)
        sums = [part / finite for part in accumulate(count for _, count in pairs)]
        values = tuple(value for value, _ in pairs)
        return Numbers(values, tuple(sums), total, nan, infinite, stats.mean, steps=True)
    last = max(len(stats.quantiles) - 1, 1)
    shares = tuple(i / last for i in range(len(stats.quantiles)))
    return Numbers(stats.quantiles, shares, total, nan, infinite, stats.mean, error=stats.rank_error)


def _moments(stats: TimestampStatistics, total: float) -> Numbers | None:
    if not stats.histograms:
        return None
    buckets = stats.histograms[0].buckets
    counts = [0.0, *(bucket.sample_count for bucket in buckets)]
    whole = sum(counts)
    if not buckets or whole == 0.0:
        return None
    values = (buckets[0].low_value, *(bucket.high_value for bucket in buckets))
    return Numbers(values, tuple(part / whole for part in accumulate(counts)), total)


def _binned_categories(a: Categories, b: Categories) -> Binned:
    names = sorted({*a.counts, *b.counts})
    # An unlisted value's share on one side is as near to the other's as its list allows.
    scale = a.total / b.total
    first = [a.count(name, b.counts.get(name, 0.0) * scale) / a.total for name in names]
    second = [b.count(name, a.counts.get(name, 0.0) / scale) / b.total for name in names]
    rest = max(0.0, 1.0 - sum(first)), max(0.0, 1.0 - sum(second))
    return Binned((*names, "(others)"), (*first, rest[0]), (*second, rest[1]), (a.total, b.total))


def _binned_numbers(a: Numbers, b: Numbers) -> Binned:
    edges = sorted({*_deciles(a), *_deciles(b)})
    bounds = ("-∞", *(f"{edge:g}" for edge in edges), "∞")
    names = (*(f"{low} to {high}" for low, high in pairwise(bounds)), "NaN", "infinite")
    sides = []
    for side in (a, b):
        share = side.finite / side.total
        within = [high - low for low, high in pairwise([0.0, *(side.up_to(edge) for edge in edges), 1.0])]
        sides.append((*(share * part for part in within), side.nan / side.total, side.infinite / side.total))
    return Binned(names, sides[0], sides[1], (a.total, b.total), 2.0 * (a.resolution + b.resolution))


def _deciles(side: Numbers) -> list[float]:
    if not side.values:
        return []
    return [_quantile(side.values, side.shares, step / 100.0) for step in _EDGES]


def _quantile(values: Sequence[float], shares: Sequence[float], share: float) -> float:
    return values[min(bisect_left(shares, share - 1e-12), len(values) - 1)]
