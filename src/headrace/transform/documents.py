"""Mappers of lists of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v20 as op20
import spox.opset.ai.onnx.v21 as op

from headrace.errors import TransformError
from headrace.transform.analyzers import of_size
from headrace.transform.checks import data_and_mask, positive, with_mask
from headrace.transform.document_counts import CorpusSize, DocumentFrequency
from headrace.transform.lineage import infos
from headrace.transform.lists import (
    deduplicate_per_row,
    item_counts,
    item_mask,
    left_aligned,
    list_column,
    list_length,
)
from headrace.transform.operators import const, literal
from headrace.transform.searching import taken
from headrace.transform.trace import Domain, current_trace

if TYPE_CHECKING:
    from spox import Var

__all__ = ["bag_of_words", "document_frequency", "idf", "ngrams", "tfidf", "word_count"]


def word_count(tokens: ndx.Array) -> ndx.Array:
    """Return how many words each list has.

    Parameters
    ----------
    tokens
        Lists ``[N, M]`` of texts.

    Returns
    -------
    ndonnx.Array
        int64 ``[N]``, never missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a b a", ""]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.word_count(tft.split(inputs["x"]))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [3, 0]
    """
    return list_length(list_column(tokens, "word_count", "text"))


def ngrams(tokens: ndx.Array, ngram_range: tuple[int, int], separator: str = " ") -> ndx.Array:
    """Return all runs of neighbouring words whose lengths lie in a range.

    Parameters
    ----------
    tokens
        Lists ``[N, M]`` of texts.
    ngram_range
        The smallest and the largest length, both included.
    separator
        Stands between the words of a run.

    Returns
    -------
    ndonnx.Array
        Lists of texts. Runs that begin with the first word come first; of these, shorter ones before longer ones. No
        run has a missing word, or goes across one.

    Raises
    ------
    TransformError
        If the range is empty or begins below 1.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a rat ran"]}
    >>> def preprocessing_fn(inputs):
    ...     runs = tft.join(tft.ngrams(tft.split(inputs["x"]), (1, 2)), "|")
    ...     return {"y": runs == "a|a rat|rat|rat ran|ran"}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["y"].to_pylist()
    [1]
    """
    x = list_column(tokens, "ngrams", "text")
    low, high = ngram_range
    positive(low, "ngrams", "ngram_range[0]")
    positive(high, "ngrams", "ngram_range[1]", low)
    words, present = data_and_mask(x)[0].unwrap_spox(), item_mask(x).unwrap_spox()
    grams: list[Var] = []
    there: list[Var] = []
    run, whole = words, present
    last = const(np.array([2]))
    for size in range(1, high + 1):
        if size > 1:
            run = op20.string_concat(
                op20.string_concat(run, const(np.array(separator))), _moved(words, size - 1, const(np.array("")))
            )
            whole = op17.and_(whole, _moved(present, size - 1, const(np.array(False))))
        if size >= low:
            grams.append(op.unsqueeze(run, last))
            there.append(op.unsqueeze(whole, last))
    flat = op.reshape(op17.concat(grams, axis=2), _flat(words, high - low + 1))
    kept = op.reshape(op17.concat(there, axis=2), _flat(words, high - low + 1))
    values, has = left_aligned(flat, kept)
    return with_mask(ndx.asarray(values), ~ndx.asarray(has))


def _flat(words: Var, number: int) -> Var:
    """Return the shape ``[N, M * number]``; it is said outright since -1 cannot be found for no rows."""
    return op17.mul(op.shape(words), const(np.array([1, number])))


def _moved(x: Var, by: int, filling: Var) -> Var:
    """Move each row to the left."""
    end = const(np.array([np.iinfo(np.int64).max]))
    rest = op17.slice(x, const(np.array([by])), end, const(np.array([1])))
    rows = op17.slice(op.shape(x), const(np.array([0])), const(np.array([1])))
    width = op17.slice(op.shape(x), const(np.array([1])), const(np.array([2])))
    behind = op17.expand(filling, op17.concat([rows, op17.min([width, const(np.array([by]))])], axis=0))
    return op17.concat([rest, behind], axis=1)


def bag_of_words(tokens: ndx.Array, ngram_range: tuple[int, int] = (1, 1), separator: str = " ") -> ndx.Array:
    """Return the distinct runs of neighbouring words: ``tft.deduplicate_per_row(tft.ngrams(…))``.

    Returns
    -------
    ndonnx.Array
        Lists of texts, in the order in which they first occur.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a b a b"]}
    >>> def preprocessing_fn(inputs):
    ...     return {"y": tft.join(tft.bag_of_words(tft.split(inputs["x"]), (1, 2)), "|") == "a|a b|b|b a"}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["y"].to_pylist()
    [1]
    """
    list_column(tokens, "bag_of_words", "text")
    return deduplicate_per_row(ngrams(tokens, ngram_range, separator))


def _ids(x: ndx.Array, function: str) -> ndx.Array:
    x = list_column(x, function, "number")
    if "float" in str(x.dtype):
        raise TransformError(f"tft.{function} takes lists of integer ids", got=f"lists of {x.dtype}")
    return x


def _size(x: ndx.Array, vocab_size: int | None, function: str) -> int | None:
    """Return how many ids there are; None where that is to be found yet."""
    positive(vocab_size, function, "vocab_size")
    trace = current_trace(function)
    domain = trace.domain(x)
    if vocab_size is not None:
        return vocab_size
    if domain is not None:
        return domain.num_buckets
    if trace.depends_on_open(x):
        return None
    raise TransformError(
        f"tft.{function} must know how many ids there are",
        got="ids of unknown range",
        fix="Give vocab_size=, or ids from tft.compute_and_apply_vocabulary, tft.hash_strings",
    )


def _within(x: ndx.Array, size: int) -> ndx.Array:
    data, mask = data_and_mask(x)
    return with_mask(data.astype(ndx.int64) % literal(size), mask)


def document_frequency(x: ndx.Array, vocab_size: int | None = None) -> ndx.Array:
    """Return in how many lists each id occurs.

    Parameters
    ----------
    x
        Lists ``[N, M]`` of ids; one outside ``[0, vocab_size)`` is taken modulo ``vocab_size``, so that -1 is the last.
    vocab_size
        How many ids there are; known for ids that a tft function returned.

    Returns
    -------
    ndonnx.Array
        int64 ``[vocab_size]``, exact.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a b a", "b"]}
    >>> def preprocessing_fn(inputs):
    ...     ids = tft.apply_vocabulary(tft.split(inputs["x"]), ["a", "b"])
    ...     return {"y": tft.list_length(ids) * tft.document_frequency(ids)[1]}
    >>> tft.analyze(data, preprocessing_fn).analyzers[0].value
    [1, 2]
    """
    return _frequency(_ids(x, "document_frequency"), vocab_size, "document_frequency")


def _frequency(x: ndx.Array, vocab_size: int | None, function: str) -> ndx.Array:
    trace = current_trace(function)
    size = _size(x, vocab_size, function)
    ids = x if size is None else _within(x, size)
    call = trace.call(DocumentFrequency(), ids)
    if call.is_open or size is None:
        return trace.stand_in((size,), ndx.int64, [ids], f"tft.{function}")
    return literal(of_size(call.value, size))


def idf(x: ndx.Array, vocab_size: int | None = None, *, smooth: bool = True, add_baseline: bool = True) -> ndx.Array:
    """Return the inverse document frequency of each id.

    Parameters
    ----------
    x, vocab_size
        As for ``tft.document_frequency``.
    smooth
        ``log((rows + 1) / (frequency + 1))``, rather than ``log(rows / frequency)``, which is infinite for an id that
        does not occur.
    add_baseline
        Add 1.

    Returns
    -------
    ndonnx.Array
        float64 ``[vocab_size]``.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a b a", "b"]}
    >>> def preprocessing_fn(inputs):
    ...     ids = tft.apply_vocabulary(tft.split(inputs["x"]), ["a", "b"])
    ...     return {"y": tft.list_length(ids) * tft.idf(ids)[0]}
    >>> graph = tft.analyze(data, preprocessing_fn)
    >>> [round(value, 4) for value in graph.transform(data).to_table()["y"].to_pylist()]
    [4.2164, 1.4055]
    """
    return _idf(_ids(x, "idf"), vocab_size, "idf", smooth=smooth, add_baseline=add_baseline)


def _idf(x: ndx.Array, vocab_size: int | None, function: str, *, smooth: bool, add_baseline: bool) -> ndx.Array:
    trace = current_trace(function)
    frequency = _frequency(x, vocab_size, function)
    size = _size(x, vocab_size, function)
    rows = trace.call(CorpusSize(), x if size is None else _within(x, size))
    if rows.is_open or trace.depends_on_open(frequency):
        return trace.stand_in(frequency.shape, ndx.float64, [frequency, *rows.columns], f"tft.{function}")
    counted = frequency.unwrap_numpy().astype(np.float64)
    with np.errstate(divide="ignore"):
        found = np.log((rows.value + smooth) / (counted + smooth))
    return literal(found + 1.0 if add_baseline else found)


def tfidf(x: ndx.Array, vocab_size: int | None = None, *, smooth: bool = True) -> tuple[ndx.Array, ndx.Array]:
    """Weigh the distinct ids of each list by frequency in the list times inverse document frequency.

    ``count of the id in the list / length of the list * (1 + log((rows + 1) / (lists with the id + 1)))``

    Parameters
    ----------
    x
        Lists ``[N, M]`` of ids; one outside ``[0, vocab_size)`` is taken modulo ``vocab_size``, so that -1 is the last.
    vocab_size
        How many ids there are; known for ids that a tft function returned.
    smooth
        See ``tft.idf``.

    Returns
    -------
    tuple of ndonnx.Array
        Ids in ascending order, lists of int64, and their weights, lists of float64. ``tft.multi_hot(ids,
        weights=weights)`` makes rows of ``vocab_size`` numbers of them, ``tft.pad_lists`` short rows.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["I like pie pie pie", "yum yum pie"]}
    >>> def preprocessing_fn(inputs):
    ...     ids = tft.compute_and_apply_vocabulary(tft.split(inputs["x"]))
    ...     words, weights = tft.tfidf(ids)
    ...     return {"ids": tft.pad_lists(words, 3, -1), "weights": tft.pad_lists(weights, 3, 0.0)}
    >>> found = tft.analyze(data, preprocessing_fn).transform(data).to_table()
    >>> found["ids"].to_pylist()
    [[0, 2, 3], [0, 1, -1]]
    >>> [[round(weight, 4) for weight in row] for row in found["weights"].to_pylist()]
    [[0.6, 0.2811, 0.2811], [0.3333, 0.937, 0.0]]
    """
    x = _ids(x, "tfidf")
    trace = current_trace("tfidf")
    size = _size(x, vocab_size, "tfidf")
    # Before the analyzers of the weights, which the ids do not wait for.
    open_ids = trace.stand_in(("N", None), ndx.nint64, [x], "tft.tfidf") if size is None else None
    weights = _idf(x, vocab_size, "tfidf", smooth=smooth, add_baseline=True)
    if size is None:
        assert open_ids is not None
        return open_ids, trace.stand_in(("N", None), ndx.nfloat64, [x, weights], "tft.tfidf")
    ids, counts, length = item_counts(_within(x, size), size)
    trace.set_domain(ids, Domain(size, None if (domain := trace.domain(x)) is None else domain.vocabulary))
    data, mask = data_and_mask(ids)
    # An empty list has no ids to be divided by its length.
    items = ndx.asarray(op17.max([length, const(np.int64(1))])).astype(ndx.float64)
    share = ndx.asarray(counts).astype(ndx.float64) / items
    # Behind the ids stands what a missing one weighs.
    table = _extended(weights)
    weighed = share * taken(table.unwrap_spox(), data)
    weights = with_mask(weighed, mask)
    trace.blanks |= {infos(ids): size, infos(weights): 0.0}
    return ids, weights


def _extended(weights: ndx.Array) -> ndx.Array:
    try:
        return literal(np.append(weights.unwrap_numpy(), 0.0))
    except ValueError:
        return ndx.concat([weights, literal(np.zeros(1))])
