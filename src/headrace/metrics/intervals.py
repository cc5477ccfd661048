"""Confidence intervals of proportions and means."""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["mean_interval", "normal_quantile", "wilson"]


def normal_quantile(confidence: float) -> float:
    """Return how many standard errors lie on each side.

    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(proportion: float, count: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval.

    Parameters
    ----------
    proportion
        Share of successes, 0 to 1.
    count
        Trials; with weights the effective number, (sum of weights)² / (sum of squared weights).
    confidence
        Coverage.

    Notes
    -----
    E. B. Wilson: Probable inference, the law of succession, and statistical inference. JASA 22 (1927).

    >>> [round(bound, 4) for bound in wilson(0.5, 10)]
    [0.2366, 0.7634]
    """
    z = normal_quantile(confidence)
    spread = z * math.sqrt(max(proportion * (1 - proportion), 0.0) / count + z * z / (4 * count * count))
    middle = proportion + z * z / (2 * count)
    scale = 1 + z * z / count
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return max(0.0, min(low, proportion)), min(1.0, max(high, proportion))


def mean_interval(mean: float, variance_of_mean: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the normal interval of a mean from the variance of that mean."""
    spread = normal_quantile(confidence) * math.sqrt(max(variance_of_mean, 0.0))
    return mean - spread, mean + spread
