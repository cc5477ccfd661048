from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]

WORDS = ["b", "a", "b", "c", "🎈", "c", "b"]


def murmur3(content: bytes) -> int:
    """MurmurHash3 x86 32 bits, seed 0, after Austin Appleby's reference."""

    def turn(x: int, by: int) -> int:
        return (x << by | x >> (32 - by)) & 0xFFFFFFFF

    h = 0
    whole = len(content) // 4 * 4
    for start in range(0, whole, 4):
        k = int.from_bytes(content[start : start + 4], "little") * 0xCC9E2D51 & 0xFFFFFFFF
        h = (turn(h ^ turn(k, 15) * 0x1B873593 & 0xFFFFFFFF, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    k = int.from_bytes(content[whole:], "little") * 0xCC9E2D51 & 0xFFFFFFFF
    h ^= turn(k, 15) * 0x1B873593 & 0xFFFFFFFF
    h ^= len(content)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ h >> shift) * factor & 0xFFFFFFFF
    return h ^ h >> 16


def test_vocabulary_ids_and_domain() -> None:
    graph = tft.analyze({"x": WORDS}, lambda inputs: {"id": tft.compute_and_apply_vocabulary(inputs["x"])})
    assert graph.transform({"x": [*WORDS, "new", "B"]}).to_table()["id"].to_pylist() == [0, 3, 0, 1, 2, 1, 0, -1, -1]
    assert graph.outputs[0].vocabulary == ("b", "c", "🎈", "a")
    assert graph.outputs[0].num_buckets == 4


def test_top_k_and_threshold_and_one_bucket() -> None:
    graph = tft.analyze(
        {"x": WORDS},
        lambda inputs: {
            "top": tft.compute_and_apply_vocabulary(inputs["x"], top_k=1, num_oov_buckets=1),
            "often": tft.compute_and_apply_vocabulary(inputs["x"], frequency_threshold=2, default_value=0),
            "never": tft.compute_and_apply_vocabulary(inputs["x"], frequency_threshold=99, num_oov_buckets=1),
        },
    )
    found = graph.transform({"x": ["a", "b", "c"]}).to_table().to_pydict()
    assert found == {"top": [1, 0, 1], "often": [0, 0, 1], "never": [0, 0, 0]}
    assert [feature.num_buckets for feature in graph.outputs] == [2, 2, 1]


def test_buckets_behind_the_vocabulary_are_by_hash() -> None:
    graph = tft.analyze(
        {"x": ["a"]}, lambda inputs: {"id": tft.compute_and_apply_vocabulary(inputs["x"], num_oov_buckets=7)}
    )
    words = ["", "b", "köln", "🎈yz", "a" * 99]
    expected = [1 + murmur3(word.encode()) % 7 for word in words]
    assert graph.transform({"x": words}).to_table()["id"].to_pylist() == expected
    assert graph.outputs[0].num_buckets == 8


def test_missing_is_out_of_the_vocabulary(run: Run) -> None:
    found = run(
        lambda inputs: {
            "bucket": tft.compute_and_apply_vocabulary(inputs["x"], num_oov_buckets=3),
            "default": tft.compute_and_apply_vocabulary(inputs["x"]),
        },
        x=["", None, "", "a"],
    )
    assert found == {"bucket": [0, 2, 0, 1], "default": [0, -1, 0, 1]}


def test_integers_have_vocabularies(run: Run) -> None:
    found = run(
        lambda inputs: {
            "id": tft.compute_and_apply_vocabulary(inputs["x"]),
            "given": tft.apply_vocabulary(inputs["x"], ["-5", "7"]),
        },
        x=[7, -5, 7, None],
    )
    assert found == {"id": [0, 1, 0, -1], "given": [1, 0, 1, -1]}


def test_a_shared_vocabulary(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        words = tft.vocabulary(inputs["x"])
        return {name: tft.apply_vocabulary(inputs[name], words, num_oov_buckets=1) for name in ("x", "y")}

    assert run(function, x=["a", "b", "a"], y=["b", "c", "a"]) == {"x": [0, 1, 0], "y": [1, 2, 0]}


def test_one_hot(run: Run) -> None:
    found = run(
        lambda inputs: {
            "words": tft.one_hot(tft.compute_and_apply_vocabulary(inputs["x"])),
            "ids": tft.one_hot(inputs["n"], num_buckets=2),
            "truth": tft.one_hot(inputs["x"] == "a"),
        },
        x=["a", "b", "a"],
        n=[1, None, 5],
    )
    assert found["words"] == [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    assert found["ids"] == [[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    assert found["truth"] == [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]


def test_hashes_are_murmur3() -> None:
    words = ["", "a", "ab", "abc", "abcd", "grüße", "🎈"]
    numbers = [0, 1, -1, 2**40, -(2**62), 7, 8]
    graph = tft.analyze(
        {"x": words, "n": numbers},
        lambda inputs: {"x": tft.hash_strings(inputs["x"], 1000), "n": tft.hash_strings(inputs["n"], 1000)},
    )
    found = graph.transform({"x": words, "n": numbers}).to_table().to_pydict()
    assert found["x"] == [murmur3(word.encode()) % 1000 for word in words]
    assert found["n"] == [murmur3(n.to_bytes(8, "little", signed=True)) % 1000 for n in numbers]
    assert {feature.num_buckets for feature in graph.outputs} == {1000}


def test_cross_of_known_ids_is_exact() -> None:
    data = {"x": ["a", "b", "a", "b"], "n": [1, 2, 3, 4]}
    graph = tft.analyze(
        data,
        lambda inputs: {
            "c": tft.cross(
                [
                    tft.compute_and_apply_vocabulary(inputs["x"], num_oov_buckets=1),
                    tft.bucketize(inputs["n"], 2),
                    inputs["n"] > 3,
                ]
            )
        },
    )
    # Equally frequent, so b comes before a.
    expected = [(word * 2 + bucket) * 2 + truth for word, bucket, truth in [(1, 0, 0), (0, 0, 0), (1, 1, 0), (0, 1, 1)]]
    assert graph.transform(data).to_table()["c"].to_pylist() == expected
    assert graph.outputs[0].num_buckets == 12


def test_cross_by_hash(run: Run) -> None:
    found = run(
        lambda inputs: {"c": tft.fill_missing(tft.cross([inputs["x"], inputs["n"]], num_buckets=50), 0)},
        x=["a", "b", None],
        n=[1, 22, 3],
    )
    assert found["c"] == [murmur3(b"a\x1f1") % 50, murmur3(b"b\x1f22") % 50, 0]


def test_ids_that_may_be_outside_are_not_crossed_exactly() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        ids = tft.compute_and_apply_vocabulary(inputs["x"])
        return {"c": tft.cross([ids, ids])}

    with pytest.raises(TransformError, match="num_buckets"):
        tft.analyze({"x": ["a", "b"]}, function)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda inputs: {"y": tft.one_hot(inputs["n"])}, "how many ids"),
        (lambda inputs: {"y": tft.one_hot(inputs["f"], 3)}, "integer id"),
        (lambda inputs: {"y": tft.one_hot(inputs["x"], 3)}, "got a column of utf8"),
        (lambda inputs: {"y": tft.hash_strings(inputs["f"], 3)}, "texts or integers"),
        (lambda inputs: {"y": tft.hash_strings(inputs["x"], 0)}, "at least 1; got 0"),
        (lambda inputs: {"y": tft.one_hot(tft.stack([inputs["n"]]), 3)}, "tft.multi_hot"),
        (lambda inputs: {"y": tft.num_buckets(inputs["n"]) * inputs["n"]}, "ids of known range"),
        (lambda inputs: {"y": tft.cross([inputs["x"]], 3)}, "at least two"),
        (lambda inputs: {"y": tft.cross([tft.split(inputs["x"]), inputs["x"]], 3)}, "one value a row"),
        (lambda inputs: {"y": tft.cross([inputs["x"], inputs["n"]])}, "how many ids"),
        (lambda inputs: {"y": tft.compute_and_apply_vocabulary(inputs["f"])}, "tft.bucketize"),
        (lambda inputs: {"y": tft.compute_and_apply_vocabulary(inputs["x"], top_k=0)}, "top_k"),
        (lambda inputs: {"y": tft.apply_vocabulary(inputs["x"], "abc")}, "list of texts"),
        (lambda inputs: {"y": tft.apply_vocabulary(inputs["x"], ["a", "a"])}, "'a' twice"),
        (lambda inputs: {"y": inputs["n"] * len(tft.vocabulary(inputs["x"]))}, "not known while"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": ["a"], "n": [1], "f": [1.5]}, function)
    assert "test_categories.py:" in str(caught.value)


def test_the_number_of_ids() -> None:
    graph = tft.analyze(
        {"x": ["a", "b", "b"]},
        lambda i: {
            "found": tft.hash_strings(i["x"], 5) * 0
            + tft.num_buckets(tft.compute_and_apply_vocabulary(i["x"], num_oov_buckets=3)),
            "given": tft.hash_strings(i["x"], 5) * 0 + tft.num_buckets(tft.hash_strings(i["x"], 5)),
        },
    )
    found = graph.transform({"x": ["a"]}).to_table().to_pydict()
    assert (found["found"], found["given"]) == ([5], [5])


def test_lists_have_vocabularies(run: Run) -> None:
    found = run(
        lambda i: {
            "y": tft.pad_lists(tft.compute_and_apply_vocabulary(tft.split(i["x"]), num_oov_buckets=1, top_k=2), 3, -7),
            "about": tft.pad_lists(tft.compute_and_apply_approximate_vocabulary(tft.split(i["x"]), 2), 3, -7),
        },
        x=["a b b", None, "c b a"],
    )
    assert found["y"] == [[1, 0, 0], [-7, -7, -7], [2, 0, 1]]
    assert found["about"] == [[1, 0, 0], [-7, -7, -7], [-1, 0, 1]]
