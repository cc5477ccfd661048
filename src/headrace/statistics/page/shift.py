"""How far a feature has moved between two data sets, to sort by."""

from __future__ import annotations

from bisect import bisect_right
from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.statistics.values import FeatureStatistics, NumericStatistics

__all__ = ["shift"]

# A value with a smaller share, in both data sets, counts among the others: rare values differ between any two samples.
_RARE = 0.005


def shift(before: FeatureStatistics, after: FeatureStatistics) -> float | None:
    """Return the Jensen-Shannon divergence, in bits, of what the rows of two data sets hold.

    A row that has no value holds "missing". Numbers are compared in the buckets between the twentieths of ``before``,
    strings by their frequent values. Moments, bytes and structs are compared by presence alone: a later month has
    later moments, and that is no news.

    Parameters
    ----------
    before, after
        The feature in the two data sets.

    Returns
    -------
    float or None
        0 where both hold the same, 1 where they have nothing in common or are of different kinds; None where a data
        set has no row.
    """
    masses = [_presence(column) for column in (before, after)]
    if masses[0] is None or masses[1] is None:
        return None
    if _kind(before) != _kind(after):
        return 1.0
    shares = _shares(before, after)
    # Where one side has no value, presence says it all.
    pairs = [(masses[0], masses[1])]
    if shares is None:
        pairs.append((1 - masses[0], 1 - masses[1]))
    else:
        pairs += [(a * (1 - masses[0]), b * (1 - masses[1])) for a, b in zip(*shares, strict=True)]
    return min(1.0, max(0.0, sum(_term(a, b) + _term(b, a) for a, b in pairs) / 2))


def _term(share: float, other: float) -> float:
    return share * log2(2 * share / (share + other)) if share > 0 else 0.0


def _presence(column: FeatureStatistics) -> float | None:
    """Return the share of the rows that are missing."""
    common = column.common_stats
    rows = common.num_missing + common.num_non_missing
    return common.num_missing / rows if rows else None


def _kind(column: FeatureStatistics) -> str:
    return "NUMBER" if column.num_stats is not None else column.type


def _shares(before: FeatureStatistics, after: FeatureStatistics) -> tuple[list[float], list[float]] | None:
    if before.num_stats is not None and after.num_stats is not None:
        return _bucketed(before.num_stats, after.num_stats)
    counts = [_counts(column) for column in (before, after)]
    totals = [column.common_stats.num_values for column in (before, after)]
    if not all(totals) or counts[0] is None or counts[1] is None:
        return None
    parts = [
        {key: count / total for key, count in one.items()} for one, total in zip(counts, totals, strict=True) if one
    ]
    if len(parts) < len(counts):
        return None
    keys = [key for key in dict.fromkeys([*parts[0], *parts[1]]) if max(one.get(key, 0.0) for one in parts) >= _RARE]
    first, second = ([one.get(key, 0.0) for key in keys] for one in parts)
    return [*first, max(0.0, 1 - sum(first))], [*second, max(0.0, 1 - sum(second))]


def _counts(column: FeatureStatistics) -> dict[str, float] | None:
    if column.string_stats is not None:
        return {entry.value: entry.frequency for entry in column.string_stats.top_values}
    if column.bool_stats is not None:
        return {"true": column.bool_stats.num_true, "false": column.bool_stats.num_false}
    return None


def _bucketed(before: NumericStatistics, after: NumericStatistics) -> tuple[list[float], list[float]] | None:
    """Return the shares of both in the buckets between the twentieths of the first."""
    one, two = _points(before), _points(after)
    if not one or not two:
        return None
    step = max(1, (len(one) - 1) // 20)
    edges = sorted(set(one[::step]))
    return _between(one, edges), _between(two, edges)


def _points(stats: NumericStatistics) -> Sequence[float]:
    if stats.quantiles:
        return stats.quantiles
    even = next((each for each in stats.histograms if each.type == "QUANTILES" and each.buckets), None)
    return [] if even is None else [even.buckets[0].low_value, *(bucket.high_value for bucket in even.buckets)]


def _between(points: Sequence[float], edges: Sequence[float]) -> list[float]:
    """Return the shares up to the first edge, between the edges, and above the last."""
    steps = len(points) - 1
    below = []
    for edge in edges:
        at = bisect_right(points, edge)
        if at == 0:
            below.append(0.0)
        elif at > steps or steps == 0:
            below.append(1.0)
        else:
            low, high = points[at - 1], points[at]
            below.append((at - 1 + (edge - low) / (high - low)) / steps)
    return [high - low for low, high in zip([0.0, *below], [*below, 1.0], strict=True)]
