"""Mappers that change the shape of a distribution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.v17 as op17

from headrace.errors import TransformError
from headrace.transform import analyzers, distributions
from headrace.transform.accumulators import QuantilesAnalyzer
from headrace.transform.checks import column, data_and_mask, positive, with_mask
from headrace.transform.distributions import bin_counts, bin_places, boundaries_of
from headrace.transform.operators import literal
from headrace.transform.powers import PowerAnalyzer, PowerRefinement
from headrace.transform.searching import passed, taken
from headrace.transform.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headrace.transform.powers import Method

__all__ = [
    "apply_buckets_with_interpolation",
    "apply_pca",
    "estimated_probability_density",
    "power_transform",
    "quantile_transform",
    "scale_to_gaussian",
]


def scale_to_gaussian(x: ndx.Array, elementwise: bool = False) -> ndx.Array:
    """Make a column with long tails about normal, with mean 0 and variance 1.

    The inverse of Tukey's hh transform that has the L-moments of the column (``tft.tukey_location``): with
    ``z = (x - location) / scale``, ``sign(z) * sqrt(W(h * z**2) / h)``, where ``W`` is Lambert's function and ``h``
    that of the side of ``z`` (Goerg, "The Lambert way to Gaussianize heavy-tailed data", 2015). Where neither tail is
    longer than those of the normal distribution, it is ``tft.scale_to_z_score``.

    Parameters
    ----------
    x
        Numbers ``[N]``, or lists.
    elementwise
        For rows ``[N, k]``: each place by its own distribution, rather than all by that of all values.

    Returns
    -------
    ndonnx.Array
        float64 of the shape of ``x``; missing stays missing, NaN stays NaN. 0 where all values are equal.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [-100.0, -3.0, -1.0, 0.0, 1.0, 3.0, 100.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.scale_to_gaussian(inputs["x"])})
    >>> [round(value, 3) + 0.0 for value in graph.transform(data).to_table()["y"].to_pylist()]
    [-2.557, -1.038, -0.511, 0.0, 0.511, 1.038, 2.557]
    """
    x = column(x, "scale_to_gaussian", "number")
    data, mask = data_and_mask(x)
    together = not elementwise
    location, scale = distributions.tukey_location(x, together), distributions.tukey_scale(x, together)
    left, right = distributions.tukey_h_params(x, together)
    deviation = ndx.sqrt(analyzers.var(x, together))
    long = (left > 0.0) | (right > 0.0)
    unit = ndx.where(long, scale, deviation)
    unit = ndx.where(unit == 0.0, literal(1.0), unit)
    z = (data.astype(ndx.float64) - location) / unit
    h = ndx.where(z < 0.0, left, right)
    inner = h * z * z
    # Next to nought the quotient is 1 up to rounding, and 0 / 0 in the end; far out there is nothing to add.
    plain = (inner < 1e-9) | ~ndx.isfinite(inner)
    safe = ndx.where(plain, literal(1.0), inner)
    found = ndx.sqrt(_lambert(safe) / ndx.where(h == 0.0, literal(1.0), h))
    return with_mask(ndx.where(plain, z, ndx.where(z < 0.0, -found, found)), mask)


def _lambert(x: ndx.Array) -> ndx.Array:
    """Return the w with ``w * exp(w) = x``, for positive x.

    By the iteration of Iacono and Boyd, "New approximations to the principal real-valued branch of the Lambert
    W-function" (2017): ``w * (1 + log(x / w)) / (1 + w)``, which needs no exponential and converges quadratically.
    """
    first = ndx.log1p(x)
    w = first * (1.0 - ndx.log1p(first) / (2.0 + first))
    for _ in range(4):
        w = w * (1.0 + ndx.log(x / w)) / (1.0 + w)
    return w


def apply_buckets_with_interpolation(x: ndx.Array, bucket_boundaries: ndx.Array | Sequence[float]) -> ndx.Array:
    """Return where each value lies among boundaries, from 0 at the first to 1 at the last, linearly in between.

    Parameters
    ----------
    x
        Numbers ``[N]``.
    bucket_boundaries
        Ascending, ``[b]``, such as those of ``tft.quantiles``.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``: for ``boundaries[i] <= x < boundaries[i + 1]`` it is
        ``(i + (x - boundaries[i]) / (boundaries[i + 1] - boundaries[i])) / (b - 1)``. 0 below the first and 1 from the
        last boundary on; 0.5 for NaN; with one boundary, 0 below it and 1 from it on. Missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [0.0, 1.0, 2.0, 6.0, 99.0]}
    >>> graph = tft.analyze(
    ...     data, lambda inputs: {"y": tft.apply_buckets_with_interpolation(inputs["x"], [1.0, 2.0, 10.0])}
    ... )
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0.0, 0.0, 0.5, 0.75, 1.0]
    """
    name = "apply_buckets_with_interpolation"
    x = column(x, name, "number")
    data, mask = data_and_mask(x)
    trace = current_trace(name)
    if isinstance(bucket_boundaries, ndx.Array):
        if trace.depends_on_open(bucket_boundaries):
            dtype = ndx.float64 if mask is None else ndx.nfloat64
            return trace.stand_in(data.shape, dtype, [x, bucket_boundaries], f"tft.{name}")
        known = np.asarray(bucket_boundaries.unwrap_numpy(), dtype=np.float64)
    else:
        known = np.asarray(bucket_boundaries, dtype=np.float64)
    if known.ndim != 1 or bool(np.any(np.diff(known) < 0)) or not np.isfinite(known).any():
        raise TransformError("Boundaries of buckets are ascending numbers, at least one", got=known.tolist())
    known = known[np.isfinite(known)]
    numbers = data.astype(ndx.float64)
    place = passed(numbers, known)
    last = known.size - 1
    if last == 0:
        found = (place > 0).astype(ndx.float64)
    else:
        low, high = np.append(known[:1], known), np.append(known, known[-1:])
        width = high - low
        share = (numbers - taken(low, place)) / taken(np.where(width == 0.0, 1.0, width), place)
        outside = (place == 0) | (place == known.size)
        found = ndx.where(outside, literal(0.0), share) + taken(np.maximum(np.arange(known.size + 1.0) - 1, 0), place)
        found = found / float(last)
    return with_mask(ndx.where(ndx.isnan(numbers), literal(0.5), found), mask)


def estimated_probability_density(
    x: ndx.Array, boundaries: ndx.Array | Sequence[float] | int | None = None, *, categorical: bool = False
) -> ndx.Array:
    """Return how dense the values are about each value, by a histogram.

    Parameters
    ----------
    x
        Numbers ``[N]``; texts or integers where ``categorical``.
    boundaries
        As for ``tft.histogram``.
    categorical
        Return the share of each distinct value instead.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``: the share of the values in the interval, divided by its width; or the share of the value. 0
        outside of all intervals, for NaN and for values that were not seen. Missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [0.0, 0.5, 1.0, 3.0]}
    >>> graph = tft.analyze(
    ...     data, lambda inputs: {"y": tft.estimated_probability_density(inputs["x"], [0.0, 2.0, 4.0])}
    ... )
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0.375, 0.375, 0.375, 0.125]
    """
    name = "estimated_probability_density"
    if categorical:
        from headrace.transform.encodings import frequency_encode

        return frequency_encode(x)
    x = column(x, name, "number")
    edges = boundaries_of(x, boundaries, name)
    counts = bin_counts(x, edges, name).astype(ndx.float64)
    widths = edges[1:] - edges[:-1]
    total = ndx.sum(counts)
    densities = counts / ndx.where(total == 0.0, literal(1.0), total) / widths
    data, mask = data_and_mask(x)
    place = bin_places(data, edges)
    number = counts.shape[0]
    assert number is not None
    inside = (place >= 0) & (place < number) & ~ndx.isnan(data.astype(ndx.float64))
    each = ndx.take(densities, ndx.where(inside, place, literal(0)), axis=0)
    return with_mask(ndx.where(inside, each, literal(0.0)), mask)


def quantile_transform(
    x: ndx.Array, n_quantiles: int = 1000, output_distribution: Literal["uniform", "normal"] = "uniform"
) -> ndx.Array:
    """Spread a column evenly over [0, 1], or normally, by its quantiles.

    Parameters
    ----------
    x
        Numbers ``[N]``.
    n_quantiles
        How many quantiles, at least 2, are interpolated linearly; where one value has several, their mean counts.
    output_distribution
        ``uniform``, or ``normal``: the quantile of the standard normal distribution (Wichura, "Algorithm AS 241",
        1988), cut off at the quantiles of 1e-7 and 1 - 1e-7.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``; missing stays missing, NaN stays NaN. Values beyond those that were analyzed get the extremes.
        Quantiles are those of ``tft.quantiles``.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 10.0, 100.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.quantile_transform(inputs["x"], 3)})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0.0, 0.5, 1.0]
    """
    name = "quantile_transform"
    x = column(x, name, "number")
    positive(n_quantiles, name, "n_quantiles", 2)
    if output_distribution not in ("uniform", "normal"):
        raise TransformError(f"output_distribution of tft.{name} is 'uniform' or 'normal'", got=output_distribution)
    data, mask = data_and_mask(x)
    trace = current_trace(name)
    call = trace.call(QuantilesAnalyzer(at=tuple(np.linspace(0.0, 1.0, n_quantiles).tolist())), x)
    if call.is_open:
        return trace.stand_in(data.shape, ndx.float64 if mask is None else ndx.nfloat64, [x], f"tft.{name}")
    points = np.array(call.value, np.float64)
    numbers = data.astype(ndx.float64)
    references = np.linspace(0.0, 1.0, n_quantiles)
    # Where one value has several quantiles, from below and from above they give the first and the last of them.
    up = _interpolated(numbers, points, references)
    down = _interpolated(-numbers, -points[::-1], references)
    share = 0.5 * (up + (1.0 - down))
    share = ndx.where(numbers >= points[-1], literal(1.0), share)
    share = ndx.where(numbers <= points[0], literal(0.0), share)
    share = ndx.where(ndx.isnan(numbers), numbers, share)
    return with_mask(share if output_distribution == "uniform" else _normal_quantile(share), mask)


def _interpolated(x: ndx.Array, points: NDArray[np.float64], references: NDArray[np.float64]) -> ndx.Array:
    place = passed(x, points)
    low, high = np.append(points[:1], points), np.append(points, points[-1:])
    width = high - low
    at = np.append(references[:1], references)
    rise = np.append(references, references[-1:]) - at
    flat = (width == 0.0) | ~np.isfinite(width)
    share = (x - taken(np.where(np.isfinite(low), low, 0.0), place)) / taken(np.where(flat, 1.0, width), place)
    return taken(at, place) + ndx.where(taken(flat, place), literal(0.0), share) * taken(rise, place)


# Coefficients of PPND16 in algorithm AS 241, the highest power first.
_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_NEAR = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258,
     3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187, 1.0),
)  # fmt: skip
_FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720),
    (2.04426310337993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def _normal_quantile(p: ndx.Array) -> ndx.Array:
    """Return the quantile of the normal distribution, cut off at 1e-7 and 1 - 1e-7."""
    least = 1e-7 - np.spacing(1.0)
    p = ndx.where(p < least, literal(least), ndx.where(p > 1.0 - least, literal(1.0 - least), p))
    q = p - 0.5
    inner = 0.180625 - q * q
    centre = q * _ratio(inner, _CENTRE)
    r = ndx.sqrt(-ndx.log(ndx.where(q < 0.0, p, 1.0 - p)))
    tail = ndx.where(r <= 5.0, _ratio(r - 1.6, _NEAR), _ratio(r - 5.0, _FAR))
    return ndx.where(ndx.abs(q) <= 0.425, centre, ndx.where(q < 0.0, -tail, tail))


def _ratio(x: ndx.Array, polynomials: tuple[tuple[float, ...], tuple[float, ...]]) -> ndx.Array:
    parts = []
    for coefficients in polynomials:
        value = x * 0.0 + coefficients[0]
        for coefficient in coefficients[1:]:
            value = value * x + coefficient
        parts.append(value)
    return parts[0] / parts[1]


def power_transform(x: ndx.Array, method: Method = "yeo-johnson", *, standardize: bool = True) -> ndx.Array:
    """Make a column more normal by a power whose exponent has the largest likelihood.

    Parameters
    ----------
    x
        Numbers ``[N]``.
    method
        ``yeo-johnson``: ``((x + 1)**l - 1) / l`` from 0 on and ``-((1 - x)**(2 - l) - 1) / (2 - l)`` below (Yeo and
        Johnson 2000). ``box-cox``: ``(x**l - 1) / l``, for positive numbers (Box and Cox 1964). An exponent of 0 stands
        for the logarithm.
    standardize
        Subtract the mean of the result and divide by its standard deviation.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``; missing stays missing, NaN stays NaN; ``box-cox`` gives NaN for numbers that are not positive.
        The likelihood is over all values; finding its maximum takes two passes over the data.

    Raises
    ------
    TransformError
        If ``box-cox`` meets a number in the analysis that is not positive.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 10.0, 100.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.power_transform(inputs["x"], "box-cox")})
    >>> [round(value, 3) + 0.0 for value in graph.transform(data).to_table()["y"].to_pylist()]
    [-1.225, 0.0, 1.225]
    """
    name = "power_transform"
    x = column(x, name, "number")
    if method not in ("yeo-johnson", "box-cox"):
        raise TransformError(f"method of tft.{name} is 'yeo-johnson' or 'box-cox'", got=method)
    data, mask = data_and_mask(x)
    trace = current_trace(name)
    first = trace.call(PowerAnalyzer(method), x)
    if not first.is_open and "lowest" in first.value:
        raise TransformError(
            f"tft.{name} with 'box-cox' takes positive numbers",
            got=f"{first.value['lowest']!r} in the data",
            where=first.where,
            fix="Use method='yeo-johnson', which takes any",
        )
    label = f"tft.{name}"
    about = trace.stand_in((), ndx.float64, [x], label) if first.is_open else ndx.asarray(first.value["exponent"])
    call = trace.call(PowerRefinement(method), x, ndx.zeros_like(data, dtype=ndx.float64) + about)
    if call.is_open:
        return trace.stand_in(data.shape, ndx.float64 if mask is None else ndx.nfloat64, [x, *call.columns], label)
    exponent = call.value["exponent"]
    numbers = data.astype(ndx.float64)
    if method == "box-cox":
        safe = ndx.where(numbers > 0.0, numbers, ndx.asarray(math.nan))
        found = _powered(safe, exponent)
    else:
        high = numbers >= 0.0
        upper = _powered(ndx.where(high, numbers, literal(0.0)) + 1.0, exponent)
        lower = -_powered(1.0 - ndx.where(high, literal(0.0), numbers), 2.0 - exponent)
        found = ndx.where(ndx.isnan(numbers), numbers, ndx.where(high, upper, lower))
    if standardize:
        deviation = math.sqrt(call.value["var"])
        found = (found - call.value["mean"]) / (deviation or 1.0)
    return with_mask(found, mask)


def _powered(x: ndx.Array, exponent: float) -> ndx.Array:
    """Return ``(x**exponent - 1) / exponent``, which is ``log(x)`` times a power series in ``exponent * log(x)``.

    The series, whose rest is below 1e-17, is for where the difference would leave few digits.
    """
    logs = ndx.log(x)
    if exponent == 0.0:
        return logs
    inner = logs * exponent
    near = ndx.abs(inner) < 0.5
    small = ndx.where(near, inner, literal(0.0))
    series = small * 0.0
    for power in range(16, -1, -1):
        series = series * small + 1.0 / math.factorial(power + 1)
    return ndx.where(near, logs * series, (x**exponent - 1.0) / exponent)


def apply_pca(x: ndx.Array, output_dim: int, *, whiten: bool = False) -> ndx.Array:
    """Turn rows into their principal components: ``(x - mean) @ tft.pca(x, output_dim)``.

    Parameters
    ----------
    x
        Numbers ``[N, k]``, such as ``tft.stack`` makes.
    output_dim
        How many components to keep.
    whiten
        Divide each component by its standard deviation.

    Returns
    -------
    ndonnx.Array
        float64 ``[N, output_dim]``; NaN in a row in which a value is NaN, missing in a row in which one is missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.apply_pca(tft.stack([inputs["a"], inputs["b"]]), 1)})
    >>> [round(row[0], 4) for row in graph.transform(data).to_table()["y"].to_pylist()]
    [-1.4142, 0.0, 1.4142]
    """
    means, vectors, variances = distributions.principal(x, output_dim, "apply_pca")
    data, mask = data_and_mask(x)
    # spox's form knows the shape of the product.
    centred = (data.astype(ndx.float64) - means).unwrap_spox()
    found = ndx.asarray(op17.matmul(centred, vectors.unwrap_spox()))
    if whiten:
        deviation = ndx.sqrt(variances)
        found = found / ndx.where(deviation == 0.0, literal(1.0), deviation)
    if mask is None:
        return found
    absent = ndx.any(mask, axis=1)[:, None]
    return with_mask(found, ndx.broadcast_to(absent, found.dynamic_shape))
