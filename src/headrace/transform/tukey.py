"""Tukey's hh distribution, fitted by L-moments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.engines.quantiles import QuantileSketch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from headrace.transform.accumulators import Part

__all__ = ["TukeyAnalyzer", "l_moments", "tukey_moments", "tukey_parameters"]

_ROOT_2_PI = math.sqrt(2.0 * math.pi)
# The L-kurtosis of the normal distribution, 30 / pi * arctan(sqrt(2)) - 9: lighter tails are taken for normal ones.
_NORMAL_KURTOSIS = 30.0 / math.pi * math.atan(math.sqrt(2.0)) - 9.0
_STEPS = 60


def l_moments(values: NDArray[np.float64], counts: NDArray[Any]) -> tuple[float, float, float, float]:
    """Return the first four sample L-moments of sorted values, each of which occurs ``count`` times.

    By the unbiased probability-weighted moments of Hosking, "L-moments" (1990): ``b_r`` is the mean of
    ``x_i * C(i - 1, r) / C(n - 1, r)``. Of equal values, the binomials add up to a difference of two. What is of a
    higher order than the number of values is 0.
    """
    total = float(counts.sum())
    centre = float((values * (counts / total)).sum())
    apart = values - centre
    ends = np.cumsum(counts).astype(np.float64)
    starts = ends - counts
    upper, lower = np.ones_like(ends), np.ones_like(ends)
    weighted = [0.0] * 4
    for order in range(4):
        if order >= total:
            break
        upper = upper * ((ends - order) / (total - order))
        lower = lower * ((starts - order) / (total - order))
        weighted[order] = float((apart * (np.maximum(upper, 0.0) - np.maximum(lower, 0.0))).sum()) / (order + 1)
    b0, b1, b2, b3 = weighted
    second = 2.0 * b1 - b0 if total > 1 else 0.0
    third = 6.0 * b2 - 6.0 * b1 + b0 if total > 2 else 0.0
    fourth = 20.0 * b3 - 30.0 * b2 + 12.0 * b1 - b0 if total > 3 else 0.0
    return b0 + centre, second, third, fourth


def _side(h: float) -> tuple[float, float, float, float]:
    """Return the integrals over u > 0 of ``u * exp(h * u**2 / 2) * (Phi(u) - 1/2)**k * phi(u)``, k = 0 … 3.

    By parts each becomes one of ``(Phi - 1/2)**(k - 1) * phi(u) * exp(-(1 - h) * u**2 / 2)``, which are an angle at
    most.
    """
    a = 2.0 - h
    root = math.sqrt(a)
    first = 1.0 / (2.0 * root)
    second = math.atan(1.0 / root) / (2.0 * math.pi * root)
    third = (math.atan(math.sqrt((a + 2.0) / a)) - math.pi / 4.0) / (2.0 * math.pi * root)
    scale = 1.0 / (_ROOT_2_PI * (1.0 - h))
    return scale, scale * first, 2.0 * scale * second, 3.0 * scale * third


def tukey_moments(left: float, right: float) -> tuple[float, float, float, float]:
    """Return the first four L-moments of ``u * exp(h * u**2 / 2)``, u normal, h ``left`` below 0 and ``right`` above.

    Of Headrick and Pant, "Characterizing Tukey h and hh-distributions through L-moments and the L-correlation" (2012).
    The moments are integrals of the quantile function times Legendre polynomials of ``Phi - 1/2``.
    """
    l0, l1, l2, l3 = _side(left)
    r0, r1, r2, r3 = _side(right)
    return (
        r0 - l0,
        2.0 * (r1 + l1),
        (6.0 * r2 - r0 / 2.0) - (6.0 * l2 - l0 / 2.0),
        (20.0 * r3 - 3.0 * r1) + (20.0 * l3 - 3.0 * l1),
    )


def tukey_parameters(skewness: float, kurtosis: float) -> tuple[float, float]:
    """Return the ``h`` of the left and the right tail that have an L-skewness and an L-kurtosis.

    Both lie in [0, 1): a distribution with lighter tails than the normal one has 0 and 0; one that is more skewed than
    its kurtosis allows has 0 at its light side.
    """
    if not kurtosis > _NORMAL_KURTOSIS:
        return 0.0, 0.0
    if skewness < 0.0:
        left, right = tukey_parameters(-skewness, kurtosis)
        return right, left
    kurtosis = min(kurtosis, 1.0 - 1e-5)

    def heavy(light: float) -> float:
        def kurtosis_at(h: float) -> float:
            _, scale, _, fourth = tukey_moments(light, h)
            return fourth / scale

        return _root(lambda h: kurtosis_at(h) - kurtosis, light, 1.0 - 1e-9)

    def excess(light: float) -> float:
        _, scale, third, _ = tukey_moments(light, heavy(light))
        return skewness - third / scale

    if excess(0.0) >= 0.0:
        return 0.0, heavy(0.0)
    # Where both tails are alike, the skewness is nought.
    even = _root(lambda h: tukey_moments(h, h)[3] / tukey_moments(h, h)[1] - kurtosis, 0.0, 1.0 - 1e-9)
    light = _root(excess, 0.0, even)
    return light, heavy(light)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that grows changes its sign, by bisection."""
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if function(middle) < 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


@dataclass(frozen=True)
class TukeyAnalyzer:
    """Location, scale and tails of the hh distribution with the L-moments of the values; infinities are left out."""

    name: str = "tukey"

    def part(self) -> Part:
        """Return an empty state."""
        return _TukeyPart()


class _TukeyPart:
    def __init__(self) -> None:
        self.sketch = QuantileSketch()

    def update(self, values: NDArray[Any]) -> None:
        self.sketch.update(values[np.isfinite(values)])

    def merge(self, other: Self) -> None:
        self.sketch.merge(other.sketch)

    def result(self) -> dict[str, float] | None:
        if self.sketch.count == 0:
            return None
        mean, scale, third, fourth = l_moments(*self.sketch.weighted())
        shaped = scale > 0.0 and self.sketch.count > 3
        left, right = tukey_parameters(third / scale, fourth / scale) if shaped else (0.0, 0.0)
        first, second, _, _ = tukey_moments(left, right)
        factor = scale / second if scale > 0.0 else 1.0
        return {"location": mean - factor * first, "scale": factor, "h_left": left, "h_right": right}
