"""How likely a difference is by chance: tails of the chi-squared and the Kolmogorov distribution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["chi_squared_tail", "holm", "kolmogorov_tail"]

_ITERATIONS = 10_000
_PRECISION = 1e-15
_TINY = 1e-300


def chi_squared_tail(statistic: float, freedom: int) -> float:
    """Return the probability that a chi-squared variable is at least ``statistic``.

    It is the regularised upper incomplete gamma function Q(freedom / 2, statistic / 2): the power series of its
    complement (Digital Library of Mathematical Functions, 8.11.4) left of the mean, and the continued fraction 8.9.2
    by Lentz's method right of it.
    """
    if freedom <= 0 or statistic <= 0.0:
        return 1.0
    if math.isinf(statistic):
        return 0.0
    a, x = freedom / 2.0, statistic / 2.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        term = total = 1.0 / a
        for k in range(1, _ITERATIONS):
            term *= x / (a + k)
            total += term
            if term < total * _PRECISION:
                break
        return min(1.0, max(0.0, 1.0 - front * total))
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    fraction = d
    for k in range(1, _ITERATIONS):
        numerator = -k * (k - a)
        b += 2.0
        d = 1.0 / _away_from_zero(numerator * d + b)
        c = _away_from_zero(b + numerator / c)
        fraction *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            break
    return min(1.0, max(0.0, front * fraction))


def kolmogorov_tail(distance: float, first: float, second: float) -> float:
    """Return the probability that two samples of one continuous distribution are at least so far apart.

    The limiting distribution of Kolmogorov with the correction for small samples of Stephens, "Use of the
    Kolmogorov-Smirnov, Cramér-von Mises and related statistics without extensive tables" (1970). Where values repeat
    the truth is smaller.

    Parameters
    ----------
    distance
        The Kolmogorov-Smirnov distance of the samples.
    first, second
        Their sizes.
    """
    if first <= 0 or second <= 0 or distance <= 0.0:
        return 1.0
    size = math.sqrt(first * second / (first + second))
    x = (size + 0.12 + 0.11 / size) * distance
    if x < 0.2:
        return 1.0
    if x < 1.0:
        # The other form of the theta function, which converges where this one would not.
        terms = [math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8.0 * x * x)) for k in range(1, 8)]
        return min(1.0, max(0.0, 1.0 - math.sqrt(2.0 * math.pi) / x * math.fsum(terms)))
    terms = [(-1.0) ** (k - 1) * math.exp(-2.0 * k * k * x * x) for k in range(1, 20)]
    return min(1.0, max(0.0, 2.0 * math.fsum(terms)))


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, so that one below 0.01 among them is as rare as 0.01 says.

    Holm, "A simple sequentially rejective multiple test procedure" (1979).
    """
    adjusted = [1.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, values[index] * (len(values) - rank)))
        adjusted[index] = highest
    return adjusted


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
