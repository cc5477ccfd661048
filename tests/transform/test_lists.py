from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import ndonnx.extensions as nde
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]

TEXTS = ["3 1 2", "", None, "5", "2 2 -7.5 1e3 2"]
NUMBERS = [[3.0, 1.0, 2.0], [], [], [5.0], [2.0, 2.0, -7.5, 1000.0, 2.0]]


def numbers(inputs: Any) -> Any:
    return tft.parse_number(tft.split(inputs["x"]))


def test_one_value_for_each_list(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        items = numbers(inputs)
        return {
            "sum": tft.list_sum(items),
            "mean": tft.fill_missing(tft.list_mean(items), -1.0),
            "min": tft.fill_missing(tft.list_min(items), -1.0),
            "max": tft.fill_missing(tft.list_max(items), -1.0),
            "length": tft.list_length(items),
            "top": tft.pad_lists(tft.list_top(items, 2), 2, -1.0),
            "cut": tft.pad_lists(items, 3, 0.0),
        }

    found = run(function, x=TEXTS)
    assert found["sum"] == [sum(items) for items in NUMBERS]
    means = [float(np.mean(items)) if items else -1.0 for items in NUMBERS]
    np.testing.assert_allclose(found["mean"], means, rtol=1e-6)
    assert found["min"] == [min(items, default=-1.0) for items in NUMBERS]
    assert found["max"] == [max(items, default=-1.0) for items in NUMBERS]
    assert found["length"] == [len(items) for items in NUMBERS]
    assert found["top"] == [[*sorted(items, reverse=True), -1.0, -1.0][:2] for items in NUMBERS]
    assert found["cut"] == [([*items, 0.0, 0.0, 0.0])[:3] for items in NUMBERS]


def test_sums_do_not_depend_on_the_other_lists_of_a_batch() -> None:
    random = np.random.default_rng(0)
    rows = [" ".join(f"{x:.17g}" for x in random.normal(0, 1e6, size)) for size in random.integers(0, 40, 200)]
    # Eight bytes of float64 as two outputs of float32: the value, and what it leaves.
    graph = tft.analyze(
        {"x": rows},
        lambda i: {
            "whole": tft.list_sum(numbers(i)),
            "rest": (tft.list_sum(numbers(i)) * 1e6) % 997.0,
            "mean": (tft.list_mean(tft.pad_lists(numbers(i), 7, 0.5)) * 1e6) % 997.0,
        },
    )
    together = graph.transform({"x": rows}).to_table()
    for number, row in enumerate(rows):
        assert graph.transform({"x": [row]}).to_table() == together.slice(number, 1)


def test_analyzers_see_the_items(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        items = numbers(inputs)
        one = tft.list_length(items) * 0 + 1
        return {"mean": one * tft.mean(items), "size": one * tft.size(items), "max": one * tft.max(items)}

    every = [item for items in NUMBERS for item in items]
    found = run(function, rows_per_shard=2, x=TEXTS)
    assert found["size"][0] == len(every)
    assert found["mean"][0] == pytest.approx(np.mean(every))
    assert found["max"][0] == 1000.0


def test_places_of_rows_have_analyzers_of_their_own(run: Run) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3))

    def function(inputs: Any) -> dict[str, Any]:
        x = tft.stack([inputs["a"], inputs["b"], inputs["c"]])
        deviation = tft.var(x, reduce_instance_dims=False) ** 0.5
        low, high = (of(x, reduce_instance_dims=False) for of in (tft.min, tft.max))
        return {
            "z": (x - tft.mean(x, reduce_instance_dims=False)) / deviation,
            "unit": (x - low) / (high - low),
            "share": x / tft.sum(x, reduce_instance_dims=False) / tft.size(x, reduce_instance_dims=False),
        }

    found = run(function, a=rows[:, 0], b=rows[:, 1], c=rows[:, 2])
    np.testing.assert_allclose(found["z"], (rows - rows.mean(0)) / rows.std(0), rtol=1e-6)
    np.testing.assert_allclose(found["unit"], (rows - rows.min(0)) / np.ptp(rows, 0), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found["share"], rows / rows.sum(0) / 20, rtol=1e-6)


def test_missing_places(run: Run) -> None:
    found = run(
        lambda i: {
            "sum": tft.list_sum(tft.stack([i["a"], i["b"]])),
            "length": tft.list_length(tft.stack([i["a"], i["b"]])),
        },
        a=[1, None, None],
        b=[1.5, 2.5, None],
    )
    assert found == {"sum": [2.5, 2.5, 0.0], "length": [2, 1, 0]}


WORD = st.text(st.sampled_from("ab🎈é"), min_size=1, max_size=2)
ROWS = st.lists(st.lists(WORD, max_size=6), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def list_graph() -> tft.TransformGraph:
    words = ["a", "b", "🎈", "é"]

    def function(inputs: Any) -> dict[str, Any]:
        tokens = tft.split(inputs["x"], " ")
        ids = tft.apply_vocabulary(tokens, words)
        once = tft.deduplicate_per_row(tokens)
        return {
            "once": tft.pad_lists(tft.hash_strings(once, 10**6), 8, -1),
            "ids_once": tft.pad_lists(tft.deduplicate_per_row(ids), 8, -9),
            "hot": tft.multi_hot(ids),
            "counts": tft.multi_hot(ids, counts=True),
            "hashed": tft.pad_lists(tft.hash_strings(tokens, 10**6), 8, -1),
            "run": tft.pad_lists(tft.segment_indices(ids), 8, -1),
        }

    return tft.analyze({"x": ["a b", None]}, function)


@settings(deadline=None, max_examples=40)
@given(ROWS)
def test_lists_are_pythons(list_graph: tft.TransformGraph, rows: list[list[str]]) -> None:
    words = ["a", "b", "🎈", "é"]
    found = list_graph.transform({"x": [" ".join(row) for row in rows]}).to_table().to_pydict()
    number = {
        word: hashed[place] for row, hashed in zip(rows, found["hashed"], strict=True) for place, word in enumerate(row)
    }
    for at, row in enumerate(rows):
        ids = [words.index(word) if word in words else -1 for word in row]
        assert found["once"][at] == ([number[word] for word in dict.fromkeys(row)] + [-1] * 8)[:8]
        assert found["ids_once"][at] == ([*dict.fromkeys(ids), *[-9] * 8])[:8]
        assert found["hot"][at] == [float(place in ids) for place in range(4)]
        assert found["counts"][at] == [float(ids.count(place)) for place in range(4)]
        runs = [
            next(back for back in range(at + 1) if back == at or ids[at - back - 1] != ids[at])
            for at in range(len(ids))
        ]
        assert found["run"][at] == (runs + [-1] * 8)[:8]


def test_batches_without_rows_and_without_items(list_graph: tft.TransformGraph) -> None:
    import pyarrow as pa

    assert list_graph.transform_batch(pa.record_batch({"x": pa.array([], pa.string())})).num_rows == 0
    found = list_graph.transform_batch(pa.record_batch({"x": ["", None]}))
    assert found["counts"].to_pylist() == [[0.0] * 4] * 2
    assert found["once"].to_pylist() == [[-1] * 8] * 2


def test_a_long_list(run: Run) -> None:
    row = " ".join(f"w{number % 500}" for number in range(2000))
    found = run(lambda i: {"n": tft.list_length(tft.deduplicate_per_row(tft.split(i["x"])))}, x=[row, "a"])
    assert found["n"] == [500, 1]


def test_padding_where_a_mask_is_narrower_than_its_values() -> None:
    data = {"a": [1.0, None, 3.0]}

    def function(inputs: Any) -> dict[str, Any]:
        rows = inputs["a"][:, None] * ndx.asarray(np.array([[1.0, 2.0, 3.0]]))
        return {"cut": tft.pad_lists(rows, 2, 0.0), "wide": tft.pad_lists(rows, 4, -1.0)}

    found = tft.analyze(data, function).transform(data).to_table()
    assert found["cut"].to_pylist() == [[1.0, 2.0], [0.0, 0.0], [3.0, 6.0]]
    assert found["wide"].to_pylist() == [[1.0, 2.0, 3.0, -1.0], [-1.0] * 4, [3.0, 6.0, 9.0, -1.0]]


def test_weights_that_are_missing_for_another_reason_are_filled() -> None:
    data = {"s": ["a b", "b", "a c a"]}

    def function(inputs: Any) -> dict[str, Any]:
        ids, weights = tft.tfidf(tft.apply_vocabulary(tft.split(inputs["s"]), ["a", "b", "c"]))
        mask = nde.get_mask(weights)
        assert mask is not None
        fewer = nde.make_nullable(nde.get_data(weights), mask | (nde.get_data(ids) == 0))
        return {
            "all": tft.pad_lists(weights, 3, -0.0),
            "fewer": tft.pad_lists(fewer, 3, 0.0),
            "ids": tft.pad_lists(ids, 3, 3),
            "others": tft.pad_lists(ids, 3, -1),
        }

    graph = tft.analyze(data, function)
    found = graph.transform(data).to_table()
    whole, fewer = np.array(found["all"].to_pylist()), np.array(found["fewer"].to_pylist())
    assert (whole[:, 0] > 0).all()
    assert found["ids"].to_pylist() == [[0, 1, 3], [1, 3, 3], [0, 2, 3]]
    assert found["others"].to_pylist() == [[0, 1, -1], [1, -1, -1], [0, 2, -1]]
    assert fewer[0].tolist() == [0.0, whole[0, 1], 0.0]
    assert fewer[2].tolist() == [0.0, whole[2, 1], 0.0]
    assert all(one.identical for one in graph.verify(data).comparisons)


def test_padded_ids_know_their_range() -> None:
    graph = tft.analyze(
        {"x": ["a b", "a"]},
        lambda i: {"y": tft.pad_lists(tft.compute_and_apply_vocabulary(tft.split(i["x"]), num_oov_buckets=1), 2, 2)},
    )
    assert graph.outputs[0].num_buckets == 3
    assert graph.outputs[0].vocabulary == ("a", "b")
    assert graph.outputs[0].shape == (2,)


def test_weights_in_rows(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        ids = tft.stack([inputs["a"], inputs["b"]])
        return {"y": tft.multi_hot(ids, 3, weights=tft.stack([inputs["v"], inputs["w"]]))}

    found = run(function, a=[0, 1, 7], b=[0, 2, -1], v=[1.0, 2.0, 3.0], w=[0.5, 0.25, 1.0])
    assert found["y"] == [[1.5, 0.0, 0.0], [0.0, 2.0, 0.25], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: {"y": tft.list_sum(i["n"])}, "tft.list_sum takes lists; got one value a row"),
        (lambda i: {"y": tft.list_sum(tft.split(i["x"]))}, "takes numbers"),
        (lambda i: {"y": tft.segment_indices(i["n"])}, "takes lists"),
        (lambda i: {"y": tft.pad_lists(tft.split(i["x"]), 2, 0)}, "own type"),
        (lambda i: {"y": tft.pad_lists(tft.stack([i["n"]]), 2, 0.5)}, "own type"),
        (lambda i: {"y": tft.multi_hot(tft.stack([i["n"]]))}, "how many ids"),
        (lambda i: {"y": tft.stack([i["n"], i["x"]])}, "of one kind"),
        (lambda i: {"y": tft.mean(tft.parse_number(tft.split(i["x"])), False)}, "known number"),
        (lambda i: {"y": tft.split(i["x"])}, "shape"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": ["a", "b"], "n": [1, 2]}, function)
    assert "test_lists.py:" in str(caught.value)
