"""Mappers that turn categories into numbers, and numbers that go round into places on a circle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.v17 as op17

from headrace.errors import TransformError
from headrace.transform.analyzers import as_key
from headrace.transform.checks import column, data_and_mask, is_text, positive, with_mask
from headrace.transform.keyed import KeyCounts, TargetSums
from headrace.transform.operators import concat_strings, const, literal, murmur_hash
from headrace.transform.searching import group_of, taken
from headrace.transform.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["cyclic", "embedding_lookup", "frequency_encode", "target_encode"]


def frequency_encode(x: ndx.Array, *, normalize: bool = True) -> ndx.Array:
    """Replace each category by how frequent it is.

    Parameters
    ----------
    x
        Texts or integers ``[N]``.
    normalize
        Give shares of the rows that have a value, ``count(x) / n``, rather than counts.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``; 0 for a category that was not seen. Missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a", "b", "a", "a"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.frequency_encode(inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0.75, 0.25, 0.75, 0.75]
    """
    name = "frequency_encode"
    x = as_key(x, name)
    trace = current_trace(name)
    call = trace.call(KeyCounts(), x)
    data, mask = data_and_mask(x)
    if call.is_open:
        return trace.stand_in(data.shape, ndx.float64 if mask is None else ndx.nfloat64, [x], f"tft.{name}")
    counts = np.array([*call.value["count"], 0], np.float64)
    table = counts / counts.sum() if normalize else counts
    return with_mask(taken(table, group_of(data, call.value["keys"])), mask)


def target_encode(
    x: ndx.Array,
    label: ndx.Array,
    *,
    fold_by: ndx.Array | Sequence[ndx.Array],
    folds: int = 5,
    smoothing: float = 10.0,
) -> ndx.Array:
    """Replace each category by the mean of the label over its rows, drawn towards the mean over all rows.

    ``(sum of the label in the category + smoothing * mean of the label) / (rows of the category + smoothing)``

    A category's mean has the label of every one of its rows in it. A model that learns from such means sees through
    them to the label, and trusts them more than it may. So the rows that are learnt from get another value: the same
    formula over all rows but those of the row's own fold. Folds are by a hash of ``fold_by``. One graph cannot know
    whether a row is learnt from; therefore a transform with this function has a second graph, which
    ``graph.transform(source, training=True)`` applies. The graph that is served, and that other data goes through,
    has the means over all rows.

    Parameters
    ----------
    x
        Texts or integers ``[N]``; rows in which it is missing are a category of their own.
    label
        Numbers or truth values ``[N]``; rows in which it is missing or NaN are left out.
    fold_by
        A column, or several, of texts or integers that tell rows apart, such as an id. Equal rows share a fold.
    folds
        How many, at least 2.
    smoothing
        How many rows of the overall mean are added to each category, at least 0.

    Returns
    -------
    ndonnx.Array
        float64 ``[N]``, never missing; the overall mean for a category that was not seen.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"id": [1, 2, 3, 4], "x": ["a", "a", "b", "b"], "bought": [1, 0, 1, 1]}
    >>> def preprocessing_fn(inputs):
    ...     return {"y": tft.target_encode(inputs["x"], inputs["bought"], fold_by=inputs["id"], smoothing=1.0)}
    >>> graph = tft.analyze(data, preprocessing_fn)
    >>> [round(value, 4) for value in graph.transform(data).to_table()["y"].to_pylist()]
    [0.5833, 0.5833, 0.9167, 0.9167]
    """
    name = "target_encode"
    x, label = as_key(x, name), column(label, name, "number", "truth")
    positive(folds, name, "folds", 2)
    if isinstance(smoothing, bool) or not isinstance(smoothing, int | float) or not smoothing >= 0:
        raise TransformError(f"smoothing of tft.{name} is a number of at least 0", got=smoothing)
    columns = [fold_by] if isinstance(fold_by, ndx.Array) else list(fold_by)
    fold = _fold([as_key(each, name) for each in columns], folds)
    data, mask = data_and_mask(x)
    absent = ndx.broadcast_to(literal(False), data.dynamic_shape) if mask is None else mask
    trace = current_trace(name)
    value, absent_label = data_and_mask(label)
    numbers = with_mask(value.astype(ndx.float64), absent_label)
    call = trace.call(TargetSums(folds), data, absent, numbers, fold)
    trace.training_differs = True
    if call.is_open:
        # The label is no source of what is served or learnt from, so that the search for leaks lets it pass.
        return trace.stand_in(("N",), ndx.float64, [x, fold], f"tft.{name}")
    keys = call.value["keys"]
    place = group_of(x, keys, len(keys))
    counts, sums = np.array(call.value["counts"], np.float64), np.array(call.value["sums"], np.float64)
    # The group of missing keys stands behind the others, and has a place of its own; unseen keys come last.
    if mask is not None:
        place = ndx.where(
            absent, ndx.asarray(len(keys)), ndx.where(place == len(keys), ndx.asarray(len(keys) + 1), place)
        )
    else:
        place = ndx.where(place == len(keys), ndx.asarray(len(keys) + 1), place)
    if not trace.training:
        return taken(_means(counts.sum(axis=1), sums.sum(axis=1), smoothing), place)
    others = [
        _means(np.delete(counts, each, axis=1).sum(axis=1), np.delete(sums, each, axis=1).sum(axis=1), smoothing)
        for each in range(folds)
    ]
    return taken(np.stack(others, axis=1).ravel(), place * folds + fold)


def _means(counts: NDArray[np.float64], sums: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    """Return the smoothed mean of each group, and the overall mean behind them."""
    total = counts.sum()
    overall = sums.sum() / total if total else 0.0
    counts, sums = np.append(counts, 0.0), np.append(sums, 0.0)
    weight = counts + smoothing
    return np.where(weight > 0.0, (sums + smoothing * overall) / np.where(weight > 0.0, weight, 1.0), overall)


def _fold(columns: list[ndx.Array], folds: int) -> ndx.Array:
    if not columns:
        raise TransformError("tft.target_encode takes at least one column in fold_by", got="none")
    joined: Any = None
    for each in columns:
        data, mask = data_and_mask(each)
        texts = data if is_text(data) else data.astype(ndx.utf8)
        if mask is not None:
            texts = ndx.where(mask, literal(""), texts)
        joined = texts.unwrap_spox() if joined is None else concat_strings(joined, "\x1f", texts.unwrap_spox())
    return ndx.asarray(murmur_hash(joined, seed=1)) % folds


def cyclic(x: ndx.Array, period: float) -> ndx.Array:
    """Put numbers that go round, such as hours or weekdays, onto a circle: ``(sin(2 pi x / period), cos(…))``.

    Parameters
    ----------
    x
        Numbers ``[N]``.
    period
        What comes back to its beginning: 24 for hours, 7 for weekdays, 12 for months.

    Returns
    -------
    ndonnx.Array
        float64 ``[N, 2]``, sine and cosine; exactly 0, 1 or -1 at quarters of the period, where rounding the angle to
        float64 would leave a rest. Missing stays missing; NaN for NaN and infinities.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"hour": [0, 6, 12, 23]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.cyclic(inputs["hour"], 24)})
    >>> [[round(value, 4) for value in row] for row in graph.transform(data).to_table()["y"].to_pylist()]
    [[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-0.2588, 0.9659]]
    """
    x = column(x, "cyclic", "number")
    if isinstance(period, bool) or not isinstance(period, int | float) or not 0 < period < math.inf:
        raise TransformError("period of tft.cyclic is a positive number", got=period)
    if x.ndim != 1:
        raise TransformError("tft.cyclic takes one value a row", got=f"{x.ndim} dimensions")
    data, mask = data_and_mask(x)
    share = data.astype(ndx.float64) / float(period)
    share = share - ndx.floor(share)
    # A turn has eight parts; the polynomials are for the part about nought, and turned by quarters.
    quarter = ndx.floor(share * 4.0 + 0.5)
    angle = (share - quarter / 4.0) * (2.0 * math.pi)
    sine, cosine = _series(angle, 1), _series(angle, 0)
    place = quarter - ndx.floor(quarter / 4.0) * 4.0
    sines = ndx.where(place == 0.0, sine, ndx.where(place == 1.0, cosine, ndx.where(place == 2.0, -sine, -cosine)))
    cosines = ndx.where(place == 0.0, cosine, ndx.where(place == 1.0, -sine, ndx.where(place == 2.0, -cosine, sine)))
    found = ndx.concat([sines[:, None], cosines[:, None]], axis=1)
    # A negative nought is another number to some readers.
    found = found + 0.0
    if mask is None:
        return found
    return with_mask(found, ndx.concat([mask[:, None], mask[:, None]], axis=1))


def _series(x: ndx.Array, first: int) -> ndx.Array:
    """Return sine (1) or cosine (0) by their power series, whose rest is below 1e-17 for an eighth of a turn.

    ONNX Runtime's own kernels round a row alone in another way than the same row in a batch.
    """
    square = x * x
    powers = range(first + 18, first - 1, -2)
    value = square * 0.0
    for power in powers:
        value = value * square + (-1.0) ** (power // 2) / math.factorial(power)
    return value * x if first else value


def embedding_lookup(ids: ndx.Array, table: ArrayLike, *, combiner: Literal["sum", "mean"] = "mean") -> ndx.Array:
    """Look ids up in a given table of vectors.

    Parameters
    ----------
    ids
        Integer ids ``[N]``, or lists ``[N, M]`` of them.
    table
        Numbers ``[V, D]``: the vector of each id. They become a part of the graph.
    combiner
        What is made of the vectors of a list.

    Returns
    -------
    ndonnx.Array
        float64 ``[N, D]``, never missing: noughts for a missing id, one outside ``[0, V)`` and an empty list. Such ids
        count in no mean.

    Raises
    ------
    TransformError
        If the table is not a matrix of finite numbers.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a", "b", "?"]}
    >>> vectors = [[1.0, 2.0], [3.0, 4.0]]
    >>> graph = tft.analyze(
    ...     data, lambda inputs: {"y": tft.embedding_lookup(tft.apply_vocabulary(inputs["x"], ["a", "b"]), vectors)}
    ... )
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]
    """
    name = "embedding_lookup"
    ids = column(ids, name, "number", "truth")
    data, mask = data_and_mask(ids)
    known = np.asarray(table)
    if "float" in str(data.dtype) or data.ndim > 2:
        raise TransformError(f"tft.{name} takes integer ids", got=f"{ids.dtype} of {data.ndim} dimensions")
    if known.ndim != 2 or known.size == 0 or known.dtype.kind not in "fiu" or not np.isfinite(known).all():
        raise TransformError(
            f"The table of tft.{name} is a matrix of finite numbers", got=f"{known.dtype} of shape {list(known.shape)}"
        )
    if combiner not in ("sum", "mean"):
        raise TransformError(f"combiner of tft.{name} is 'sum' or 'mean'", got=combiner)
    numbers = data.astype(ndx.int64)
    inside = (numbers >= 0) & (numbers < known.shape[0])
    if mask is not None:
        inside = inside & ~mask
    rows = np.concatenate([known, np.zeros((1, known.shape[1]), known.dtype)]).astype(np.float32)
    rows = rows if np.array_equal(rows[:-1], known) else np.concatenate([known, np.zeros((1, known.shape[1]))])
    vectors = taken(rows, ndx.where(inside, numbers, literal(known.shape[0]))).astype(ndx.float64)
    if data.ndim == 1:
        return vectors
    # From left to right: a reduction would add a row alone in another order than the row in a batch.
    sums = op17.cumsum(vectors.unwrap_spox(), const(np.int64(1)))
    total = ndx.asarray(op17.gather(sums, const(np.int64(-1)), axis=1))
    if combiner == "sum":
        return total
    count = ndx.sum(inside.astype(ndx.int64), axis=1)
    return total / ndx.where(count == 0, literal(1), count).astype(ndx.float64)[:, None]
