"""How far apart two distributions are, from their statistics alone."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from headrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.statistics import FeatureStatistics

__all__ = ["jensen_shannon", "linf"]

_EDGES = (1, *range(10, 100, 10), 99)


def linf(a: FeatureStatistics, b: FeatureStatistics) -> tuple[float, str] | None:
    """Return the L-infinity distance of two categorical columns and the value that makes it.

    Values beyond the ``top_values`` of either side count as not there. None where a side has no values.

    Raises
    ------
    UsageError
        If a column is numeric.
    """
    shares = [_shares(a), _shares(b)]
    if None in shares:
        return None
    first, second = (share or {} for share in shares)
    names = sorted({*first, *second})
    furthest = max(names, key=lambda name: abs(first.get(name, 0.0) - second.get(name, 0.0)))
    return abs(first.get(furthest, 0.0) - second.get(furthest, 0.0)), furthest


def jensen_shannon(a: FeatureStatistics, b: FeatureStatistics) -> float | None:
    """Return the Jensen-Shannon divergence in bits, in [0, 1]; None where a side has no values.

    Numbers are compared over the buckets between the percentiles 1, 10, 20, …, 90, 99 of both sides (the least and
    the greatest value are too much a matter of chance to be edges), NaN and infinities making up a bucket each;
    strings over their ``top_values``, with one more bucket for all others.

    Lin, "Divergence measures based on the Shannon entropy" (1991).
    """
    if a.num_stats is not None and b.num_stats is not None:
        pair = _numeric_shares(a, b)
        return None if pair is None else _divergence(*pair)
    first, second = _shares(a), _shares(b)
    if first is None or second is None:
        return None
    names = sorted({*first, *second})
    left = [first.get(name, 0.0) for name in names]
    right = [second.get(name, 0.0) for name in names]
    return _divergence([*left, max(0.0, 1.0 - sum(left))], [*right, max(0.0, 1.0 - sum(right))])


def _shares(feature: FeatureStatistics) -> Mapping[str, float] | None:
    if feature.string_stats is not None:
        total = feature.string_stats.common_stats.num_non_missing
        return {entry.value: entry.frequency / total for entry in feature.string_stats.top_values} if total else None
    if feature.bool_stats is not None:
        total = feature.bool_stats.common_stats.num_non_missing
        counts = {"true": feature.bool_stats.num_true, "false": feature.bool_stats.num_false}
        return {name: count / total for name, count in counts.items()} if total else None
    raise UsageError(
        "Shares of values are of STRING and BOOL columns",
        got=feature.type,
        where=f"column {feature.name!r}",
        fix="Use jensen_shannon for numbers",
    )


def _numeric_shares(a: FeatureStatistics, b: FeatureStatistics) -> tuple[list[float], list[float]] | None:
    sides = []
    assert a.num_stats is not None
    assert b.num_stats is not None
    edges = sorted({side.quantiles[i] for side in (a.num_stats, b.num_stats) if side.quantiles for i in _EDGES})
    for stats in (a.num_stats, b.num_stats):
        total = stats.common_stats.num_non_missing
        if total == 0:
            return None
        finite = (total - stats.num_nan - stats.num_infinite) / total
        below = [_share_up_to(edge, stats.quantiles) for edge in edges]
        within = [high - low for low, high in pairwise([0.0, *below, 1.0])]
        sides.append([*(finite * share for share in within), stats.num_nan / total, stats.num_infinite / total])
    return sides[0], sides[1]


def _share_up_to(value: float, quantiles: Sequence[float]) -> float:
    """Return the share of values that are not above ``value``, between percentiles by interpolation."""
    if not quantiles:
        return 0.0
    last = len(quantiles) - 1
    at = bisect_right(quantiles, value)
    if at > last:
        return 1.0
    if at == 0:
        return 0.0
    low, high = quantiles[at - 1], quantiles[at]
    # Where percentiles repeat, the value has that much mass of its own; the truth lies up to 1 % above.
    part = 0.0 if bisect_left(quantiles, value) < at - 1 else (value - low) / (high - low)
    return (at - 1 + part) / last


def _divergence(p: Sequence[float], q: Sequence[float]) -> float:
    total = 0.0
    for a, b in zip(p, q, strict=True):
        middle = (a + b) / 2.0
        if a > 0.0:
            total += a * math.log2(a / middle) / 2.0
        if b > 0.0:
            total += b * math.log2(b / middle) / 2.0
    return min(max(total, 0.0), 1.0)
