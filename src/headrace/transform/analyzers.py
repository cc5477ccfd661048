"""Analyzers: values that need a full pass over the data.

All of them leave missing values and NaN out. Inside a preprocessing function their results are used like numbers;
the value is filled in before the graph is finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np

from headrace.errors import TransformError
from headrace.transform.accumulators import (
    CustomAnalyzer,
    CustomRowAnalyzer,
    Extremes,
    ModeAnalyzer,
    Moments,
    QuantilesAnalyzer,
    SizeAnalyzer,
    SumAnalyzer,
    WeightedQuantilesAnalyzer,
)
from headrace.transform.callables import UserFunction
from headrace.transform.checks import column, data_and_mask, kind_of, positive, with_mask
from headrace.transform.keyed import KeyCounts
from headrace.transform.operators import literal
from headrace.transform.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from headrace.transform.accumulators import Accumulator, Analyzer

__all__ = [
    "apply_analyzer",
    "as_key",
    "count_per_key",
    "found",
    "known_width",
    "max",
    "mean",
    "min",
    "mode",
    "of_size",
    "quantiles",
    "quantiles_at",
    "reduced",
    "size",
    "sum",
    "var",
]


def found(
    analyzer: Analyzer,
    columns: Sequence[ndx.Array],
    function: str,
    shape: tuple[int | None, ...],
    dtype: ndx.DType[Any],
    value_of: Callable[[Any], Any],
) -> ndx.Array:
    """Return what an analyzer finds as an array, or an array in its place."""
    trace = current_trace(function)
    call = trace.call(analyzer, *columns)
    if call.is_open:
        return trace.stand_in(shape, dtype, columns, f"tft.{function}")
    return literal(np.asarray(value_of(call.value), dtype.unwrap_numpy()))


def reduced(
    analyzer: Analyzer,
    x: ndx.Array,
    field: str | None,
    dtype: ndx.DType[Any],
    function: str,
    *,
    reduce_instance_dims: bool,
) -> ndx.Array:
    """Return what an analyzer finds of all values, or one value for each place of ``[N, k]``."""

    def value_of(value: Any) -> Any:
        return value if field is None else value[field]

    if reduce_instance_dims or x.ndim == 1:
        return found(analyzer, [x], function, (), dtype, value_of)
    width = known_width(x, function)
    places = [found(analyzer, [x[:, place]], function, (), dtype, value_of) for place in range(width)]
    return ndx.concat([place[None] for place in places])


def known_width(x: ndx.Array, function: str) -> int:
    """Return how many values a row has.

    Raises
    ------
    TransformError
        If it is not a known number.
    """
    width = x.shape[1] if x.ndim == 2 else None
    if width is None:
        raise TransformError(
            f"tft.{function} takes rows of a known number of values",
            got="one value a row" if x.ndim == 1 else "lists of any length",
            fix="Put columns side by side with tft.stack, or cut lists to one length with tft.pad_lists",
        )
    return int(width)


def _number_type(x: ndx.Array) -> ndx.DType[Any]:
    return ndx.float64 if "float" in str(x.dtype) else ndx.int64


def mean(x: ndx.Array, reduce_instance_dims: bool = True) -> ndx.Array:
    """Return the mean of a numeric column: ``sum(x) / n`` over all values that are neither missing nor NaN.

    Parameters
    ----------
    x
        Numbers ``[N]``, or lists ``[N, k]``.
    reduce_instance_dims
        For lists: one value over all places of all rows, rather than one for each place.

    Returns
    -------
    ndonnx.Array
        A float64 scalar, or ``[k]``.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 2.0, 6.0, None]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.fill_missing(inputs["x"], tft.mean(inputs["x"]))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1.0, 2.0, 6.0, 3.0]
    """
    x = column(x, "mean", "number")
    return reduced(Moments(), x, "mean", ndx.float64, "mean", reduce_instance_dims=reduce_instance_dims)


def var(x: ndx.Array, reduce_instance_dims: bool = True) -> ndx.Array:
    """Return the population variance of a numeric column: ``sum((x - mean)**2) / n``; exactly 0 where all are equal.

    Parameters
    ----------
    x
        Numbers ``[N]``, or lists ``[N, k]``; missing values and NaN are left out.
    reduce_instance_dims
        For lists: one value over all places of all rows, rather than one for each place.

    Returns
    -------
    ndonnx.Array
        A float64 scalar, or ``[k]``.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1.0, 2.0, 6.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": inputs["x"] * 0.0 + tft.var(inputs["x"])})
    >>> graph.analyzers[0].value["var"]
    4.666666666666667
    """
    x = column(x, "var", "number")
    return reduced(Moments(), x, "var", ndx.float64, "var", reduce_instance_dims=reduce_instance_dims)


def min(x: ndx.Array, reduce_instance_dims: bool = True) -> ndx.Array:  # noqa: A001 - the name that users know
    """Return the smallest value of a numeric column, as an int64 or float64 scalar (or ``[k]``, see ``tft.mean``).

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [3, None, 5]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.fill_missing(inputs["x"], tft.min(inputs["x"]))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [3, 3, 5]
    """
    x = column(x, "min", "number")
    return reduced(Extremes(), x, "min", _number_type(x), "min", reduce_instance_dims=reduce_instance_dims)


def max(x: ndx.Array, reduce_instance_dims: bool = True) -> ndx.Array:  # noqa: A001 - the name that users know
    """Return the largest value of a numeric column, as an int64 or float64 scalar (or ``[k]``, see ``tft.mean``).

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [3, None, 5]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.fill_missing(inputs["x"], tft.max(inputs["x"]))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [3, 5, 5]
    """
    x = column(x, "max", "number")
    return reduced(Extremes(), x, "max", _number_type(x), "max", reduce_instance_dims=reduce_instance_dims)


def sum(x: ndx.Array, reduce_instance_dims: bool = True) -> ndx.Array:  # noqa: A001 - the name that users know
    """Return the sum of a numeric column, as an int64 or float64 scalar (or ``[k]``, see ``tft.mean``).

    Exact for integers; for floats the float64 nearest to the exact sum, in any order of adding. 0 where there is no
    value.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1e16, 1.0, -1e16]}
    >>> tft.analyze(data, lambda inputs: {"y": inputs["x"] - tft.sum(inputs["x"])}).analyzers[0].value
    1.0
    """
    x = column(x, "sum", "number")
    return reduced(SumAnalyzer(), x, None, _number_type(x), "sum", reduce_instance_dims=reduce_instance_dims)


def size(x: ndx.Array, reduce_instance_dims: bool = True) -> ndx.Array:
    """Return how many values of a column are neither missing nor NaN, as an int64 scalar (or ``[k]``).

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a", None, "b"], "n": [1, 2, 3]}
    >>> tft.analyze(data, lambda inputs: {"y": inputs["n"] / tft.size(inputs["x"])}).analyzers[0].value
    2
    """
    x = column(x, "size", "number", "text", "truth")
    return reduced(SizeAnalyzer(), x, None, ndx.int64, "size", reduce_instance_dims=reduce_instance_dims)


def mode(x: ndx.Array, function: str) -> ndx.Array:
    """Return the most frequent value of a column, of equally frequent ones the smallest, for a mapper."""
    dtype = data_and_mask(x)[0].dtype
    return found(ModeAnalyzer(), [x], function, (), dtype, lambda value: value["value"])


def quantiles(x: ndx.Array, num_buckets: int, weights: ndx.Array | None = None) -> ndx.Array:
    """Return the boundaries that cut a numeric column into ``num_buckets`` parts of equal size.

    Parameters
    ----------
    x
        Numbers; missing values and NaN are left out.
    num_buckets
        At least 2.
    weights
        Numbers, one for each row: parts have equal weight then. A row whose weight is missing, NaN, 0 or negative is
        left out.

    Returns
    -------
    ndonnx.Array
        float64 ``[num_buckets - 1]``, ascending, with repetitions where many values are equal. Without weights,
        interpolated linearly as ``numpy.quantile``: exact up to 100,000 distinct values, beyond that within 0.1 % of
        the rank. With weights, the smallest value with at least that share of the weight (``numpy.quantile`` with
        ``method="inverted_cdf"``), in memory that grows with the number of distinct values.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1, 2, 3, 4, 5]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.apply_buckets(inputs["x"], tft.quantiles(inputs["x"], 2))})
    >>> graph.analyzers[0].value
    [3.0]
    """
    x = column(x, "quantiles", "number")
    positive(num_buckets, "quantiles", "num_buckets", 2)
    if weights is None:
        return found(QuantilesAnalyzer(num_buckets), [x], "quantiles", (num_buckets - 1,), ndx.float64, np.array)
    weights = column(weights, "quantiles", "number")
    analyzer = WeightedQuantilesAnalyzer(num_buckets)
    return found(analyzer, [x, weights], "quantiles", (num_buckets - 1,), ndx.float64, np.array)


def quantiles_at(x: ndx.Array, at: tuple[float, ...], function: str) -> ndx.Array:
    """Return the quantiles of a column at fractions, for a mapper."""
    return found(QuantilesAnalyzer(at=at), [x], function, (len(at),), ndx.float64, np.array)


def count_per_key(key: ndx.Array) -> tuple[ndx.Array, ndx.Array]:
    """Return the distinct values of a column of texts or integers, and how often each occurs.

    Returns
    -------
    tuple of ndonnx.Array
        Keys ``[K]``, texts in the order of their code points or int64 in ascending order, and counts, int64 ``[K]``.
        Exact; a missing key is left out.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["b", "a", "b"]}
    >>> def preprocessing_fn(inputs):
    ...     keys, counts = tft.count_per_key(inputs["x"])
    ...     return {"y": tft.apply_vocabulary(inputs["x"], ["a", "b"]) * tft.size(keys)}
    >>> tft.analyze(data, preprocessing_fn).analyzers[0].value
    {'keys': ['a', 'b'], 'count': [1, 2]}
    """
    key = as_key(key, "count_per_key")
    integers = kind_of(key) == "number"
    analyzer = KeyCounts(integers)
    dtype = ndx.int64 if integers else ndx.utf8
    keys = found(analyzer, [key], "count_per_key", (None,), dtype, lambda value: value["keys"])
    counts = found(analyzer, [key], "count_per_key", (None,), ndx.int64, lambda value: value["count"])
    return keys, counts


def as_key(key: ndx.Array, function: str) -> ndx.Array:
    """Return a column that may be a key: of texts, integers or truth values (as 0 and 1)."""
    key = column(key, function, "text", "number", "truth")
    if "float" in str(key.dtype):
        raise TransformError(
            f"tft.{function} takes texts or integers as keys",
            got=f"a column of {key.dtype}",
            fix="Make ids of floats with tft.bucketize",
        )
    if kind_of(key) == "truth":
        data, mask = data_and_mask(key)
        return with_mask(data.astype(ndx.int64), mask)
    return key


def of_size(counts: list[int], size: int) -> NDArray[np.int64]:
    """Return counts of the ids of ``[0, size)``."""
    return np.array([*counts[:size], *[0] * (size - len(counts))], np.int64)


def apply_analyzer(
    make_accumulator: Callable[[], Accumulator],
    *columns: ndx.Array,
    dtype: ndx.DType[Any] = ndx.float64,
    shape: tuple[int | None, ...] = (),
) -> ndx.Array:
    """Run an analyzer of your own over the data.

    Parameters
    ----------
    make_accumulator
        A class, or a function, that returns an empty accumulator: an object with ``update(*arrays)``, ``merge(other)``
        and ``result()``, which can be pickled where an engine sends it to other processes. ``update`` is given NumPy
        arrays of some rows, one for each column; rows in which any of them is missing or NaN are left out.
    columns
        What to look at. Of lists of one length, ``update`` is given matrices; of lists that differ in length, items one
        by one, with the values of their rows beside them.
    dtype
        Type of the result: ``ndonnx.float64``, ``ndonnx.int64``, ``ndonnx.bool`` or ``ndonnx.utf8``.
    shape
        Shape of the result; None for a dimension that is not known.

    Returns
    -------
    ndonnx.Array
        What ``result`` returned. If it returned None, there was nothing to see, and the analysis stops.

    Raises
    ------
    TransformError
        If no column is given.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace import transform as tft
    >>> class Range:
    ...     def __init__(self):
    ...         self.low, self.high = float("inf"), float("-inf")
    ...     def update(self, x):
    ...         self.low, self.high = np.minimum(self.low, x.min()), np.maximum(self.high, x.max())
    ...     def merge(self, other):
    ...         self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
    ...     def result(self):
    ...         return self.high - self.low
    >>> data = {"x": [1.0, 5.0, 2.0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": inputs["x"] / tft.apply_analyzer(Range, inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0.25, 1.25, 0.5]
    """
    if not columns:
        raise TransformError("tft.apply_analyzer takes at least one column", got="none")
    if not callable(make_accumulator):
        raise TransformError(
            "tft.apply_analyzer takes what makes an accumulator first, then columns",
            got=type(make_accumulator).__name__,
        )
    given = [column(x, "apply_analyzer") for x in columns]
    rows = any(x.ndim > 1 for x in given) and not any(x.ndim > 1 and data_and_mask(x)[1] is not None for x in given)
    kind = CustomRowAnalyzer if rows else CustomAnalyzer
    analyzer = kind(UserFunction(make_accumulator), str(dtype))
    return found(analyzer, given, "apply_analyzer", shape, dtype, np.asarray)
