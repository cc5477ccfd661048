"""Lists: several values a row.

A list column is an array ``[N, M]``: a column of lists in the data, or made of texts and columns. Where lists differ in
length it is nullable, and what lies behind the end of a row's list is missing; ``M`` is at least the length of the
longest list of a batch. An item that is missing in the data is missing in its place, and a list that is missing has no
items. Analyzers leave what is missing out, so they see the items of all lists; so do the functions here, but for
``tft.pad_lists``, which puts a value in its place. An output has lists of one length: ``tft.pad_lists``,
``tft.multi_hot``, or one of the functions that give one value for each list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v18 as op18
import spox.opset.ai.onnx.v19 as op19
import spox.opset.ai.onnx.v21 as op

from headrace.errors import TransformError
from headrace.transform.checks import column, data_and_mask, is_text, kind_of, positive, with_mask
from headrace.transform.lineage import infos
from headrace.transform.operators import const, literal
from headrace.transform.trace import Domain, current_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spox import Var

    from headrace.transform.checks import Kind

__all__ = [
    "deduplicate_per_row",
    "item_counts",
    "item_mask",
    "left_aligned",
    "list_column",
    "list_length",
    "multi_hot",
    "pad_lists",
    "segment_indices",
    "stack",
]

_FAR = np.iinfo(np.int64).max // 4


def list_column(x: ndx.Array, function: str, *kinds: Kind) -> ndx.Array:
    """Return ``x`` if it is a list column of one of the kinds.

    Raises
    ------
    TransformError
        Otherwise.
    """
    x = column(x, function, *kinds)
    if x.ndim != 2:
        raise TransformError(
            f"tft.{function} takes lists",
            got="one value a row" if x.ndim == 1 else f"{x.ndim} dimensions",
            fix="Give a column of lists, or make lists of texts with tft.split, and of columns with tft.stack",
        )
    return x


def item_mask(x: ndx.Array) -> ndx.Array:
    """Return True where a list has an item, ``[N, M]``."""
    data, mask = data_and_mask(x)
    present: ndx.Array = ndx.broadcast_to(literal(True), data.dynamic_shape) if mask is None else ~mask
    return present


def _width(x: Var) -> Var:
    return op.shape(x, start=1, end=2)


def _places(x: Var) -> Var:
    """Return 0, 1, … M - 1, as int64 ``[M]``."""
    nought, one = const(np.int64(0)), const(np.int64(1))
    return op17.range(nought, op.squeeze(_width(x), const(np.array([0]))), one)


def _sorted(keys: Var) -> tuple[Var, Var]:
    """Sort each row of int64 keys in ascending order; return keys and places."""
    return op17.top_k(keys, _width(keys), axis=1, largest=0, sorted=1)


def left_aligned(values: Var, keep: Var) -> tuple[Var, Var]:
    """Move what is kept of each row to its front, in its order; return values and where there are any."""
    places = _places(values)
    keys = op17.where(keep, places, op17.add(places, _width(values)))
    _, order = _sorted(keys)
    return op17.gather_elements(values, order, axis=1), op17.gather_elements(keep, order, axis=1)


def stack(columns: Sequence[ndx.Array]) -> ndx.Array:
    """Put columns side by side: a list of one length for each row.

    Parameters
    ----------
    columns
        Columns ``[N]`` of one kind; numbers of different types become float64.

    Returns
    -------
    ndonnx.Array
        ``[N, k]``; missing where a column is.

    Raises
    ------
    TransformError
        If there is no column, or they are of different kinds.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"a": [1, 2], "b": [3, 4]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.stack([inputs["a"], inputs["b"]])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [[1, 3], [2, 4]]
    """
    given = [column(x, "stack") for x in columns]
    kinds = {kind_of(x) for x in given}
    if len(kinds) != 1 or any(x.ndim != 1 for x in given):
        raise TransformError(
            "tft.stack takes columns of one kind, with one value a row, at least one",
            got=", ".join(f"{x.dtype} of {x.ndim} dimensions" for x in given) or "none",
        )
    parts = [data_and_mask(x) for x in given]
    if len({str(data.dtype) for data, _ in parts}) > 1:
        parts = [(data.astype(ndx.float64), mask) for data, mask in parts]
    together = ndx.concat([data[:, None] for data, _ in parts], axis=1)
    if all(mask is None for _, mask in parts):
        return together
    masks = [ndx.broadcast_to(literal(False), data.dynamic_shape) if m is None else m for data, m in parts]
    return with_mask(together, ndx.concat([mask[:, None] for mask in masks], axis=1))


def list_length(x: ndx.Array) -> ndx.Array:
    """Return how many items each list has.

    Returns
    -------
    ndonnx.Array
        int64 ``[N]``, never missing: 0 for an empty list and for one that is missing. Missing items do not count.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a b", "", None]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.list_length(tft.split(inputs["x"]))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [2, 0, 0]
    """
    return ndx.asarray(_lengths(list_column(x, "list_length")))


def _lengths(x: ndx.Array) -> Var:
    """Return how many items each list has, int64 ``[N]``."""
    _, mask = data_and_mask(x)
    known = None if mask is None else current_trace("list_length").lengths.get(infos(mask)[0])
    if known is not None:
        return known
    return op17.reduce_sum(op.cast(item_mask(x).unwrap_spox(), to=np.int64), const(np.array([1])), keepdims=0)


def pad_lists(x: ndx.Array, size: int, value: Any) -> ndx.Array:
    """Cut lists to one length, and fill shorter ones up.

    Parameters
    ----------
    x
        Lists ``[N, M]`` of numbers, texts or truth values.
    size
        Items to keep of each.
    value
        What stands behind the end of a shorter list, and in place of a missing item, of the lists' own type.

    Returns
    -------
    ndonnx.Array
        ``[N, size]``, never missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a b c", "b"]}
    >>> def preprocessing_fn(inputs):
    ...     return {"y": tft.pad_lists(tft.compute_and_apply_vocabulary(tft.split(inputs["x"])), 2, -1)}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["y"].to_pylist()
    [[2, 0], [0, -1]]
    """
    x = list_column(x, "pad_lists", "number", "text", "truth")
    positive(size, "pad_lists", "size")
    data, mask = data_and_mask(x)
    fits = isinstance(value, str) == is_text(x) and isinstance(value, str | int | float)
    if not fits or (isinstance(value, float) and "float" not in str(data.dtype)):
        raise TransformError("tft.pad_lists fills with a value of the lists' own type", got=f"{value!r} for {x.dtype}")
    if isinstance(value, float):
        # Of 0.0 and -0.0 what fills and what pads would leave different ones.
        value += 0.0
    filling = literal(value if is_text(x) else np.asarray(value, data.dtype.unwrap_numpy()))
    trace = current_trace("pad_lists")
    blank = trace.blanks.get(infos(x))
    filled = data if blank is not None and repr(blank) == repr(value) else ndx.where(item_mask(x), data, filling)
    if is_text(x):
        rows = op.shape(filled.unwrap_spox(), start=0, end=1)
        shape = op17.concat([rows, const(np.array([size]))], axis=0)
        wide = op17.concat([filled.unwrap_spox(), op17.expand(filling.unwrap_spox(), shape)], axis=1)
        cut = op17.slice(wide, const(np.array([0])), const(np.array([size])), const(np.array([1])))
    else:
        # Of one mask that is as wide as they are, columns padded with it share the computation of the width.
        alike = mask if mask is not None and (blank is not None or infos(mask)[0] in trace.lengths) else filled
        # Fewer than none cut the end off.
        more = op17.sub(const(np.array([size])), _width(alike.unwrap_spox()))
        cut = op.pad(
            filled.unwrap_spox(), op17.concat([const(np.zeros(3, np.int64)), more], axis=0), filling.unwrap_spox()
        )
    # The shape says the length outright, so that the graph's output has it.
    found = ndx.asarray(op.reshape(cut, const(np.array([-1, size]))))
    domain = trace.domain(x)
    if domain is None:
        return found
    inside = domain.closed and 0 <= int(value) < domain.num_buckets
    return trace.set_domain(found, Domain(domain.num_buckets, domain.vocabulary, closed=inside))


def deduplicate_per_row(x: ndx.Array) -> ndx.Array:
    """Keep the first of equal items of each list.

    Parameters
    ----------
    x
        Lists ``[N, M]`` of texts or integers.

    Returns
    -------
    ndonnx.Array
        Lists of the same type, their items in the same order.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a b a", "b"]}
    >>> def preprocessing_fn(inputs):
    ...     return {"y": tft.list_length(tft.deduplicate_per_row(tft.split(inputs["x"])))}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["y"].to_pylist()
    [2, 1]
    """
    x = list_column(x, "deduplicate_per_row", "text", "number")
    data, _ = data_and_mask(x)
    if "float" in str(data.dtype):
        raise TransformError("tft.deduplicate_per_row takes texts or integers", got=f"lists of {x.dtype}")
    values, present = data.unwrap_spox(), item_mask(x).unwrap_spox()
    shape = op.shape(values)
    # Numbers in place of values, so that equal ones can be sorted side by side.
    _, _, codes, _ = op17.unique(op.reshape(values, const(np.array([-1]))), sorted=0)
    keys = op17.add(op17.mul(op.reshape(codes, shape), _width(values)), _places(values))
    keys, _ = _sorted(op17.where(present, keys, op17.add(_places(values), const(np.int64(_FAR)))))
    starts = _starts(op17.div(keys, _width(values)))
    places = op17.mod(keys, _width(values))
    # Behind the end of a list keys are large, and say no place of their own: they stand where the rest is left.
    inside = op17.less(keys, const(np.int64(_FAR)))
    places = op17.where(inside, places, op17.sub(keys, const(np.int64(_FAR))))
    keep = op18.scatter_elements(op17.expand(const(np.array(False)), shape), places, op17.and_(starts, inside), axis=1)
    values, present = left_aligned(values, keep)
    return with_mask(ndx.asarray(values), ~ndx.asarray(present))


def _starts(sorted_codes: Var) -> Var:
    """Return True where a code differs from the one before it in its row."""
    first = op17.slice(sorted_codes, const(np.array([0])), const(np.array([1])), const(np.array([1])))
    before = op17.concat(
        [
            op17.sub(first, const(np.int64(1))),
            op17.slice(sorted_codes, const(np.array([0])), const(np.array([-1])), const(np.array([1]))),
        ],
        axis=1,
    )
    return op17.not_(op19.equal(sorted_codes, before))


def item_counts(ids: ndx.Array, size: int) -> tuple[ndx.Array, Var, Var]:
    """Return the distinct ids of each list in ascending order, how often each is in it, and the lists' lengths.

    Ids lie below ``size``, which stands where one is missing. Counts are int64 ``[N, M]``, there of no meaning but not
    negative; lengths are int64 ``[N, 1]``.
    """
    data, mask = data_and_mask(ids)
    far, width = const(np.int64(size)), _width(data.unwrap_spox())
    items = data if mask is None else ndx.where(mask, ndx.asarray(far), data)
    ordered, _ = op17.top_k(items.unwrap_spox(), width, axis=1, largest=0, sorted=1)
    behind = op.pad(ordered, const(np.array([0, -1, 0, 1])), far)
    # Sorted once more, the last of equal ids go to the front, with their places.
    alone = op17.where(op19.equal(ordered, behind), far, ordered)
    values, last = op17.top_k(alone, width, axis=1, largest=0, sorted=1)
    before = op.pad(last, const(np.array([0, 1, 0, -1])), const(np.int64(-1)))
    counts = op17.abs(op17.sub(last, before))
    found = with_mask(ndx.asarray(values), ndx.asarray(values) >= ndx.asarray(far))
    return found, counts, op.unsqueeze(_lengths(ids), const(np.array([1])))


def segment_indices(segment_ids: ndx.Array) -> ndx.Array:
    """Return the place of each item within its run of equal items.

    Parameters
    ----------
    segment_ids
        Lists ``[N, M]`` of integers, each non-decreasing.

    Returns
    -------
    ndonnx.Array
        Lists of int64: ``[0, 0, 1, 2, 2, 2]`` gives ``[0, 1, 0, 0, 1, 2]``. A missing item ends a run.

    Raises
    ------
    TransformError
        If there is one integer a row: runs over rows would depend on how data is cut into batches.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["0 0 1"]}
    >>> def preprocessing_fn(inputs):
    ...     ids = tft.compute_and_apply_vocabulary(tft.split(inputs["x"]))
    ...     return {"y": tft.pad_lists(tft.segment_indices(ids), 3, -1)}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["y"].to_pylist()
    [[0, 1, 0]]
    """
    x = list_column(segment_ids, "segment_indices", "number")
    data, mask = data_and_mask(x)
    if "float" in str(data.dtype):
        raise TransformError("tft.segment_indices takes integers", got=f"lists of {x.dtype}")
    values = data.astype(ndx.int64).unwrap_spox()
    starts = _starts(values)
    if mask is not None:
        # What lies under the mask is no item of a run, whatever it is.
        starts = op17.or_(starts, _starts(mask.astype(ndx.int64).unwrap_spox()))
    places = op17.expand(_places(values), op.shape(values))
    first, _ = left_aligned(places, starts)
    run = op17.sub(op17.cumsum(op.cast(starts, to=np.int64), const(np.int64(1))), const(np.int64(1)))
    return with_mask(ndx.asarray(op17.sub(places, op17.gather_elements(first, run, axis=1))), mask)


def multi_hot(
    x: ndx.Array, num_buckets: int | None = None, weights: ndx.Array | None = None, *, counts: bool = False
) -> ndx.Array:
    """Return a row of zeros with a one at the position of each id of a list.

    Parameters
    ----------
    x
        Lists ``[N, M]`` of ids.
    num_buckets
        Length of a row; known for ids that a tft function returned.
    weights
        Lists ``[N, M]`` of numbers that stand in place of the ones; those of equal ids are added.
    counts
        How often each id occurs in place of the ones.

    Returns
    -------
    ndonnx.Array
        float32 ``[N, num_buckets]``, never missing; ids outside ``[0, num_buckets)`` are left out.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a b a", "b"]}
    >>> def preprocessing_fn(inputs):
    ...     ids = tft.compute_and_apply_vocabulary(tft.split(inputs["x"]))
    ...     return {"y": tft.multi_hot(ids, counts=True)}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["y"].to_pylist()
    [[1.0, 2.0], [1.0, 0.0]]
    """
    x = list_column(x, "multi_hot", "number")
    data, _ = data_and_mask(x)
    if "float" in str(data.dtype):
        raise TransformError("tft.multi_hot takes lists of integer ids", got=f"lists of {x.dtype}")
    if weights is not None:
        list_column(weights, "multi_hot", "number")
    positive(num_buckets, "multi_hot", "num_buckets")
    trace = current_trace("multi_hot")
    domain = trace.domain(x)
    width = num_buckets or (None if domain is None else domain.num_buckets)
    if width is None:
        if trace.depends_on_open(x):
            needs = [x] if weights is None else [x, weights]
            return trace.stand_in(("N", None), ndx.float32, needs, "tft.multi_hot")
        raise TransformError(
            "tft.multi_hot must know how many ids there are",
            got="ids of unknown range",
            fix="Give num_buckets=, or ids from tft.compute_and_apply_vocabulary, tft.hash_strings",
        )
    present = item_mask(x)
    if weights is not None:
        present = present & item_mask(weights)
    ids = data.astype(ndx.int64)
    inside = present & (ids >= 0) & (ids < width)
    # What is left out is added to a place behind the row, which is cut off.
    ids = ndx.where(inside, ids, ndx.asarray(width))
    ones = inside.astype(ndx.float32)
    if weights is not None:
        ones = ndx.where(inside, data_and_mask(weights)[0].astype(ndx.float64), literal(0.0))
    rows = op17.slice(op.shape(ids.unwrap_spox()), const(np.array([0])), const(np.array([1])))
    shape = op17.concat([rows, const(np.array([width + 1]))], axis=0)
    nought = const(np.array(0.0, np.float64 if weights is not None else np.float32))
    hot = op18.scatter_elements(
        op17.expand(nought, shape),
        ids.unwrap_spox(),
        ones.unwrap_spox(),
        axis=1,
        reduction="add" if counts or weights is not None else "max",
    )
    cut = op17.slice(hot, const(np.array([0])), const(np.array([width])), const(np.array([1])))
    return ndx.asarray(op.reshape(cut, const(np.array([-1, width])))).astype(ndx.float32)
