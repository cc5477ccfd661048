from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.transform.accumulators import (
    Analyzer,
    Extremes,
    Moments,
    Part,
    QuantilesAnalyzer,
    SizeAnalyzer,
    SumAnalyzer,
)
from headrace.transform.vocabularies import VocabularyAnalyzer

CUTS = st.lists(st.integers(0, 60), max_size=5)
FLOATS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
WORDS = st.lists(st.text(max_size=3).filter(lambda word: word.isprintable()), min_size=1, max_size=60)


def folded(analyzer: Analyzer, values: np.ndarray[Any, Any], cuts: list[int], *, backwards: bool = False) -> Any:
    parts: list[Part] = []
    for piece in np.split(values, sorted(min(cut, len(values)) for cut in cuts)):
        part = analyzer.part()
        part.update(piece)
        parts.append(part)
    total = analyzer.part()
    for part in reversed(parts) if backwards else parts:
        total.merge(part)
    return total.result()


@settings(deadline=None)
@given(FLOATS, CUTS, st.booleans())
def test_moments_are_those_of_numpy_for_any_split(numbers: list[float], cuts: list[int], backwards: bool) -> None:
    values = np.array(numbers)
    found = folded(Moments(), values, cuts, backwards=backwards)
    assert found["count"] == values.size
    assert found["mean"] == pytest.approx(values.mean(), rel=1e-9, abs=1e-6)
    assert found["var"] == pytest.approx(values.var(), rel=1e-7, abs=1e-3)
    assert found["var"] >= 0


@settings(deadline=None)
@given(st.floats(-1e9, 1e9), st.integers(1, 60), CUTS)
def test_equal_numbers_have_exactly_no_variance(number: float, size: int, cuts: list[int]) -> None:
    assert folded(Moments(), np.full(size, number), cuts) == {"count": size, "mean": number, "var": 0.0}


def test_a_large_offset_does_not_drown_the_variance() -> None:
    values = np.array([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])
    assert folded(Moments(), values, [2])["var"] == 22.5


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=60), CUTS, st.booleans())
def test_integers_are_exact(numbers: list[int], cuts: list[int], backwards: bool) -> None:
    values = np.array(numbers, dtype=np.int64)
    assert folded(SumAnalyzer(), values, cuts, backwards=backwards) == sum(numbers)
    assert folded(Extremes(), values, cuts, backwards=backwards) == {"min": min(numbers), "max": max(numbers)}
    assert folded(SizeAnalyzer(), values, cuts, backwards=backwards) == len(numbers)


@settings(deadline=None)
@given(FLOATS, CUTS, st.booleans(), st.integers(2, 9))
def test_quantiles_are_those_of_numpy(numbers: list[float], cuts: list[int], backwards: bool, buckets: int) -> None:
    values = np.array(numbers)
    found = folded(QuantilesAnalyzer(buckets), values, cuts, backwards=backwards)
    expected = np.quantile(values, np.arange(1, buckets) / buckets)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-6)


@settings(deadline=None)
@given(WORDS, CUTS, st.booleans(), st.integers(1, 5), st.integers(0, 3))
def test_vocabulary_is_sorted_by_count_then_backwards(
    words: list[str], cuts: list[int], backwards: bool, top_k: int, threshold: int
) -> None:
    values = np.array(words, dtype=object)
    counts = {word: words.count(word) for word in words}
    ranked = sorted(counts.items(), key=lambda item: (item[1], item[0]), reverse=True)
    expected = [[word, count] for word, count in ranked if count >= threshold][:top_k]
    assert folded(VocabularyAnalyzer(top_k, threshold), values, cuts, backwards=backwards) == expected


def test_the_order_of_tensorflow_transform() -> None:
    values = np.array(["a"] * 5 + ["b"] * 3 + ["c"] * 3, dtype=object)
    assert folded(VocabularyAnalyzer(), values, []) == [["a", 5], ["c", 3], ["b", 3]]


@pytest.mark.parametrize("analyzer", [Moments(), Extremes(), QuantilesAnalyzer(4), VocabularyAnalyzer()])
def test_nothing_seen(analyzer: Analyzer) -> None:
    assert folded(analyzer, np.array([], dtype=np.float64), [0, 0]) is None


def test_sums_of_nothing() -> None:
    assert folded(SumAnalyzer(), np.array([], dtype=np.float64), []) == 0
    assert folded(SizeAnalyzer(), np.array([], dtype=np.float64), []) == 0
