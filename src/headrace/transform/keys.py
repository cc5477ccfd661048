"""Mappers of numbers that are scaled for each key by itself.

A key is a text or an integer that groups rows. A key that was not seen in the analysis, and a missing one, is scaled by
what was found over all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np

from headrace.errors import TransformError
from headrace.transform import analyzers
from headrace.transform.analyzers import as_key
from headrace.transform.checks import column, data_and_mask, positive, with_mask
from headrace.transform.keyed import MomentsPerKey, QuantilesPerKey
from headrace.transform.operators import literal
from headrace.transform.searching import group_of, taken
from headrace.transform.trace import Domain, current_trace

if TYPE_CHECKING:
    from headrace.transform.accumulators import Analyzer

__all__ = ["bucketize_per_key", "scale_by_min_max_per_key", "scale_to_0_1_per_key", "scale_to_z_score_per_key"]


def _given(x: Any, key: Any, function: str) -> tuple[ndx.Array, ndx.Array]:
    x, key = column(x, function, "number"), as_key(key, function)
    if x.ndim != 1 or key.ndim != 1:
        raise TransformError(
            f"tft.{function} takes one value and one key a row", got=f"{x.ndim} and {key.ndim} dimensions"
        )
    return x, key


def _per_key(
    analyzer: Analyzer, x: ndx.Array, key: ndx.Array, fields: tuple[str, ...], function: str
) -> tuple[list[ndx.Array] | None, list[ndx.Array]]:
    """Return, for each row, what was found for its key, None where that is open; and all that is needed for it."""
    trace = current_trace(function)
    call = trace.call(analyzer, x, key)
    overall = {"mean": analyzers.mean, "var": analyzers.var, "min": analyzers.min, "max": analyzers.max}
    others = [overall[field](x).astype(ndx.float64) for field in fields]
    needs = [x, key, *others]
    if call.is_open or trace.depends_on_open(*others):
        return None, needs
    place = group_of(key, call.value["keys"])
    found = []
    for field, other in zip(fields, others, strict=True):
        table = np.append(np.array(call.value[field], np.float64), other.unwrap_numpy())
        found.append(taken(table, place))
    return found, needs


def _scaled(x: ndx.Array, origin: ndx.Array, unit: ndx.Array) -> ndx.Array:
    """Return ``(x - origin) / unit``, and 0 where the unit is 0."""
    nothing = unit == 0.0
    apart = data_and_mask(x)[0].astype(ndx.float64) - origin
    return ndx.where(nothing, literal(0.0), apart / ndx.where(nothing, literal(1.0), unit))


def _stand_in(x: ndx.Array, needs: list[ndx.Array], function: str) -> ndx.Array:
    dtype = ndx.float64 if data_and_mask(x)[1] is None else ndx.nfloat64
    return current_trace(function).stand_in(("N",), dtype, needs, f"tft.{function}")


def scale_to_z_score_per_key(x: ndx.Array, key: ndx.Array) -> ndx.Array:
    """Subtract the mean of the key's rows and divide by their (population) standard deviation.

    Parameters
    ----------
    x
        Numbers ``[N]``; NaN stays NaN, missing stays missing.
    key
        Texts or integers ``[N]``.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``; 0 where all values of the key are equal. Other keys are scaled by all rows.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 3.0, 10.0, 30.0], "k": ["a", "a", "b", "b"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.scale_to_z_score_per_key(inputs["x"], inputs["k"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [-1.0, 1.0, -1.0, 1.0]
    """
    name = "scale_to_z_score_per_key"
    x, key = _given(x, key, name)
    found, needs = _per_key(MomentsPerKey(), x, key, ("mean", "var"), name)
    if found is None:
        return _stand_in(x, needs, name)
    mean, var = found
    return with_mask(_scaled(x, mean, ndx.sqrt(var)), data_and_mask(x)[1])


def scale_by_min_max_per_key(
    x: ndx.Array, key: ndx.Array, output_min: float = 0.0, output_max: float = 1.0
) -> ndx.Array:
    """Move the smallest value of the key's rows to ``output_min``, the largest to ``output_max``, others in proportion.

    Parameters
    ----------
    x
        Numbers ``[N]``; NaN stays NaN, missing stays missing.
    key
        Texts or integers ``[N]``.
    output_min, output_max
        The extremes of the result.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``; ``output_min`` where all values of the key are equal. Other keys are scaled by all rows.

    Raises
    ------
    TransformError
        If ``output_min`` is not less than ``output_max``.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 3.0, 10.0, 30.0], "k": ["a", "a", "b", "b"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.scale_by_min_max_per_key(inputs["x"], inputs["k"], -1, 1)})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [-1.0, 1.0, -1.0, 1.0]
    """
    return _min_max(x, key, output_min, output_max, "scale_by_min_max_per_key")


def scale_to_0_1_per_key(x: ndx.Array, key: ndx.Array) -> ndx.Array:
    """Move the smallest value of the key's rows to 0 and the largest to 1 (``scale_by_min_max_per_key``).

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 3.0, 10.0, 30.0], "k": ["a", "a", "b", "b"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.scale_to_0_1_per_key(inputs["x"], inputs["k"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0.0, 1.0, 0.0, 1.0]
    """
    return _min_max(x, key, 0.0, 1.0, "scale_to_0_1_per_key")


def _min_max(x: ndx.Array, key: ndx.Array, output_min: float, output_max: float, function: str) -> ndx.Array:
    if not output_min < output_max:
        raise TransformError(
            f"output_min of tft.{function} is less than output_max", got=f"{output_min} and {output_max}"
        )
    x, key = _given(x, key, function)
    found, needs = _per_key(MomentsPerKey(), x, key, ("min", "max"), function)
    if found is None:
        return _stand_in(x, needs, function)
    low, high = found
    scaled = _scaled(x, low, high - low)
    if (output_min, output_max) != (0.0, 1.0):
        scaled = scaled * (output_max - output_min) + output_min
    return with_mask(scaled, data_and_mask(x)[1])


def bucketize_per_key(x: ndx.Array, key: ndx.Array, num_buckets: int) -> ndx.Array:
    """Cut the values of each key into ``num_buckets`` parts of equal size, and return the part of each value.

    Parameters
    ----------
    x
        Numbers ``[N]``; missing stays missing, NaN falls into the last part.
    key
        Texts or integers ``[N]``.
    num_buckets
        At least 2.

    Returns
    -------
    ndonnx.Array
        int64 ids in ``[0, num_buckets)``, and -1 for a key that was not seen in the analysis or is missing. Quantiles
        are those of ``tft.quantiles``.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1, 2, 30, 40], "k": ["a", "a", "b", "b"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.bucketize_per_key(inputs["x"], inputs["k"], 2)})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, 1, 0, 1]
    """
    name = "bucketize_per_key"
    x, key = _given(x, key, name)
    positive(num_buckets, name, "num_buckets", 2)
    trace = current_trace(name)
    call = trace.call(QuantilesPerKey(num_buckets), x, key)
    data, mask = data_and_mask(x)
    if call.is_open:
        return trace.stand_in(("N",), ndx.int64 if mask is None else ndx.nint64, [x, key], f"tft.{name}")
    place = group_of(key, call.value["keys"])
    unseen = np.zeros((1, num_buckets - 1))
    boundaries = taken(np.concatenate([np.array(call.value["boundaries"], np.float64), unseen]), place)
    above = ~(data.astype(ndx.float64)[:, None] < boundaries)
    ids = ndx.sum(above.astype(ndx.int64), axis=1)
    ids = ndx.where(place == len(call.value["keys"]), ndx.asarray(-1), ids)
    return trace.set_domain(with_mask(ids, mask), Domain(num_buckets, closed=False))
