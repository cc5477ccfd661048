"""Mappers to and of ids of categories."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import ndonnx as ndx
import numpy as np

from headrace.errors import TransformError
from headrace.transform.analyzers import Vocabulary, find_vocabulary, words_of
from headrace.transform.checks import column, data_and_mask, is_text, kind_of, positive, with_mask
from headrace.transform.operators import concat_strings, lookup, murmur_hash
from headrace.transform.trace import Domain, current_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.transform.trace import Trace

__all__ = ["apply_vocabulary", "compute_and_apply_vocabulary", "cross", "hash_strings", "one_hot"]


def _texts(x: ndx.Array) -> ndx.Array:
    return x if is_text(x) else x.astype(ndx.utf8)


def compute_and_apply_vocabulary(
    x: ndx.Array,
    *,
    default_value: int = -1,
    top_k: int | None = None,
    frequency_threshold: int | None = None,
    num_oov_buckets: int = 0,
) -> ndx.Array:
    """Number the distinct values of a column, the most frequent first (``vocabulary``, then ``apply_vocabulary``)."""
    name = "compute_and_apply_vocabulary"
    found = find_vocabulary(x, top_k, frequency_threshold, name)
    return _apply(x, found, default_value, num_oov_buckets, name)


def apply_vocabulary(
    x: ndx.Array, vocabulary: Vocabulary | Sequence[str], *, default_value: int = -1, num_oov_buckets: int = 0
) -> ndx.Array:
    """Return the position of each value in a vocabulary.

    Parameters
    ----------
    x
        Texts, or integers, which are looked up by their decimal digits.
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
        first bucket behind the vocabulary.
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
            return trace.stand_in(_symbols(x), ndx.int64, [x, vocabulary.stand_in], f"tft.{function}")
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
        ids = ndx.where(mask, ndx.asarray(outside), ids)
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
    """
    data, mask = data_and_mask(column(x, "one_hot", "number", "truth"))
    if data.ndim != 1 or "float" in str(data.dtype):
        raise TransformError("tft.one_hot takes one integer id a row", got=f"{x.dtype} of {data.ndim} dimensions")
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
    hot = data.astype(ndx.int64)[:, None] == ndx.asarray(np.arange(width))[None, :]
    if mask is not None:
        hot = hot & ~mask[:, None]
    return hot.astype(ndx.float32)


def _buckets(trace: Trace, x: ndx.Array) -> int | None:
    domain = trace.domain(x)
    return None if domain is None else domain.num_buckets


def hash_strings(x: ndx.Array, num_buckets: int) -> ndx.Array:
    """Spread texts or integers over ids by hash: MurmurHash3 (32 bits, seed 0) modulo ``num_buckets``.

    Texts are hashed by their UTF-8 bytes, integers by the eight bytes of an int64.

    Returns
    -------
    ndonnx.Array
        int64 ids in ``[0, num_buckets)``; missing stays missing.
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
    """
    given = [column(x, "cross", "text", "number", "truth") for x in columns]
    if len(given) < 2:
        raise TransformError("tft.cross takes at least two columns", got=len(given))
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
