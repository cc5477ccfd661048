"""Mappers to and of ids of categories."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np

from headrace.errors import TransformError
from headrace.transform.checks import column, data_and_mask, is_text, kind_of, positive, with_mask
from headrace.transform.operators import concat_strings, literal, lookup, murmur_hash
from headrace.transform.trace import Domain, current_trace
from headrace.transform.words import Vocabulary, find_approximate_vocabulary, find_vocabulary, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.transform.trace import Trace

__all__ = [
    "apply_vocabulary",
    "compute_and_apply_approximate_vocabulary",
    "compute_and_apply_vocabulary",
    "cross",
    "hash_strings",
    "num_buckets",
    "one_hot",
]


def _texts(x: ndx.Array) -> ndx.Array:
    return x if is_text(x) else x.astype(ndx.utf8)


def compute_and_apply_vocabulary(
    x: ndx.Array,
    *,
    default_value: int = -1,
    top_k: int | None = None,
    frequency_threshold: float | None = None,
    num_oov_buckets: int = 0,
    **options: Any,
) -> ndx.Array:
    """Number the distinct values of a column, the most frequent first: ``vocabulary``, then ``apply_vocabulary``.

    Parameters
    ----------
    x
        Texts or integers ``[N]``, or lists of them.
    default_value, num_oov_buckets
        As for ``tft.apply_vocabulary``.
    top_k, frequency_threshold
        As for ``tft.vocabulary``.
    options
        Other parameters of ``tft.vocabulary``: ``weights``, ``labels``, ``key_fn``, …

    Returns
    -------
    ndonnx.Array
        int64 ids, as ``tft.apply_vocabulary`` gives them.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["b", "a", "b", None]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.compute_and_apply_vocabulary(inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, 1, 0, -1]
    """
    name = "compute_and_apply_vocabulary"
    found = find_vocabulary(x, name, top_k=top_k, frequency_threshold=frequency_threshold, **options)
    return _apply(x, found, default_value, num_oov_buckets, name)


def compute_and_apply_approximate_vocabulary(
    x: ndx.Array,
    top_k: int,
    *,
    default_value: int = -1,
    num_oov_buckets: int = 0,
    weights: ndx.Array | None = None,
    capacity: int | None = None,
    reserved_tokens: Sequence[str] = (),
) -> ndx.Array:
    """Number about the most frequent values of a column: ``approximate_vocabulary``, then ``apply_vocabulary``.

    Returns
    -------
    ndonnx.Array
        int64 ids, as ``tft.apply_vocabulary`` gives them.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["b", "a", "b"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.compute_and_apply_approximate_vocabulary(inputs["x"], 1)})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, -1, 0]
    """
    name = "compute_and_apply_approximate_vocabulary"
    found = find_approximate_vocabulary(x, top_k, weights, capacity, reserved_tokens, name)
    return _apply(x, found, default_value, num_oov_buckets, name)


def apply_vocabulary(
    x: ndx.Array, vocabulary: Vocabulary | Sequence[str], *, default_value: int = -1, num_oov_buckets: int = 0
) -> ndx.Array:
    """Return the position of each value in a vocabulary.

    Parameters
    ----------
    x
        Texts, or integers, which are looked up by their decimal digits; or lists of them.
    vocabulary
        What ``tft.vocabulary`` returned, or a list of distinct texts.
    default_value
        The id of a value that the vocabulary lacks, where there are no buckets for such values.
    num_oov_buckets
        Values that the vocabulary lacks are spread by hash over so many ids behind it.

    Returns
    -------
    ndonnx.Array
        int64 ids, never missing: a missing value is one that the vocabulary lacks, and gets ``default_value`` or the
        first bucket behind the vocabulary. Of lists, lists of ids; what lies behind the end of a list stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["b", "a", "?"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.apply_vocabulary(inputs["x"], ["a", "b"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0, -1]
    """
    return _apply(x, vocabulary, default_value, num_oov_buckets, "apply_vocabulary")


def _apply(
    x: ndx.Array, vocabulary: Vocabulary | Sequence[str], default_value: int, num_oov_buckets: int, function: str
) -> ndx.Array:
    data, mask = data_and_mask(column(x, function, "text", "number"))
    if kind_of(x) == "number" and "float" in str(x.dtype):
        raise TransformError(f"tft.{function} takes texts or integers", got=f"a column of {x.dtype}")
    positive(num_oov_buckets, function, "num_oov_buckets", 0)
    trace = current_trace(function)
    if isinstance(vocabulary, Vocabulary):
        if vocabulary.is_open:
            dtype = ndx.nint64 if mask is not None and x.ndim > 1 else ndx.int64
            return trace.stand_in(_symbols(x), dtype, [x, vocabulary.stand_in], f"tft.{function}")
        words = words_of(vocabulary)
    else:
        words = _given_words(vocabulary, function)
    texts = _texts(data)
    size = len(words)
    outside = size if num_oov_buckets else default_value
    if words:
        ids = ndx.asarray(lookup(texts.unwrap_spox(), words, outside))
    else:
        ids = ndx.broadcast_to(ndx.asarray(outside, dtype=ndx.int64), data.dynamic_shape)
    if num_oov_buckets > 1:
        spread = ndx.asarray(murmur_hash(texts.unwrap_spox())) % num_oov_buckets
        ids = ndx.where(ids == size, spread + size, ids)
    if mask is not None:
        ids = with_mask(ids, mask) if x.ndim > 1 else ndx.where(mask, literal(outside), ids)
    if size + num_oov_buckets == 0:
        return ids
    return trace.set_domain(ids, Domain(max(size + num_oov_buckets, outside + 1), words, closed=outside >= 0))


def _given_words(vocabulary: Sequence[str], function: str) -> tuple[str, ...]:
    words = tuple(vocabulary)
    if isinstance(vocabulary, str) or not words or not all(isinstance(word, str) for word in words):
        raise TransformError(f"tft.{function} takes a vocabulary or a list of texts", got=vocabulary)
    if len(set(words)) != len(words):
        twice = next(word for word in words if words.count(word) > 1)
        raise TransformError("The words of a vocabulary are distinct", got=f"{twice!r} twice")
    return words


def _symbols(x: ndx.Array) -> tuple[str | int | None, ...]:
    return ("N", *x.shape[1:])


def one_hot(x: ndx.Array, num_buckets: int | None = None) -> ndx.Array:
    """Return a row of zeros with a one at the position of each id.

    Parameters
    ----------
    x
        int64 ids ``[N]``.
    num_buckets
        Length of a row; known for ids that a tft function returned.

    Returns
    -------
    ndonnx.Array
        float32 ``[N, num_buckets]``, never missing: a missing id, or one outside ``[0, num_buckets)``, gives zeros.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [1, 0]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.one_hot(inputs["x"], 2)})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    data, mask = data_and_mask(column(x, "one_hot", "number", "truth"))
    if data.ndim != 1 or "float" in str(data.dtype):
        raise TransformError(
            "tft.one_hot takes one integer id a row",
            got=f"{x.dtype} of {data.ndim} dimensions",
            fix="Give lists of ids to tft.multi_hot" if data.ndim == 2 else None,
        )
    positive(num_buckets, "one_hot", "num_buckets")
    trace = current_trace("one_hot")
    width = num_buckets or (2 if kind_of(x) == "truth" else _buckets(trace, x))
    if width is None:
        if trace.depends_on_open(x):
            return trace.stand_in(("N", None), ndx.float32, [x], "tft.one_hot")
        raise TransformError(
            "tft.one_hot must know how many ids there are",
            got="ids of unknown range",
            fix="Give num_buckets=, or ids from tft.compute_and_apply_vocabulary, tft.bucketize, tft.hash_strings",
        )
    hot = data.astype(ndx.int64)[:, None] == literal(np.arange(width))[None, :]
    if mask is not None:
        hot = hot & ~mask[:, None]
    return hot.astype(ndx.float32)


def _buckets(trace: Trace, x: ndx.Array) -> int | None:
    domain = trace.domain(x)
    return None if domain is None else domain.num_buckets


def num_buckets(x: ndx.Array) -> ndx.Array:
    """Return how many ids a column of ids may have, as TensorFlow Transform's ``get_num_buckets_…`` does.

    Parameters
    ----------
    x
        Ids that a tft function returned.

    Returns
    -------
    ndonnx.Array
        An int64 scalar.

    Raises
    ------
    TransformError
        If the range of the ids is not known.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a", "b"]}
    >>> def preprocessing_fn(inputs):
    ...     ids = tft.compute_and_apply_vocabulary(inputs["x"], num_oov_buckets=1)
    ...     return {"share": ids / tft.num_buckets(ids)}
    >>> graph = tft.analyze(data, preprocessing_fn)
    >>> [round(value, 4) for value in graph.transform(data).to_table()["share"].to_pylist()]
    [0.3333, 0.0]
    """
    x = column(x, "num_buckets", "number")
    trace = current_trace("num_buckets")
    known = _buckets(trace, x)
    if known is not None:
        return literal(known)
    if trace.depends_on_open(x):
        return trace.stand_in((), ndx.int64, [x], "tft.num_buckets")
    raise TransformError(
        "tft.num_buckets takes ids of known range",
        got=f"a column of {x.dtype}",
        fix="Give ids from tft.compute_and_apply_vocabulary, tft.bucketize, tft.hash_strings",
    )


def hash_strings(x: ndx.Array, num_buckets: int) -> ndx.Array:
    """Spread texts or integers over ids by hash: MurmurHash3 (32 bits, seed 0) modulo ``num_buckets``.

    Texts are hashed by their UTF-8 bytes, integers by the eight bytes of an int64.

    Returns
    -------
    ndonnx.Array
        int64 ids in ``[0, num_buckets)``, of the shape of ``x``; missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a", "b"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.hash_strings(inputs["x"], 10)})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, 5]
    """
    data, mask = data_and_mask(column(x, "hash_strings", "text", "number", "truth"))
    if "float" in str(data.dtype):
        raise TransformError("tft.hash_strings takes texts or integers", got=f"a column of {x.dtype}")
    positive(num_buckets, "hash_strings", "num_buckets")
    trace = current_trace("hash_strings")
    hashed = data if is_text(data) else data.astype(ndx.int64)
    ids = ndx.asarray(murmur_hash(hashed.unwrap_spox())) % num_buckets
    return trace.set_domain(with_mask(ids, mask), Domain(num_buckets))


def cross(columns: Sequence[ndx.Array], num_buckets: int | None = None) -> ndx.Array:
    """Return an id for each combination of the values of several columns.

    Parameters
    ----------
    columns
        Two or more columns of texts or integer ids.
    num_buckets
        How many ids there are. May be left out where all columns are ids of known range.

    Returns
    -------
    ndonnx.Array
        int64. Where all columns are ids of known range and their combinations fit into ``num_buckets``, every
        combination has an id of its own; otherwise combinations are spread by hash. Missing where any value is.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a", "b"], "n": [1, 5]}
    >>> def preprocessing_fn(inputs):
    ...     return {"y": tft.cross([inputs["x"] == "b", tft.apply_buckets(inputs["n"], [2.0, 4.0])])}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["y"].to_pylist()
    [0, 5]
    """
    given = [column(x, "cross", "text", "number", "truth") for x in columns]
    if len(given) < 2:
        raise TransformError("tft.cross takes at least two columns", got=len(given))
    if any(x.ndim != 1 for x in given):
        raise TransformError("tft.cross takes one value a row", got=", ".join(f"{x.ndim} dimensions" for x in given))
    positive(num_buckets, "cross", "num_buckets")
    trace = current_trace("cross")
    parts = [data_and_mask(x) for x in given]
    mask = None
    for _, other in parts:
        mask = other if mask is None else mask if other is None else mask | other
    sizes = [2 if kind_of(x) == "truth" else _buckets(trace, x) for x in given]
    if None in sizes and any(size is None and trace.depends_on_open(x) for size, x in zip(sizes, given, strict=True)):
        return trace.stand_in(("N",), ndx.int64 if mask is None else ndx.nint64, given, "tft.cross")
    closed = all(domain.closed for x in given if (domain := trace.domain(x)) is not None)
    known = [size for size in sizes if size is not None] if closed else []
    combinations = math.prod(known) if len(known) == len(given) else None
    if combinations is not None and combinations <= (num_buckets or 2**62):
        ids = parts[0][0].astype(ndx.int64)
        for (data, _), size in zip(parts[1:], known[1:], strict=True):
            ids = ids * size + data.astype(ndx.int64)
        return trace.set_domain(with_mask(ids, mask), Domain(num_buckets or combinations))
    if num_buckets is None:
        raise TransformError(
            "tft.cross must know how many ids there are", got="columns of unknown range", fix="Give num_buckets="
        )
    joined = _texts(parts[0][0]).unwrap_spox()
    for data, _ in parts[1:]:
        joined = concat_strings(joined, "\x1f", _texts(data).unwrap_spox())
    ids = ndx.asarray(murmur_hash(joined)) % num_buckets
    return trace.set_domain(with_mask(ids, mask), Domain(num_buckets))
