"""Vocabularies: the distinct values of a column, in an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np

from headrace.errors import TransformError
from headrace.transform.analyzers import as_key
from headrace.transform.callables import UserFunction
from headrace.transform.checks import column, data_and_mask, kind_of, positive, with_mask
from headrace.transform.operators import literal
from headrace.transform.trace import current_trace
from headrace.transform.vocabularies import ROW, ApproximateVocabularyAnalyzer, VocabularyAnalyzer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.transform.accumulators import Analyzer
    from headrace.transform.trace import AnalyzerCall

__all__ = [
    "Vocabulary",
    "approximate_vocabulary",
    "find_approximate_vocabulary",
    "find_vocabulary",
    "vocabulary",
    "words_of",
]


@dataclass(frozen=True)
class Vocabulary:
    """The distinct values of a column, as ``tft.vocabulary`` returns it for ``tft.apply_vocabulary``.

    Its words are not open to Python code: what a preprocessing function does must not depend on them.
    """

    call: AnalyzerCall
    stand_in: ndx.Array

    def __len__(self) -> int:
        raise TransformError(
            "The words of a vocabulary are not known while a preprocessing function runs",
            got="len(vocabulary)",
            fix="Give it to tft.apply_vocabulary and tft.one_hot, which know its size when they need it",
        )

    @property
    def is_open(self) -> bool:
        """Whether the words are still to be found."""
        return self.call.is_open

    @property
    def _words(self) -> tuple[str, ...]:
        return tuple(word for word, _ in self.call.value)


def words_of(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the words of a vocabulary that is not open."""
    return vocabulary._words  # noqa: SLF001 - closed to users only


def vocabulary(
    x: ndx.Array,
    *,
    top_k: int | None = None,
    frequency_threshold: float | None = None,
    weights: ndx.Array | None = None,
    labels: ndx.Array | None = None,
    use_adjusted_mutual_info: bool = False,
    min_diff_from_avg: float | None = None,
    coverage_top_k: int | None = None,
    coverage_frequency_threshold: float | None = None,
    key_fn: Callable[[str], Any] | None = None,
    reserved_tokens: Sequence[str] = (),
) -> Vocabulary:
    """Return the distinct values of a column of texts or integers.

    Parameters
    ----------
    x
        One value a row, or lists. Integers are taken by their decimal digits. A missing value is no word.
    top_k
        Keep only the first so many words.
    frequency_threshold
        Keep only words whose score is at least this: the count, the weight, or the information about the label.
    weights
        Numbers, one for each row: the score is the sum of the weights of the rows.
    labels
        Integers from 0: the score is the (mutual) information about the label in bits, times the rows,
        ``sum over y of n_xy * log2(n_xy * n / (n_x * n_y))``. A word should occur once in a row.
    use_adjusted_mutual_info
        Subtract the information that chance alone would give (Vinh, Epps and Bailey 2009).
    min_diff_from_avg
        A label adds nothing where its count beside the word is less than this from the expected one; 2 to 25 by the
        number of rows when None.
    key_fn
        Returns the key of a word, with which every key is covered: beside the words above, the ``coverage_top_k`` first
        words of each key, of those whose score is at least ``coverage_frequency_threshold``.
    coverage_top_k, coverage_frequency_threshold
        See ``key_fn``.
    reserved_tokens
        Words that stand first in any case.

    Returns
    -------
    Vocabulary
        In descending order of the score; equal ones in descending order of their code points, as TensorFlow Transform
        has it. Memory grows with the number of distinct values. Counts, and sums of weights, are exact.

    Raises
    ------
    TransformError
        If ``key_fn`` and the coverage parameters are not given together, or a column is of a wrong type.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["b", "a", "b", "c"]}
    >>> def preprocessing_fn(inputs):
    ...     return {"y": tft.apply_vocabulary(inputs["x"], tft.vocabulary(inputs["x"]))}
    >>> tft.analyze(data, preprocessing_fn).analyzers[0].value
    [['b', 2], ['c', 1], ['a', 1]]
    """
    return find_vocabulary(
        x,
        "vocabulary",
        top_k=top_k,
        frequency_threshold=frequency_threshold,
        weights=weights,
        labels=labels,
        use_adjusted_mutual_info=use_adjusted_mutual_info,
        min_diff_from_avg=min_diff_from_avg,
        coverage_top_k=coverage_top_k,
        coverage_frequency_threshold=coverage_frequency_threshold,
        key_fn=key_fn,
        reserved_tokens=reserved_tokens,
    )


def find_vocabulary(
    x: Any,
    name: str,
    *,
    top_k: int | None = None,
    frequency_threshold: float | None = None,
    weights: ndx.Array | None = None,
    labels: ndx.Array | None = None,
    use_adjusted_mutual_info: bool = False,
    min_diff_from_avg: float | None = None,
    coverage_top_k: int | None = None,
    coverage_frequency_threshold: float | None = None,
    key_fn: Callable[[str], Any] | None = None,
    reserved_tokens: Sequence[str] = (),
) -> Vocabulary:
    """Find a vocabulary for the mapper or analyzer called ``name``."""
    positive(top_k, name, "top_k")
    positive(coverage_top_k, name, "coverage_top_k")
    if (key_fn is None) != (coverage_top_k is None and coverage_frequency_threshold is None):
        raise TransformError(
            f"tft.{name} takes key_fn together with coverage_top_k or coverage_frequency_threshold",
            got="key_fn alone" if key_fn is not None else "a coverage parameter without key_fn",
        )
    lowest = float("-inf")
    analyzer = VocabularyAnalyzer(
        top_k,
        _threshold(frequency_threshold, name, "frequency_threshold", lowest if labels is not None else 0.0),
        labels is not None,
        weights is not None,
        use_adjusted_mutual_info,
        min_diff_from_avg,
        coverage_top_k,
        _threshold(coverage_frequency_threshold, name, "coverage_frequency_threshold", lowest),
        None if key_fn is None else UserFunction(key_fn),
        tuple(reserved_tokens),
    )
    x = _words(x, name)
    others = []
    if labels is not None:
        others.append(as_key(column(labels, name, "number", "truth"), name))
        x = _with_row_word(x)
    if weights is not None:
        others.append(column(weights, name, "number"))
    return _vocabulary(analyzer, [x, *others], name)


def _threshold(value: float | None, function: str, parameter: str, otherwise: float) -> float:
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float) or (otherwise == 0.0 and value < 0):
        raise TransformError(f"{parameter} of tft.{function} is a number of at least 0", got=value)
    return value


def _words(x: ndx.Array, function: str) -> ndx.Array:
    x = column(x, function, "text", "number")
    if kind_of(x) == "number" and "float" in str(x.dtype):
        raise TransformError(
            f"tft.{function} takes texts or integers", got=f"a column of {x.dtype}", fix="Use tft.bucketize for floats"
        )
    return x


def _with_row_word(x: ndx.Array) -> ndx.Array:
    """Put a word that counts rows in front of each row's words."""
    data, mask = data_and_mask(x)
    texts = data if kind_of(x) == "text" else data.astype(ndx.utf8)
    if texts.ndim == 1:
        texts, mask = texts[:, None], None if mask is None else mask[:, None]
    rows = ndx.concat([texts.dynamic_shape[:1], ndx.asarray([1])])
    front = ndx.broadcast_to(literal(np.array([[ROW]])), rows)
    texts = ndx.concat([front, texts], axis=1)
    if mask is None:
        return texts
    return with_mask(texts, ndx.concat([ndx.broadcast_to(literal(np.array([[False]])), rows), mask], axis=1))


def _vocabulary(analyzer: Analyzer, columns: Sequence[ndx.Array], function: str) -> Vocabulary:
    trace = current_trace(function)
    call = trace.call(analyzer, *columns)
    return Vocabulary(call, trace.stand_in((), ndx.int64, columns, "tft.vocabulary"))


def approximate_vocabulary(
    x: ndx.Array,
    top_k: int,
    *,
    weights: ndx.Array | None = None,
    capacity: int | None = None,
    reserved_tokens: Sequence[str] = (),
) -> Vocabulary:
    """Return about the most frequent values of a column of texts or integers, within bounded memory.

    Parameters
    ----------
    x
        As for ``tft.vocabulary``.
    top_k
        How many words to keep.
    weights
        Numbers, one for each row, in place of counts.
    capacity
        How many words are counted at once; ten times ``top_k``, and 100,000 at least, when None.
    reserved_tokens
        Words that stand first in any case.

    Returns
    -------
    Vocabulary
        In the order of ``tft.vocabulary``, and the same as that while there are no more than ``capacity`` distinct
        values. Beyond, a count is too small by at most ``1 / capacity`` of all, and depends on how the data is cut
        (Misra and Gries 1982).

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["b", "a", "b", "c"]}
    >>> def preprocessing_fn(inputs):
    ...     return {"y": tft.apply_vocabulary(inputs["x"], tft.approximate_vocabulary(inputs["x"], 2))}
    >>> tft.analyze(data, preprocessing_fn).analyzers[0].value
    [['b', 2], ['c', 1]]
    """
    return find_approximate_vocabulary(x, top_k, weights, capacity, reserved_tokens, "approximate_vocabulary")


def find_approximate_vocabulary(
    x: Any,
    top_k: int,
    weights: ndx.Array | None,
    capacity: int | None,
    reserved_tokens: Sequence[str],
    function: str,
) -> Vocabulary:
    """Find an approximate vocabulary for the mapper or analyzer called ``function``."""
    positive(top_k, function, "top_k")
    positive(capacity, function, "capacity")
    size = capacity or np.maximum(10 * top_k, 100_000).item()
    analyzer = ApproximateVocabularyAnalyzer(top_k, size, weights is not None, tuple(reserved_tokens))
    others = [] if weights is None else [column(weights, function, "number")]
    return _vocabulary(analyzer, [_words(x, function), *others], function)
