"""How far apart two distributions are, from their statistics alone.

Strings and truth values are compared by the counts of their values: exactly where ``top_values`` has all of them.
Otherwise a value that is listed on one side only is taken to be as frequent on the other as its list allows, so that
no distance is too large by more than ``frequency_error``. Numbers are compared by their percentiles, which give a share
to within one percent on each side (and the sketch's ``rank_error``), or exactly where an INT column has all its values
counted. Distances are of the values, each row counting once, and not of the weights.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from headrace.errors import UsageError
from headrace.validation.distributions import Binned, Numbers, binned, distribution
from headrace.validation.significance import chi_squared_tail, kolmogorov_tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.statistics import FeatureStatistics

__all__ = [
    "ChiSquared",
    "Distances",
    "chi_squared",
    "distances",
    "hellinger",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "linf",
    "normalized_abs_difference",
    "population_stability_index",
    "wasserstein",
]

_FLOOR = 1e-4
_LEAST_EXPECTED = 5.0


class ChiSquared(msgspec.Struct, frozen=True):
    """The chi-squared test of homogeneity: its statistic, degrees of freedom and p-value."""

    statistic: float
    freedom: int
    p_value: float


class Distances(msgspec.Struct, frozen=True, omit_defaults=True):
    """All distances of two columns; None where one is not for columns of their kind.

    Parameters
    ----------
    linf
        Largest difference of any value's share, in [0, 1]; for strings and truth values.
    linf_value
        The value that makes it.
    jensen_shannon
        Divergence in bits, in [0, 1].
    psi
        Population stability index, from 0.
    hellinger
        In [0, 1].
    normalized_abs_difference
        In [0, 1].
    kolmogorov_smirnov
        In [0, 1]; for numbers and moments.
    wasserstein
        In the column's units (seconds for moments).
    chi_squared
        Statistic of homogeneity, its degrees of freedom and p-value.
    p_value
        How likely two samples of one distribution are at least so far apart: of the chi-squared test for strings and
        truth values, of the Kolmogorov-Smirnov test for numbers, whose distance is first made as small as the
        resolution of the percentiles allows.
    effect
        How large the difference is, in [0, 1]: the Kolmogorov-Smirnov distance of numbers; for strings and truth
        values the total variation (half the sum of the differences of shares) beyond what chance makes.
    """

    jensen_shannon: float
    psi: float
    hellinger: float
    normalized_abs_difference: float
    chi_squared: ChiSquared
    p_value: float
    effect: float = 0.0
    linf: float | None = None
    linf_value: str | None = None
    kolmogorov_smirnov: float | None = None
    wasserstein: float | None = None


def distances(a: FeatureStatistics, b: FeatureStatistics) -> Distances | None:
    """Return all distances of two columns; None where a side has no values, or they are of different kinds."""
    first, second = distribution(a), distribution(b)
    pair = binned(first, second)
    if pair is None:
        return None
    test = _chi_squared(pair)
    whole = Distances(
        _divergence(pair.first, pair.second), _psi(pair), _hellinger(pair), _absolute(pair), test, test.p_value
    )
    if isinstance(first, Numbers) and isinstance(second, Numbers):
        furthest, surely = _kolmogorov(first, second)
        odd = abs(first.nan / first.total - second.nan / second.total)
        return msgspec.structs.replace(
            whole,
            effect=max(furthest, odd),
            kolmogorov_smirnov=furthest,
            wasserstein=_wasserstein(first, second),
            p_value=kolmogorov_tail(max(surely, odd), first.total, second.total),
        )
    distance, value = _linf(pair)
    return msgspec.structs.replace(whole, linf=distance, linf_value=value, effect=_excess(pair))


def linf(a: FeatureStatistics, b: FeatureStatistics) -> tuple[float, str] | None:
    """Return the L-infinity distance of two categorical columns and the value that makes it.

    None where a side has no values.

    Raises
    ------
    UsageError
        If a column is numeric.
    """
    for feature in (a, b):
        if feature.string_stats is None and feature.bool_stats is None:
            raise UsageError(
                "Shares of values are of STRING and BOOL columns",
                got=feature.type,
                where=f"column {feature.name!r}",
                fix="Use jensen_shannon for numbers",
            )
    pair = _pair(a, b)
    return None if pair is None else _linf(pair)


def jensen_shannon(a: FeatureStatistics, b: FeatureStatistics) -> float | None:
    """Return the Jensen-Shannon divergence in bits, in [0, 1]; None where a side has no values.

    Numbers are compared over the buckets between the percentiles 1, 10, 20, …, 90, 99 of both sides (the least and
    the greatest value are too much a matter of chance to be edges), NaN and infinities making up a bucket each;
    strings over their ``top_values``, with one more bucket for all others.

    Lin, "Divergence measures based on the Shannon entropy" (1991).
    """
    pair = _pair(a, b)
    return None if pair is None else _divergence(pair.first, pair.second)


def population_stability_index(a: FeatureStatistics, b: FeatureStatistics) -> float | None:
    """Return the sum of (p - q) ln(p / q) over the buckets of :func:`jensen_shannon`, from 0.

    Shares below 0.0001 count as 0.0001, as is usual, so that an empty bucket does not make it infinite. By convention
    0.1 is a small change, 0.25 a large one. Of two samples of n and m rows of one distribution over k buckets it is
    (k - 1) (1 / n + 1 / m) on average.

    Siddiqi, "Credit Risk Scorecards" (2006).
    """
    pair = _pair(a, b)
    return None if pair is None else _psi(pair)


def hellinger(a: FeatureStatistics, b: FeatureStatistics) -> float | None:
    """Return the Hellinger distance over the buckets of :func:`jensen_shannon`, in [0, 1].

    Hellinger, "Neue Begründung der Theorie quadratischer Formen von unendlichvielen Veränderlichen" (1909).
    """
    pair = _pair(a, b)
    return None if pair is None else _hellinger(pair)


def normalized_abs_difference(a: FeatureStatistics, b: FeatureStatistics) -> float | None:
    """Return the sum of the absolute differences of counts over the sum of counts, in [0, 1].

    The buckets are those of :func:`jensen_shannon`. Counts and not shares: a data set of double the size is 1/3 away.
    """
    pair = _pair(a, b)
    return None if pair is None else _absolute(pair)


def chi_squared(a: FeatureStatistics, b: FeatureStatistics) -> ChiSquared | None:
    """Return Pearson's chi-squared test of homogeneity over the buckets of :func:`jensen_shannon`.

    Buckets that expect fewer than five values on a side are put together. The shares of buckets of numbers are known
    to within the resolution of the percentiles; their difference is made smaller by that, so that the p-value is
    never too small for it.

    Pearson, "On the criterion that a given system of deviations …" (1900).
    """
    pair = _pair(a, b)
    return None if pair is None else _chi_squared(pair)


def kolmogorov_smirnov(a: FeatureStatistics, b: FeatureStatistics) -> float | None:
    """Return the largest difference of two distribution functions of finite numbers, in [0, 1]; None for strings.

    Within 0.02 and the sketches' ``rank_error`` of the distance of the rows: the functions are known at every
    percentile. Exact where the values of INT columns are counted one by one.
    """
    first, second = distribution(a), distribution(b)
    return _kolmogorov(first, second)[0] if isinstance(first, Numbers) and isinstance(second, Numbers) else None


def wasserstein(a: FeatureStatistics, b: FeatureStatistics) -> float | None:
    """Return the earth mover's distance of finite numbers, in their units (seconds for moments); None for strings.

    The area between the distribution functions, straight between percentiles; within one percent
    of the two ranges together of the distance of the rows, and exact where an INT column has all its values counted.

    Vallender, "Calculation of the Wasserstein distance between probability distributions on the line" (1974).
    """
    first, second = distribution(a), distribution(b)
    return _wasserstein(first, second) if isinstance(first, Numbers) and isinstance(second, Numbers) else None


def _pair(a: FeatureStatistics, b: FeatureStatistics) -> Binned | None:
    return binned(distribution(a), distribution(b))


def _linf(pair: Binned) -> tuple[float, str]:
    # What is in no list is no value.
    gaps = [abs(p - q) for p, q in zip(pair.first[:-1], pair.second[:-1], strict=True)]
    if not gaps:
        return 0.0, pair.names[-1]
    furthest = max(range(len(gaps)), key=gaps.__getitem__)
    return gaps[furthest], pair.names[furthest]


def _divergence(p: Sequence[float], q: Sequence[float]) -> float:
    total = 0.0
    for a, b in zip(p, q, strict=True):
        middle = (a + b) / 2.0
        if a > 0.0:
            total += a * math.log2(a / middle) / 2.0
        if b > 0.0:
            total += b * math.log2(b / middle) / 2.0
    return min(max(total, 0.0), 1.0)


def _psi(pair: Binned) -> float:
    total = 0.0
    for p, q in zip(pair.first, pair.second, strict=True):
        if p != q:
            low, high = max(p, _FLOOR), max(q, _FLOOR)
            total += (low - high) * math.log(low / high)
    return total


def _hellinger(pair: Binned) -> float:
    total = math.fsum((math.sqrt(p) - math.sqrt(q)) ** 2 for p, q in zip(pair.first, pair.second, strict=True))
    return min(1.0, math.sqrt(total / 2.0))


def _absolute(pair: Binned) -> float:
    n, m = pair.sizes
    return math.fsum(abs(n * p - m * q) for p, q in zip(pair.first, pair.second, strict=True)) / (n + m)


def _excess(pair: Binned) -> float:
    """Return the total variation less its mean over samples of one distribution.

    The difference of two shares is then normal, of variance p (1 - p) (1 / n + 1 / m), and its absolute value on
    average the root of 2 / pi times that.
    """
    n, m = pair.sizes
    total = chance = 0.0
    for p, q in zip(pair.first, pair.second, strict=True):
        pooled = (n * p + m * q) / (n + m)
        total += abs(p - q) / 2.0
        chance += math.sqrt(2.0 / math.pi * pooled * max(0.0, 1.0 - pooled) * (1.0 / n + 1.0 / m)) / 2.0
    return max(0.0, total - chance)


def _chi_squared(pair: Binned) -> ChiSquared:
    n, m = pair.sizes
    cells: list[tuple[float, float]] = []
    pooled = (0.0, 0.0)
    for p, q in zip(pair.first, pair.second, strict=True):
        if min(n, m) * (n * p + m * q) / (n + m) >= _LEAST_EXPECTED:
            cells.append((p, q))
        else:
            pooled = pooled[0] + p, pooled[1] + q
    if max(pooled) > 0.0:
        cells.append(pooled)
    if len(cells) < 2:
        return ChiSquared(0.0, 0, 1.0)
    terms = []
    for p, q in cells:
        gap = max(0.0, abs(p - q) - pair.resolution)
        terms.append(gap * gap * (n + m) / (n * p + m * q))
    statistic = n * m / (n + m) * math.fsum(terms)
    return ChiSquared(statistic, len(cells) - 1, chi_squared_tail(statistic, len(cells) - 1))


def _kolmogorov(a: Numbers, b: Numbers) -> tuple[float, float]:
    """Return the distance, and the least that it can be."""
    furthest = surely = 0.0
    if not a.values or not b.values:
        return furthest, surely
    for value in {*a.values, *b.values}:
        gap = max(abs(a.up_to(value) - b.up_to(value)), abs(a.below(value) - b.below(value)))
        furthest = max(furthest, gap)
        (low_a, high_a), (low_b, high_b) = a.bracket(value), b.bracket(value)
        surely = max(surely, low_a - high_b, low_b - high_a)
    return furthest, min(furthest, surely)


def _wasserstein(a: Numbers, b: Numbers) -> float | None:
    if not a.values or not b.values:
        return None
    area = 0.0
    for low, high in pairwise(sorted({*a.values, *b.values})):
        left = a.up_to(low) - b.up_to(low)
        right = a.below(high) - b.below(high)
        if left * right >= 0.0:
            area += (high - low) * (abs(left) + abs(right)) / 2.0
        else:
            area += (high - low) * (left * left + right * right) / (2.0 * (abs(left) + abs(right)))
    # The means are exact, and no two distributions are nearer than their means.
    return area if a.mean is None or b.mean is None else max(area, abs(a.mean - b.mean))
