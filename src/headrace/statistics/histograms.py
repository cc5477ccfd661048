"""Histograms of numbers from their quantile summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.statistics.values import Bucket, Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["equal_width", "from_quantiles"]


def equal_width(values: NDArray[np.float64], weights: NDArray[Any], low: float, high: float, buckets: int) -> Histogram:
    """Return a histogram of equally wide buckets from ``low`` to ``high``.

    Parameters
    ----------
    values
        Sorted; all lie from ``low`` to ``high``.
    weights
        How many values, or how much weight, each stands for.
    """
    shares = np.linspace(0.0, 1.0, (buckets if low < high else 1) + 1)
    edges = np.maximum.accumulate(np.clip(low * (1.0 - shares) + high * shares, low, high))
    edges[-1] = high
    totals = np.concatenate([[0], np.cumsum(weights)])
    below = totals[np.searchsorted(values, edges[1:-1], side="left")]
    counts = np.diff(np.concatenate([[0], below, totals[-1:]]))
    return Histogram("STANDARD", _buckets(edges, counts.astype(np.float64)))


def from_quantiles(edges: NDArray[np.float64], total: float) -> Histogram:
    """Return a histogram of equally full buckets with these edges."""
    size = edges.size - 1
    return Histogram("QUANTILES", _buckets(edges, np.full(size, total / size)))


def _buckets(edges: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[Bucket, ...]:
    found = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    return tuple(Bucket(low, high, count) for low, high, count in found)
