"""Numbers of each list, put together."""

from __future__ import annotations

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v21 as op

from headrace.transform.checks import data_and_mask, positive, with_mask
from headrace.transform.lists import item_mask, list_column
from headrace.transform.operators import const, literal

__all__ = ["list_max", "list_mean", "list_min", "list_sum", "list_top"]


def _row_sum(x: ndx.Array) -> ndx.Array:
    """Add up each row ``[N, M]`` from left to right.

    A reduction would add a row alone in another order than the row in a batch; a cumulative sum does not, and noughts
    at the end of a row change nothing.
    """
    sums = op17.cumsum(x.unwrap_spox(), const(np.int64(1)))
    return ndx.asarray(op17.gather(sums, const(np.int64(-1)), axis=1))


def _numbers(x: ndx.Array, function: str, absent: float) -> tuple[ndx.Array, ndx.Array]:
    present = item_mask(list_column(x, function, "number"))
    numbers = data_and_mask(x)[0].astype(ndx.float64)
    # Of -0.0 and 0.0 it would depend on the lists beside it which one is the sum, or the largest.
    numbers = ndx.where(numbers == literal(0.0), literal(0.0), numbers)
    return ndx.where(present, numbers, literal(absent)), present


def list_sum(x: ndx.Array) -> ndx.Array:
    """Add up the items of each list, from left to right.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``, never missing: 0 for an empty list, NaN where an item is NaN.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["1;2.5", ""]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.list_sum(tft.parse_number(tft.split(inputs["x"], ";")))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [3.5, 0.0]
    """
    return _row_sum(_numbers(x, "list_sum", 0.0)[0])


def list_mean(x: ndx.Array) -> ndx.Array:
    """Return the mean of the items of each list: ``list_sum(x) / list_length(x)``.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``; missing for an empty list, where lists may be empty.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"a": [1.0, 2.0], "b": [2.0, 4.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.list_mean(tft.stack([inputs["a"], inputs["b"]]))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1.5, 3.0]
    """
    numbers, present = _numbers(x, "list_mean", 0.0)
    count = ndx.sum(present.astype(ndx.int64), axis=1)
    empty = count == 0
    found = _row_sum(numbers) / ndx.where(empty, literal(1), count).astype(ndx.float64)
    return with_mask(found, empty if data_and_mask(x)[1] is not None else None)


def list_max(x: ndx.Array) -> ndx.Array:
    """Return the largest item of each list.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``; missing for an empty list, where lists may be empty.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"a": [1.0, 5.0], "b": [2.0, 4.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.list_max(tft.stack([inputs["a"], inputs["b"]]))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [2.0, 5.0]
    """
    numbers, present = _numbers(x, "list_max", -np.inf)
    return with_mask(ndx.max(numbers, axis=1), ~ndx.any(present, axis=1) if data_and_mask(x)[1] is not None else None)


def list_min(x: ndx.Array) -> ndx.Array:
    """Return the smallest item of each list.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``; missing for an empty list, where lists may be empty.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"a": [1.0, 5.0], "b": [2.0, 4.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.list_min(tft.stack([inputs["a"], inputs["b"]]))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1.0, 4.0]
    """
    numbers, present = _numbers(x, "list_min", np.inf)
    return with_mask(ndx.min(numbers, axis=1), ~ndx.any(present, axis=1) if data_and_mask(x)[1] is not None else None)


def list_top(x: ndx.Array, k: int) -> ndx.Array:
    """Return the ``k`` largest items of each list, the largest first.

    Returns
    -------
    ndonnx.Array
        float64 ``[N, k]``; missing where a list has fewer items. NaN counts as smaller than any number.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["1 3 2", "5"]}
    >>> def preprocessing_fn(inputs):
    ...     return {"y": tft.pad_lists(tft.list_top(tft.parse_number(tft.split(inputs["x"])), 2), 2, -1.0)}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["y"].to_pylist()
    [[3.0, 2.0], [5.0, -1.0]]
    """
    positive(k, "list_top", "k")
    numbers, present = _numbers(x, "list_top", -np.inf)
    numbers = ndx.where(ndx.isnan(numbers), literal(-np.inf), numbers)
    wide = op.pad(numbers.unwrap_spox(), const(np.array([0, 0, 0, k])), const(np.float64(-np.inf)))
    top, _ = op17.top_k(wide, const(np.array([k])), axis=1, largest=1, sorted=1)
    count = ndx.sum(present.astype(ndx.int64), axis=1)
    # The shape says the length outright, so that what is missing may be filled.
    top = op.reshape(top, const(np.array([-1, k])))
    return with_mask(ndx.asarray(top), literal(np.arange(k))[None, :] >= count[:, None])
