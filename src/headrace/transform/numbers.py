"""Mappers of numbers.

All compute in float64; a result is rounded to float32 once, at the graph's output. A missing value stays missing until
``tft.fill_missing``; NaN stays NaN unless said otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v21 as op

from headrace.errors import TransformError
from headrace.transform import analyzers
from headrace.transform.checks import column, data_and_mask, positive, with_mask
from headrace.transform.operators import const, literal
from headrace.transform.trace import Domain, current_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "apply_buckets",
    "bucketize",
    "clip_outliers",
    "scale_by_min_max",
    "scale_to_0_1",
    "scale_to_z_score",
    "with_domain",
]


def scale_to_z_score(x: ndx.Array, elementwise: bool = False) -> ndx.Array:
    """Subtract the mean and divide by the (population) standard deviation: ``(x - mean(x)) / sqrt(var(x))``.

    Parameters
    ----------
    x
        Numbers ``[N]``, or lists.
    elementwise
        For rows ``[N, k]``: scale each place by its own mean and deviation, rather than all by those of all values.

    Returns
    -------
    ndonnx.Array
        float64 of the shape of ``x``; 0 everywhere where all values that were analyzed are equal. Missing stays
        missing, NaN stays NaN.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 3.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.scale_to_z_score(inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [-1.0, 1.0]
    """
    data, mask = data_and_mask(column(x, "scale_to_z_score", "number"))
    average = analyzers.mean(x, not elementwise)
    deviation = _root(analyzers.var(x, not elementwise))
    return with_mask(_share(data.astype(ndx.float64) - average, deviation), mask)


def _root(variance: ndx.Array) -> ndx.Array:
    try:
        return literal(np.sqrt(variance.unwrap_numpy()))
    except ValueError:
        return ndx.sqrt(variance)


def _share(part: ndx.Array, whole: ndx.Array) -> ndx.Array:
    """Divide; nought where the divisor, an analyzer's value, is nought."""
    try:
        known = whole.unwrap_numpy()
    except ValueError:
        return ndx.where(whole != literal(0.0), part / whole, literal(0.0))
    # A value that is known decides here, and not for every row.
    if (known != 0.0).all():
        return part / whole
    safe = literal(np.where(known == 0.0, 1.0, known))
    return ndx.where(literal(known == 0.0), literal(0.0), part / safe)


def scale_by_min_max(
    x: ndx.Array, output_min: float = 0.0, output_max: float = 1.0, elementwise: bool = False
) -> ndx.Array:
    """Move the smallest value to ``output_min`` and the largest to ``output_max``, and all others in proportion.

    ``(x - min(x)) / (max(x) - min(x)) * (output_max - output_min) + output_min``

    Parameters
    ----------
    x
        Numbers ``[N]``, or lists.
    output_min, output_max
        The extremes of the result.
    elementwise
        For rows ``[N, k]``: scale each place by its own extremes, rather than all by those of all values.

    Returns
    -------
    ndonnx.Array
        float64 of the shape of ``x``; ``output_min`` everywhere where all values that were analyzed are equal. Values
        beyond those that were analyzed land outside ``[output_min, output_max]``. Missing stays missing, NaN stays NaN.

    Raises
    ------
    TransformError
        If ``output_min`` is not less than ``output_max``.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [10, 30, 20]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.scale_by_min_max(inputs["x"], -1.0, 1.0)})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [-1.0, 1.0, 0.0]
    """
    if not output_min < output_max:
        raise TransformError(
            "output_min of tft.scale_by_min_max is less than output_max", got=f"{output_min} and {output_max}"
        )
    data, mask = data_and_mask(column(x, "scale_by_min_max", "number"))
    low = analyzers.min(x, not elementwise).astype(ndx.float64)
    high = analyzers.max(x, not elementwise).astype(ndx.float64)
    scaled = _share(data.astype(ndx.float64) - low, high - low)
    if (output_min, output_max) != (0.0, 1.0):
        scaled = scaled * (output_max - output_min) + output_min
    return with_mask(scaled, mask)


def scale_to_0_1(x: ndx.Array, elementwise: bool = False) -> ndx.Array:
    """Move the smallest value to 0 and the largest to 1, and all others in proportion (``scale_by_min_max``).

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [10, 30, 20]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.scale_to_0_1(inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0.0, 1.0, 0.5]
    """
    column(x, "scale_to_0_1", "number")
    return scale_by_min_max(x, elementwise=elementwise)


def apply_buckets(x: ndx.Array, bucket_boundaries: ndx.Array | Sequence[float]) -> ndx.Array:
    """Return the number of boundaries that are less than or equal to each value.

    Parameters
    ----------
    x
        Numbers ``[N]``, or lists.
    bucket_boundaries
        Ascending; ``[k]`` boundaries make ``k + 1`` buckets.

    Returns
    -------
    ndonnx.Array
        int64 ids in ``[0, k]`` of the shape of ``x``; NaN falls into the last bucket, as it sorts last. Missing stays
        missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 2.0, 99.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.apply_buckets(inputs["x"], [2.0, 5.0])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, 1, 2]
    """
    data, mask = data_and_mask(column(x, "apply_buckets", "number"))
    if not isinstance(bucket_boundaries, ndx.Array):
        known = np.asarray(bucket_boundaries, dtype=np.float64)
        if known.ndim != 1 or known.size == 0 or bool(np.any(np.diff(known) < 0)) or bool(np.isnan(known).any()):
            raise TransformError("Boundaries of buckets are ascending numbers, at least one", got=known.tolist())
        bucket_boundaries = literal(known)
    (count,) = bucket_boundaries.shape
    if count is None:
        raise TransformError(
            "The number of boundaries must be known", got="an array of any length", fix="Use tft.quantiles or a list"
        )
    # Not less is true for NaN too, which so passes all boundaries.
    last = const(np.array([data.ndim]))
    above = ~(ndx.asarray(op.unsqueeze(data.astype(ndx.float64).unwrap_spox(), last)) < bucket_boundaries)
    ids = ndx.asarray(op17.reduce_sum(above.astype(ndx.int64).unwrap_spox(), last, keepdims=0))
    return with_domain(with_mask(ids, mask), Domain(count + 1), "apply_buckets")


def bucketize(x: ndx.Array, num_buckets: int, weights: ndx.Array | None = None) -> ndx.Array:
    """Cut a numeric column into ``num_buckets`` parts of equal size, and return the part of each value.

    Parameters
    ----------
    x
        Numbers ``[N]``, or lists.
    num_buckets
        At least 2.
    weights
        As for ``tft.quantiles``, whose boundaries are applied as by ``tft.apply_buckets``.

    Returns
    -------
    ndonnx.Array
        int64 ids in ``[0, num_buckets)``; NaN falls into the last part, missing stays missing. Where one value is very
        frequent, some buckets stay empty.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1, 2, 3, 4]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.bucketize(inputs["x"], num_buckets=2)})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, 0, 1, 1]
    """
    column(x, "bucketize", "number")
    positive(num_buckets, "bucketize", "num_buckets", 2)
    return apply_buckets(x, analyzers.quantiles(x, num_buckets, weights))


def clip_outliers(
    x: ndx.Array,
    method: Literal["quantile", "iqr", "z_score"] = "iqr",
    *,
    lower: float | None = None,
    upper: float | None = None,
    factor: float | None = None,
) -> ndx.Array:
    """Pull values that lie far out back to bounds.

    Parameters
    ----------
    x
        Numbers.
    method
        ``quantile``: the bounds are the quantiles ``lower`` (0.01) and ``upper`` (0.99). ``iqr``: ``q1 - factor * (q3 -
        q1)`` and ``q3 + factor * (q3 - q1)`` of the quartiles, ``factor`` 1.5 (Tukey 1977). ``z_score``: ``factor`` (3)
        standard deviations around the mean.
    lower, upper
        Fractions, with ``quantile`` only.
    factor
        Positive, with the other two.

    Returns
    -------
    ndonnx.Array
        float64 of the shape of ``x``; missing stays missing, NaN stays NaN, and infinities become the bounds.

    Raises
    ------
    TransformError
        If a parameter does not fit the method.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 2.0, 3.0, 4.0, 100.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.clip_outliers(inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1.0, 2.0, 3.0, 4.0, 7.0]
    """
    x = column(x, "clip_outliers", "number")
    low, high = _bounds(x, method, lower, upper, factor)
    data, mask = data_and_mask(x)
    numbers = data.astype(ndx.float64)
    clipped = ndx.where(numbers < low, low, ndx.where(numbers > high, high, numbers))
    return with_mask(clipped, mask)


def _bounds(
    x: ndx.Array, method: str, lower: float | None, upper: float | None, factor: float | None
) -> tuple[ndx.Array, ndx.Array]:
    if method not in ("quantile", "iqr", "z_score"):
        raise TransformError("method of tft.clip_outliers is 'quantile', 'iqr' or 'z_score'", got=repr(method))
    if method == "quantile":
        low, high = 0.01 if lower is None else lower, 0.99 if upper is None else upper
        if factor is not None or not 0.0 <= low < high <= 1.0:
            raise TransformError(
                "tft.clip_outliers by 'quantile' takes fractions lower < upper in [0, 1], and no factor",
                got=f"lower={lower}, upper={upper}, factor={factor}",
            )
        found = analyzers.quantiles_at(x, (low, high), "clip_outliers")
        return found[0], found[1]
    times = factor if factor is not None else 1.5 if method == "iqr" else 3.0
    if lower is not None or upper is not None or not times > 0:
        raise TransformError(
            f"tft.clip_outliers by {method!r} takes a positive factor, and neither lower nor upper",
            got=f"lower={lower}, upper={upper}, factor={factor}",
        )
    if method == "z_score":
        average, reach = analyzers.mean(x), ndx.sqrt(analyzers.var(x)) * times
        return average - reach, average + reach
    quartiles = analyzers.quantiles_at(x, (0.25, 0.75), "clip_outliers")
    reach = (quartiles[1] - quartiles[0]) * times
    return quartiles[0] - reach, quartiles[1] + reach


def with_domain(x: ndx.Array, domain: Domain, function: str) -> ndx.Array:
    """Remember what the ids of a mapper's result stand for."""
    return current_trace(function).set_domain(x, domain)
