"""Missing values and membership."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import ndonnx as ndx
import ndonnx.extensions as nde

from headrace.errors import TransformError, did_you_mean
from headrace.transform import analyzers
from headrace.transform.checks import column, data_and_mask, kind_of, with_mask
from headrace.transform.lineage import infos
from headrace.transform.operators import literal
from headrace.transform.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fill_missing", "impute", "is_missing", "is_missing_list", "isin"]


def fill_missing(x: ndx.Array, value: Any) -> ndx.Array:
    """Put a value, or what an analyzer found, in place of missing values.

    Parameters
    ----------
    x
        Any column; not lists of any length, which ``tft.pad_lists`` fills.
    value
        A number, text or truth value as the column has them, or an array of them.

    Returns
    -------
    ndonnx.Array
        A column that has no missing values; NaN stays. Ids keep their domain where ``value`` lies in it.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1, None]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.fill_missing(inputs["x"], -1)})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, -1]
    """
    x = _of_known_length(column(x, "fill_missing"), "fill_missing")
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


def _has_no_known_length(x: ndx.Array) -> bool:
    return x.ndim == 2 and not isinstance(x.shape[1], int) and nde.is_nullable_dtype(x.dtype)


def _of_known_length(x: ndx.Array, function: str) -> ndx.Array:
    if _has_no_known_length(x):
        raise TransformError(
            f"tft.{function} fills no lists of any length: what lies behind their ends is missing, too",
            got=f"lists of {x.dtype}",
            fix="Functions of lists leave missing items out; tft.pad_lists(x, size, value) fills them, and gives lists "
            "one length",
        )
    return x


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


Strategy = Literal["mean", "median", "most_frequent", "constant"]


def impute(x: ndx.Array, strategy: Strategy = "mean", fill_value: Any = None) -> tuple[ndx.Array, ndx.Array]:
    """Put what is usual in place of missing values and NaN, and say where.

    Parameters
    ----------
    x
        Numbers, texts or truth values.
    strategy
        ``mean`` and ``median`` of numbers; ``most_frequent``, of equally frequent values the smallest; ``constant``.
    fill_value
        The constant, of the column's own type.

    Returns
    -------
    tuple of ndonnx.Array
        The column without missing values and NaN, and truth values that say where there were any. ``mean`` and
        ``median`` give float64; the others keep the type.

    Raises
    ------
    TransformError
        If the strategy is none of these, does not fit the column, or lacks its constant.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1, None, 3, 8]}
    >>> def preprocessing_fn(inputs):
    ...     filled, was_missing = tft.impute(inputs["x"], "median")
    ...     return {"x": filled, "was_missing": was_missing}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table().to_pydict()
    {'x': [1.0, 3.0, 3.0, 8.0], 'was_missing': [0, 1, 0, 0]}
    """
    if strategy not in get_args(Strategy):
        raise TransformError(
            f"strategy of tft.impute is one of {', '.join(get_args(Strategy))}",
            got=repr(strategy),
            fix=did_you_mean(str(strategy), get_args(Strategy)),
        )
    if (strategy == "constant") != (fill_value is not None):
        raise TransformError(
            "tft.impute takes fill_value with strategy='constant', and only then",
            got=f"{strategy!r} and {fill_value!r}",
        )
    x = (
        column(x, "impute", "number")
        if strategy in ("mean", "median")
        else column(x, "impute", "number", "text", "truth")
    )
    x = _of_known_length(x, "impute")
    data, mask = data_and_mask(x)
    value: Any = fill_value
    if strategy in ("mean", "median"):
        value = analyzers.mean(x) if strategy == "mean" else analyzers.quantiles(x, 2)[0]
        data = data.astype(ndx.float64)
    elif strategy == "most_frequent":
        value = analyzers.mode(x, "impute")
    else:
        _check_fill(x, fill_value)
    absent = mask
    if "float" in str(data.dtype):
        absent = ndx.isnan(data) if absent is None else absent | ndx.isnan(data)
    if absent is None:
        return data, ndx.broadcast_to(literal(False), data.dynamic_shape)
    filling = value if isinstance(value, ndx.Array) else ndx.asarray(value)
    return ndx.where(absent, filling.astype(data.dtype), data), absent


def is_missing(x: ndx.Array) -> ndx.Array:
    """Return True where a value is missing; NaN is not missing.

    Returns
    -------
    ndonnx.Array
        Truth values of the shape of ``x``, never missing. Of lists of any length, also what lies behind the end
        of a list is missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a", None]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.is_missing(inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, 1]
    """
    x = column(x, "is_missing")
    if kind_of(x) == "time":
        return ndx.isnan(x)
    mask = data_and_mask(x)[1]
    return ndx.broadcast_to(literal(False), x.dynamic_shape) if mask is None else mask


def is_missing_list(x: ndx.Array) -> ndx.Array:
    """Return True where a row of the data has no list at all, rather than an empty one.

    Parameters
    ----------
    x
        A column of lists as the data has it: ``inputs["name"]``.

    Returns
    -------
    ndonnx.Array
        Truth values ``[N]``, never missing. ``tft.is_missing`` says it of the items.

    Raises
    ------
    TransformError
        If lists are made of something else: then there is an empty list where that is missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [["a"], [], None]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.is_missing_list(inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, 0, 1]
    """
    x = column(x, "is_missing_list")
    known = current_trace("is_missing_list").lists
    (info, *_) = infos(x)
    if info not in known:
        raise TransformError(
            "tft.is_missing_list takes a column of lists as the data has it",
            got=f"a column of {x.dtype} of {x.ndim} dimensions",
            fix="Call it with inputs['name'], before anything else is done to the lists",
        )
    mask = known[info]
    return ndx.broadcast_to(literal(False), x.dynamic_shape[:1]) if mask is None else mask


def isin(x: ndx.Array, values: Sequence[str] | Sequence[int] | Sequence[float]) -> ndx.Array:
    """Return True where a value is one of ``values``; a missing value is none of them.

    Returns
    -------
    ndonnx.Array
        Truth values of the shape of ``x``, never missing; but of lists of any length,
        missing where they have no item.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a", "b", None]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.isin(inputs["x"], ["b", "c"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, 1, 0]
    """
    x = column(x, "isin", "text", "number")
    wanted: list[Any] = list(values)
    texts = [isinstance(value, str) for value in wanted]
    if not wanted or any(text != (kind_of(x) == "text") for text in texts):
        raise TransformError(
            "tft.isin compares a column with values of its own type, at least one", got=f"{wanted!r} for {x.dtype}"
        )
    found = nde.isin(x, wanted)
    # Behind the end of a list there is nothing that could be False.
    return with_mask(found, data_and_mask(x)[1]) if _has_no_known_length(x) else found
