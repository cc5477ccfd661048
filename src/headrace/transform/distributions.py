"""Analyzers of how values are spread: histograms, covariance, principal components, and Tukey's parameters.

All of them leave missing values and NaN out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np

from headrace.errors import TransformError
from headrace.transform import analyzers
from headrace.transform.accumulators import (
    IdCounts,
)
from headrace.transform.checks import column, data_and_mask, positive, with_mask
from headrace.transform.covariances import CovarianceAnalyzer, principal_components
from headrace.transform.operators import literal
from headrace.transform.tukey import TukeyAnalyzer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

from headrace.transform.analyzers import count_per_key, found, known_width, of_size, reduced

__all__ = [
    "bin_counts",
    "bin_places",
    "boundaries_of",
    "covariance",
    "histogram",
    "pca",
    "principal",
    "tukey_h_params",
    "tukey_location",
    "tukey_scale",
]


def histogram(
    x: ndx.Array, boundaries: ndx.Array | Sequence[float] | int | None = None, *, categorical: bool = False
) -> tuple[ndx.Array, ndx.Array]:
    """Count values in intervals, or each value.

    Parameters
    ----------
    x
        Numbers; texts or integers where ``categorical``. Missing values and NaN are left out.
    boundaries
        Ascending numbers, or how many of them to spread evenly from the smallest to the largest value (one more pass
        over the data); 0, 0.1, …, 1 when None.
    categorical
        Count each distinct value instead.

    Returns
    -------
    tuple of ndonnx.Array
        Counts, int64 ``[b - 1]``, and the boundaries, float64 ``[b]``. As in ``numpy.histogram`` an interval has its
        lower boundary and lacks its upper one, but for the last, which has both; values outside are not counted.
        Where ``categorical``, counts and keys of ``tft.count_per_key``, ``[K]`` each.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [0, 1, 0, 1, 0, 3, 0, 1]}
    >>> def preprocessing_fn(inputs):
    ...     counts, boundaries = tft.histogram(inputs["x"], range(5))
    ...     return {"share": inputs["x"] * 0.0 + counts[0] / tft.size(inputs["x"])}
    >>> graph = tft.analyze(data, preprocessing_fn)
    >>> graph.analyzers[0].value
    [4, 3, 0, 1]
    """
    if categorical:
        keys, counted = count_per_key(x)
        return counted, keys
    x = column(x, "histogram", "number")
    edges = boundaries_of(x, boundaries, "histogram")
    return bin_counts(x, edges, "histogram"), edges


def boundaries_of(x: ndx.Array, boundaries: ndx.Array | Sequence[float] | int | None, function: str) -> ndx.Array:
    """Return the boundaries of a histogram as float64 ``[b]``."""
    if isinstance(boundaries, ndx.Array):
        return boundaries.astype(ndx.float64)
    if isinstance(boundaries, int):
        positive(boundaries, function, "boundaries", 2)
        low, high = analyzers.min(x).astype(ndx.float64), analyzers.max(x).astype(ndx.float64)
        steps = np.linspace(0.0, 1.0, boundaries)
        return low * literal(1.0 - steps) + high * literal(steps)
    known = np.linspace(0.0, 1.0, 11) if boundaries is None else np.asarray(boundaries, dtype=np.float64)
    if known.ndim != 1 or known.size < 2 or bool(np.any(np.diff(known) <= 0)) or bool(np.isnan(known).any()):
        raise TransformError(f"Boundaries of tft.{function} are ascending numbers, at least two", got=known.tolist())
    return literal(known)


def bin_places(x: ndx.Array, edges: ndx.Array) -> ndx.Array:
    """Return the number of the interval of each value, -1 below all of them and ``b - 1`` above."""
    data, mask = data_and_mask(x)
    numbers = data.astype(ndx.float64)
    passed = ndx.sum((numbers[..., None] >= edges).astype(ndx.int64), axis=-1) - 1
    last = edges.shape[0]
    assert last is not None
    return with_mask(ndx.where(numbers == edges[-1], ndx.asarray(last - 2), passed), mask)


def bin_counts(x: ndx.Array, edges: ndx.Array, function: str) -> ndx.Array:
    """Return how many values lie in each interval between boundaries."""
    (count,) = edges.shape
    if count is None:
        raise TransformError(f"tft.{function} must know how many boundaries there are", got="an array of any length")
    # NaN passes no boundary, and is left out as values below the first one are.
    places = bin_places(x, edges)
    return found(IdCounts(), [places], function, (count - 1,), ndx.int64, lambda value: of_size(value, count - 1))


def covariance(x: ndx.Array) -> ndx.Array:
    """Return the population covariance of the places of rows: ``E[(x - E[x]) (x - E[x])ᵀ]``.

    Parameters
    ----------
    x
        Numbers ``[N, k]``; a row in which a value is missing or NaN is left out.

    Returns
    -------
    ndonnx.Array
        float64 ``[k, k]``, within 1e-12 of the largest variance for any cut of the data.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"a": [1.0, 2.0, 3.0], "b": [2.0, 4.0, 6.0]}
    >>> graph = tft.analyze(
    ...     data, lambda inputs: {"y": inputs["a"] * tft.covariance(tft.stack([inputs["a"], inputs["b"]]))[0, 1]}
    ... )
    >>> [[round(value, 6) for value in row] for row in graph.analyzers[0].value["covariance"]]
    [[0.666667, 1.333333], [1.333333, 2.666667]]
    """
    x = column(x, "covariance", "number")
    width = known_width(x, "covariance")
    return found(CovarianceAnalyzer(), [x], "covariance", (width, width), ndx.float64, lambda v: v["covariance"])


def pca(x: ndx.Array, output_dim: int) -> ndx.Array:
    """Return the directions in which rows vary most: eigenvectors of their covariance.

    Parameters
    ----------
    x
        Numbers ``[N, k]``, best of one unit (``tft.scale_to_z_score``); a row in which one is missing is left out.
    output_dim
        How many directions, at most ``k``.

    Returns
    -------
    ndonnx.Array
        float64 ``[k, output_dim]``: orthonormal columns, that of the largest variance first; the largest place of each
        is positive. ``tft.apply_pca`` multiplies rows by it.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]}
    >>> def preprocessing_fn(inputs):
    ...     rows = tft.stack([inputs["a"], inputs["b"]])
    ...     return {"y": (rows @ tft.pca(rows, 1))[:, 0]}
    >>> graph = tft.analyze(data, preprocessing_fn)
    >>> [round(value, 4) for value in graph.transform(data).to_table()["y"].to_pylist()]
    [1.4142, 2.8284, 4.2426]
    """
    return principal(x, output_dim, "pca")[1]


def principal(x: ndx.Array, output_dim: int, function: str) -> tuple[ndx.Array, ndx.Array, ndx.Array]:
    """Return the means ``[k]``, principal components ``[k, d]`` and their variances ``[d]`` of rows."""
    x = column(x, function, "number")
    width = known_width(x, function)
    positive(output_dim, function, "output_dim")
    if output_dim > width:
        raise TransformError(
            f"output_dim of tft.{function} is at most the number of values in a row", got=f"{output_dim} of {width}"
        )

    def part(number: int) -> Callable[[Any], Any]:
        def value_of(value: Any) -> Any:
            if not np.isfinite(value["covariance"]).all():
                raise TransformError(
                    f"tft.{function} takes finite numbers",
                    got="an infinity, or numbers whose products are none",
                    fix="Bound them first with tft.clip_outliers",
                )
            vectors, variances = principal_components(np.array(value["covariance"]), output_dim)
            return (np.array(value["mean"]), vectors, variances)[number]

        return value_of

    analyzer = CovarianceAnalyzer()
    shapes = ((width,), (width, output_dim), (output_dim,))
    means, vectors, variances = (
        found(analyzer, [x], function, shape, ndx.float64, part(number)) for number, shape in enumerate(shapes)
    )
    return means, vectors, variances


def _tukey(x: ndx.Array, field: str, function: str, *, reduce_instance_dims: bool) -> ndx.Array:
    x = column(x, function, "number")
    return reduced(TukeyAnalyzer(), x, field, ndx.float64, function, reduce_instance_dims=reduce_instance_dims)


def tukey_location(x: ndx.Array, reduce_instance_dims: bool = True) -> ndx.Array:
    """Return the location of the Tukey hh distribution that has the first four L-moments of a column.

    ``x = location + scale * u * exp(h * u**2 / 2)`` with ``u`` normal and another ``h`` on either side (Headrick and
    Pant, "Characterizing Tukey h and hh-distributions through L-moments and the L-correlation", 2012). The L-moments
    (Hosking 1990) are exact up to 100,000 distinct values, and of the quantile sketch beyond; infinities are left
    out.

    Returns
    -------
    ndonnx.Array
        A float64 scalar, or ``[k]`` for lists where ``reduce_instance_dims`` is false.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [-2.0, -1.0, 0.0, 1.0, 2.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": inputs["x"] - tft.tukey_location(inputs["x"])})
    >>> round(graph.analyzers[0].value["location"], 9) + 0.0, graph.analyzers[0].value["h_left"]
    (0.0, 0.0)
    """
    return _tukey(x, "location", "tukey_location", reduce_instance_dims=reduce_instance_dims)


def tukey_scale(x: ndx.Array, reduce_instance_dims: bool = True) -> ndx.Array:
    """Return the scale of the Tukey hh distribution that has the L-moments of a column (see ``tft.tukey_location``).

    Returns
    -------
    ndonnx.Array
        A float64 scalar, or ``[k]`` for lists where ``reduce_instance_dims`` is false; 1 where all values are equal.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [-2.0, -1.0, 0.0, 1.0, 2.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": inputs["x"] / tft.tukey_scale(inputs["x"])})
    >>> round(graph.analyzers[0].value["scale"], 6)
    1.772454
    """
    return _tukey(x, "scale", "tukey_scale", reduce_instance_dims=reduce_instance_dims)


def tukey_h_params(x: ndx.Array, reduce_instance_dims: bool = True) -> tuple[ndx.Array, ndx.Array]:
    """Return how heavy the left and the right tail of a column are, as ``h`` of ``tft.tukey_location``.

    Returns
    -------
    tuple of ndonnx.Array
        Two float64 scalars in [0, 1), or ``[k]`` for lists where ``reduce_instance_dims`` is false. Both are 0 where
        the tails are no heavier than those of the normal distribution.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [-100.0, -3.0, -1.0, 0.0, 1.0, 3.0, 100.0]}
    >>> def preprocessing_fn(inputs):
    ...     left, right = tft.tukey_h_params(inputs["x"])
    ...     return {"y": inputs["x"] * (left + right)}
    >>> value = tft.analyze(data, preprocessing_fn).analyzers[0].value
    >>> abs(value["h_left"] - value["h_right"]) < 1e-9, value["h_left"] > 0.5
    (True, True)
    """
    left, right = (
        _tukey(x, field, "tukey_h_params", reduce_instance_dims=reduce_instance_dims) for field in ("h_left", "h_right")
    )
    return left, right
