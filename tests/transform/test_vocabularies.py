from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headrace import transform as tft
from headrace.errors import TransformError
from headrace.transform.vocabularies import (
    ApproximateVocabularyAnalyzer,
    VocabularyAnalyzer,
    expected_information,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.transform.accumulators import Analyzer, Part


def folded(analyzer: Analyzer, columns: Sequence[np.ndarray[Any, Any]], cuts: list[int], order: list[int]) -> Any:
    """Cut columns, fold each piece, and merge in some order."""
    edges = [0, *sorted(min(cut, len(columns[0])) for cut in cuts), len(columns[0])]
    parts: list[Part] = []
    for low, high in pairwise(edges):
        part = analyzer.part()
        part.update(*(column[low:high] for column in columns))
        parts.append(part)
    total = analyzer.part()
    for at in sorted(range(len(parts)), key=lambda at: order[at % len(order)] if order else at):
        total.merge(parts[at])
    return total.result()


def found(function: Any, data: dict[str, Any]) -> list[list[Any]]:
    value: list[list[Any]] = tft.analyze(data, function).analyzers[0].value
    return value


def scores(x: list[Any], labels: list[int], weights: list[float] | None = None, **options: Any) -> dict[str, float]:
    def function(inputs: Any) -> dict[str, Any]:
        heavy = inputs["w"] if weights else None
        words = tft.vocabulary(inputs["x"], labels=inputs["y"], weights=heavy, **options)
        return {"id": tft.apply_vocabulary(inputs["x"], words)}

    data = {"x": x, "y": labels} | ({"w": weights} if weights else {})
    return dict(found(function, data))


GREETINGS = [*["hello"] * 3, "goodbye", "aaaaa", "aaaaa", "goodbye", "goodbye", "aaaaa", "aaaaa", "goodbye", "goodbye"]
ANSWERS = [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0]


# The numbers that TensorFlow Transform's documentation and tests publish.
def test_information_is_tensorflow_transforms() -> None:
    published = {"goodbye": 1.9753224, "aaaaa": 1.6600707, "hello": 1.2450531}
    plain = scores(GREETINGS, ANSWERS, min_diff_from_avg=0.0)
    assert list(plain) == list(published)
    assert plain == pytest.approx(published, rel=1e-6)
    numbered = [{"hello": 3, "goodbye": 1, "aaaaa": 2}[word] for word in GREETINGS]
    adjusted = scores(numbered, ANSWERS, min_diff_from_avg=0.0, use_adjusted_mutual_info=True)
    assert adjusted == pytest.approx({"1": 1.4070794, "2": 0.9987448, "3": 0.5017178}, rel=1e-6)
    weak = scores(GREETINGS, ANSWERS, min_diff_from_avg=2.0)
    assert list(weak.items()) == [("hello", 0.0), ("goodbye", 0.0), ("aaaaa", 0.0)]
    assert scores(GREETINGS, ANSWERS) == weak


def test_weighted_information_is_tensorflow_transforms() -> None:
    words = [word for word in ("in_1", "in_0", "not", "by_weight") for _ in range(2)]
    weighted = scores(words, [1, 1, 0, 0, 0, 1, 0, 1], [1.0] * 7 + [5.0], min_diff_from_avg=0.0)
    published = {"in_0": 3.1698803, "in_1": 1.1698843, "by_weight": 0.6096405, "not": 0.169925}
    assert list(weighted) == list(published)
    assert weighted == pytest.approx(published, rel=1e-6)


def test_information_of_lists_counts_rows() -> None:
    rows = ["a b", "a", "b c", "c", "", "a c"]
    labels = [1, 1, 0, 0, 0, 1]

    def function(inputs: Any) -> dict[str, Any]:
        words = tft.vocabulary(tft.split(inputs["x"]), labels=inputs["y"], min_diff_from_avg=0.0)
        return {"n": tft.list_length(tft.apply_vocabulary(tft.split(inputs["x"]), words))}

    value = dict(found(function, {"x": rows, "y": labels}))
    # "a" stands in the three rows of label 1 and in no other.
    assert value["a"] == pytest.approx(3 * math.log2(3 * 6 / (3 * 3)), rel=1e-4)
    assert set(value) == {"a", "b", "c"}


@given(st.integers(2, 60), st.data())
def test_expected_information_is_scipys(total: int, data: st.DataObject) -> None:
    own, other = data.draw(st.integers(1, total)), data.draw(st.integers(1, total))
    counts = np.arange(1, min(own, other) + 1)
    chances = stats.hypergeom(total, own, other).pmf(counts)
    expected = float((chances * counts * np.log2(counts * total / (own * other))).sum())
    assert expected_information(total, own, other) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (["a1 a1 a2 b1 b2", "a1 a1 a2 a2", "b2"], {"coverage_top_k": 1, "frequency_threshold": 3}, "a1 a2 b2"),
        (["a1 a1 a2 b1 b2", "a1 a1 a2 a2 a3", "b2"], {"coverage_top_k": 2, "frequency_threshold": 300}, "a1 a2 b2 b1"),
        (["a1 a1 a2 b1 b2", "a1 a1 a2 a2", "b2 b2 b2 b2 c1"], {"coverage_top_k": 1, "top_k": 2}, "b2 a1 c1"),
        (["a1 a1 a2 b1"], {"coverage_frequency_threshold": 2, "top_k": 1}, "a1"),
    ],
)
def test_keys_are_covered(rows: list[str], options: dict[str, Any], words: str) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        tokens = tft.split(inputs["x"])
        found = tft.vocabulary(tokens, key_fn=lambda word: word[0], **options)
        return {"n": tft.list_length(tft.apply_vocabulary(tokens, found))}

    assert [word for word, _ in found(function, {"x": rows})] == words.split()


def test_reserved_words_come_first() -> None:
    graph = tft.analyze(
        {"x": ["a", "b", "b"]},
        lambda i: {"y": tft.compute_and_apply_vocabulary(i["x"], reserved_tokens=["<pad>", "a"])},
    )
    assert graph.outputs[0].vocabulary == ("<pad>", "a", "b")


WORDS = st.lists(st.sampled_from(["a", "b", "🎈", "é", "", "ab"]), min_size=1, max_size=40)
CUTS, ORDER = st.lists(st.integers(0, 40), max_size=4), st.lists(st.integers(0, 9), max_size=5)


@settings(deadline=None)
@given(WORDS, CUTS, ORDER, st.integers(0, 2**32 - 1))
def test_any_cut_gives_the_same_bits(words: list[str], cuts: list[int], order: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    x = np.array(words, dtype=object)
    # Tenths, whose sums round in another way in another order.
    weights = random.integers(1, 100, x.size) / 10.0
    labels = random.integers(0, 3, x.size)
    for analyzer, columns in (
        (VocabularyAnalyzer(weights=True), [x, weights]),
        (VocabularyAnalyzer(labels=True, min_diff_from_avg=0.0, threshold=-math.inf), [x, labels]),
        (ApproximateVocabularyAnalyzer(9, 100, weights=True), [x, weights]),
    ):
        assert folded(analyzer, columns, cuts, order) == folded(analyzer, columns, [], [])
    by_weight = folded(VocabularyAnalyzer(weights=True), [x, weights], cuts, order)
    exact = {word: math.fsum(weights[x == word]) for word in words}
    assert by_weight == [
        [word, weight] for weight, word in sorted(((w, word) for word, w in exact.items()), reverse=True)
    ]


def test_approximate_vocabulary_finds_what_is_frequent() -> None:
    random = np.random.default_rng(4)
    rare = random.integers(0, 10**6, 20_000).astype(str)
    words = np.array([*(["often"] * 3000), *(["sometimes"] * 2000), *rare], dtype=object)
    random.shuffle(words)
    analyzer = ApproximateVocabularyAnalyzer(2, 200)
    value = folded(analyzer, [words], list(range(0, 25_000, 1000)), [])
    assert [word for word, _ in value] == ["often", "sometimes"]
    assert 3000 - 25_000 / 200 <= value[0][1] <= 3000


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: tft.vocabulary(i["x"], key_fn=len), "key_fn alone"),
        (lambda i: tft.vocabulary(i["x"], coverage_top_k=2), "without key_fn"),
        (lambda i: tft.vocabulary(i["x"], labels=i["x"]), "takes numbers or truth"),
        (lambda i: tft.vocabulary(i["x"], labels=i["f"]), "texts or integers as keys"),
        (lambda i: tft.vocabulary(i["x"], weights=i["x"]), "takes numbers"),
        (lambda i: tft.vocabulary(i["x"], frequency_threshold=-1), "at least 0"),
        (lambda i: tft.approximate_vocabulary(i["x"], 0), "top_k"),
        (lambda i: tft.approximate_vocabulary(i["f"], 5), "texts or integers"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": ["a"], "f": [1.5]}, lambda i: {"y": tft.apply_vocabulary(i["x"], function(i))})
    assert "test_vocabularies.py:" in str(caught.value)
