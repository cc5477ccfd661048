from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]

ROWS = ["yes I like pie pie pie", "yum yum pie", "", "a", "🎈 yum I 🎈", None]
LISTS = [(row or "").split() for row in ROWS]


def grams(words: list[str], low: int, high: int) -> list[str]:
    return [
        " ".join(words[at : at + size])
        for at in range(len(words))
        for size in range(low, high + 1)
        if at + size <= len(words)
    ]


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 3), (3, 3)])
def test_ngrams(run: Run, low: int, high: int) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        tokens = tft.split(inputs["x"])
        return {
            "n": tft.list_length(tft.ngrams(tokens, (low, high))),
            "same": tft.join(tft.ngrams(tokens, (low, high)), "|") == inputs["runs"],
            "bag": tft.join(tft.bag_of_words(tokens, (low, high)), "|") == inputs["bag"],
        }

    runs = [grams(words, low, high) for words in LISTS]
    bags = ["|".join(dict.fromkeys(each)) for each in runs]
    found = run(function, 4, x=ROWS, runs=["|".join(each) for each in runs], bag=bags)
    assert found["n"] == [len(each) for each in runs]
    assert found["same"] == [1] * len(ROWS)
    assert found["bag"] == [1] * len(ROWS)


def test_tfidf_is_scikit_learns(run: Run) -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    random = np.random.default_rng(2)
    rows = [" ".join(random.choice(list("abcdefgh"), size)) for size in random.integers(1, 30, 60)]
    words = sorted(set(" ".join(rows).split()))

    def function(inputs: Any) -> dict[str, Any]:
        ids = tft.apply_vocabulary(tft.split(inputs["x"]), words)
        found, weights = tft.tfidf(ids)
        return {"dense": tft.multi_hot(found, weights=weights), "first": tft.pad_lists(found, 1, -1)}

    found = run(function, 7, x=rows)
    vectors = text.TfidfVectorizer(vocabulary=words, token_pattern=r"\w", norm=None)
    expected = vectors.fit_transform(rows).toarray() / np.array([len(row.split()) for row in rows])[:, None]
    np.testing.assert_allclose(found["dense"], expected, rtol=1e-6)
    assert found["first"] == [[words.index(min(row.split()))] for row in rows]


def test_tfidf_of_a_vocabulary_that_is_not_known_yet() -> None:
    graph = tft.analyze(
        {"x": ROWS},
        lambda i: dict(
            zip(
                ("ids", "weights"),
                (
                    tft.pad_lists(each, 5, filling)
                    for each, filling in zip(
                        tft.tfidf(tft.compute_and_apply_vocabulary(tft.split(i["x"]), top_k=3)), (-1, 0.0), strict=True
                    )
                ),
                strict=True,
            )
        ),
    )
    found = graph.transform({"x": ROWS}).to_table().to_pydict()
    # Most frequent: pie 4, yum 3, then 🎈 and I twice; -1 is the last id, as TensorFlow Transform has it.
    assert graph.outputs[0].vocabulary == ("pie", "yum", "🎈")
    assert found["ids"][:4] == [[0, 2, -1, -1, -1], [0, 1, -1, -1, -1], [-1] * 5, [2, -1, -1, -1, -1]]
    idf = 1 + np.log(7 / np.array([3, 3, 4]))
    np.testing.assert_allclose(found["weights"][0], [idf[0] * 3 / 6, idf[2] * 3 / 6, 0, 0, 0], rtol=1e-6)


def test_document_frequencies(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        ids = tft.apply_vocabulary(tft.split(inputs["x"]), ["pie", "yum", "none"])
        one = tft.list_length(ids) * 0 + 1
        frequency = tft.document_frequency(ids)
        plain = tft.idf(ids, smooth=False, add_baseline=False)
        smooth = tft.idf(ids)
        return {f"df{at}": one * frequency[at] for at in range(3)} | {
            "plain": one * plain[0],
            "smooth": one * smooth[1],
        }

    found = run(function, 2, x=ROWS)
    # Words that the vocabulary lacks count as the last id.
    assert [found[f"df{at}"][0] for at in range(3)] == [2, 2, 3]
    np.testing.assert_allclose([found["plain"][0], found["smooth"][0]], [np.log(6 / 2), 1 + np.log(7 / 3)], rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: {"y": tft.ngrams(i["x"], (1, 2))}, "takes lists"),
        (lambda i: {"y": tft.ngrams(tft.split(i["x"]), (0, 2))}, r"ngram_range\[0\]"),
        (lambda i: {"y": tft.ngrams(tft.split(i["x"]), (3, 2))}, r"ngram_range\[1\]"),
        (lambda i: {"y": tft.word_count(tft.stack([i["n"]]))}, "takes texts"),
        (lambda i: {"y": tft.tfidf(tft.stack([i["n"]]))[0]}, "how many ids"),
        (lambda i: {"y": tft.idf(tft.stack([i["n"] * 0.5]))}, "integer ids"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": ["a", "b"], "n": [1, 2]}, function)
    assert "test_documents.py:" in str(caught.value)
