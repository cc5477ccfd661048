"""Missing values and membership."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import ndonnx.extensions as nde

from headrace.errors import TransformError
from headrace.transform.checks import column, data_and_mask, kind_of
from headrace.transform.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fill_missing", "is_missing", "isin"]


def fill_missing(x: ndx.Array, value: Any) -> ndx.Array:
    """Put a value, or what an analyzer found, in place of missing values.

    Parameters
    ----------
    x
        Any column.
    value
        A number, text or truth value as the column has them, or an array of them.

    Returns
    -------
    ndonnx.Array
        A column that has no missing values; NaN stays. Ids keep their domain where ``value`` lies in it.
    """
    x = column(x, "fill_missing")
    trace = current_trace("fill_missing")
    domain = trace.domain(x)
    _check_fill(x, value)
    if kind_of(x) == "time":
        return ndx.where(ndx.isnan(x), ndx.asarray(value), x)
    filled = nde.fill_null(x, value) if nde.is_nullable_dtype(x.dtype) else x
    inside = isinstance(value, int) and domain is not None and 0 <= value < domain.num_buckets
    if domain is not None and (inside or not nde.is_nullable_dtype(x.dtype)):
        trace.set_domain(filled, domain)
    return filled


def _check_fill(x: ndx.Array, value: Any) -> None:
    kind = kind_of(x)
    given = kind_of(value) if isinstance(value, ndx.Array) else None
    fits = {
        "text": isinstance(value, str) or given == "text",
        "truth": isinstance(value, bool) or given == "truth",
        "number": (isinstance(value, int | float) and not isinstance(value, bool)) or given == "number",
    }.get(kind, True)
    if not fits:
        raise TransformError(
            "tft.fill_missing fills with a value of the column's own type", got=f"{value!r} for a column of {x.dtype}"
        )


def is_missing(x: ndx.Array) -> ndx.Array:
    """Return True where a value is missing; NaN is not missing."""
    x = column(x, "is_missing")
    if kind_of(x) == "time":
        return ndx.isnan(x)
    mask = data_and_mask(x)[1]
    return ndx.broadcast_to(ndx.asarray(False), x.dynamic_shape) if mask is None else mask


def isin(x: ndx.Array, values: Sequence[str] | Sequence[int] | Sequence[float]) -> ndx.Array:
    """Return True where a value is one of ``values``; a missing value is none of them."""
    x = column(x, "isin", "text", "number")
    wanted: list[Any] = list(values)
    texts = [isinstance(value, str) for value in wanted]
    if not wanted or any(text != (kind_of(x) == "text") for text in texts):
        raise TransformError(
            "tft.isin compares a column with values of its own type, at least one", got=f"{wanted!r} for {x.dtype}"
        )
    return nde.isin(x, wanted)
