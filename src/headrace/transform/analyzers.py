"""Analyzers: values that need a full pass over the data.

All of them leave missing values and NaN out. Inside a preprocessing function their results are used like numbers;
the value is filled in before the graph is finished.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np

from headrace.errors import TransformError
from headrace.transform.accumulators import (
    Extremes,
    Moments,
    QuantilesAnalyzer,
    SizeAnalyzer,
    SumAnalyzer,
    VocabularyAnalyzer,
)
from headrace.transform.checks import column, kind_of, positive
from headrace.transform.trace import current_trace

if TYPE_CHECKING:
    from headrace.transform.accumulators import Analyzer
    from headrace.transform.trace import AnalyzerCall

__all__ = [
    "Vocabulary",
    "find_vocabulary",
    "max",
    "mean",
    "min",
    "quantiles",
    "size",
    "sum",
    "var",
    "vocabulary",
    "words_of",
]


def _scalar(analyzer: Analyzer, x: ndx.Array, field: str | None, dtype: ndx.DType[Any], function: str) -> ndx.Array:
    trace = current_trace(function)
    call = trace.call(analyzer, x)
    if call.is_open:
        return trace.stand_in((), dtype, [x], f"tft.{function}")
    value = call.value if field is None else call.value[field]
    return ndx.asarray(value, dtype=dtype)


def _number_type(x: ndx.Array) -> ndx.DType[Any]:
    return ndx.float64 if "float" in str(x.dtype) else ndx.int64


def mean(x: ndx.Array) -> ndx.Array:
    """Return the mean of a numeric column, as a float64 scalar."""
    return _scalar(Moments(), column(x, "mean", "number"), "mean", ndx.float64, "mean")


def var(x: ndx.Array) -> ndx.Array:
    """Return the population variance of a numeric column, as a float64 scalar; exactly 0 where all are equal."""
    return _scalar(Moments(), column(x, "var", "number"), "var", ndx.float64, "var")


def min(x: ndx.Array) -> ndx.Array:  # noqa: A001 - the name that users know
    """Return the smallest value of a numeric column, as an int64 or float64 scalar."""
    return _scalar(Extremes(), column(x, "min", "number"), "min", _number_type(x), "min")


def max(x: ndx.Array) -> ndx.Array:  # noqa: A001 - the name that users know
    """Return the largest value of a numeric column, as an int64 or float64 scalar."""
    return _scalar(Extremes(), column(x, "max", "number"), "max", _number_type(x), "max")


def sum(x: ndx.Array) -> ndx.Array:  # noqa: A001 - the name that users know
    """Return the sum of a numeric column, as an int64 (exact) or float64 scalar; 0 where there is no value."""
    return _scalar(SumAnalyzer(), column(x, "sum", "number"), None, _number_type(x), "sum")


def size(x: ndx.Array) -> ndx.Array:
    """Return how many values of a column are neither missing nor NaN, as an int64 scalar."""
    return _scalar(SizeAnalyzer(), column(x, "size", "number", "text", "truth"), None, ndx.int64, "size")


def quantiles(x: ndx.Array, num_buckets: int) -> ndx.Array:
    """Return the boundaries that cut a numeric column into ``num_buckets`` parts of equal size.

    Returns
    -------
    ndonnx.Array
        float64 ``[num_buckets - 1]``, ascending, with repetitions where many values are equal. Exact (interpolated
        linearly, as ``numpy.quantile``) up to 100,000 distinct values, beyond that within 0.1 % of the rank.
    """
    x = column(x, "quantiles", "number")
    positive(num_buckets, "quantiles", "num_buckets", 2)
    trace = current_trace("quantiles")
    call = trace.call(QuantilesAnalyzer(num_buckets), x)
    if call.is_open:
        return trace.stand_in((num_buckets - 1,), ndx.float64, [x], "tft.quantiles")
    return ndx.asarray(np.array(call.value, dtype=np.float64))


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


def vocabulary(x: ndx.Array, *, top_k: int | None = None, frequency_threshold: int | None = None) -> Vocabulary:
    """Return the distinct values of a column of texts or integers.

    Parameters
    ----------
    x
        Integers are taken by their decimal digits.
    top_k
        Keep only the most frequent values.
    frequency_threshold
        Keep only values that occur at least so often.

    Returns
    -------
    Vocabulary
        In descending order of frequency; equally frequent values in descending order of their code points, as
        TensorFlow Transform has it. Memory grows with the number of distinct values.
    """
    return find_vocabulary(x, top_k, frequency_threshold, "vocabulary")


def find_vocabulary(x: Any, top_k: int | None, frequency_threshold: int | None, function: str) -> Vocabulary:
    """Find a vocabulary for the mapper or analyzer called ``function``."""
    x = column(x, function, "text", "number")
    if kind_of(x) == "number" and _number_type(x) == ndx.float64:
        raise TransformError(
            f"tft.{function} takes texts or integers", got=f"a column of {x.dtype}", fix="Use tft.bucketize for floats"
        )
    positive(top_k, function, "top_k")
    positive(frequency_threshold, function, "frequency_threshold", 0)
    trace = current_trace(function)
    call = trace.call(VocabularyAnalyzer(top_k, frequency_threshold or 0), x)
    return Vocabulary(call, trace.stand_in((), ndx.int64, [x], "tft.vocabulary"))
