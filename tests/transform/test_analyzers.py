from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np
import pytest

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]


def test_each_value(run: Run) -> None:
    x = [3.0, None, -1.0, float("nan"), 4.0]

    def function(inputs: Any) -> dict[str, Any]:
        zero = tft.fill_missing(inputs["n"], 0).astype(ndx.float64) * 0.0
        return {
            name: zero + getattr(tft, name)(inputs["x"]) for name in ("min", "max", "mean", "var", "sum", "size")
        } | {"median": zero + tft.quantiles(inputs["x"], 2)[0]}

    found = run(function, rows_per_shard=2, x=x, n=[1, 2, 3, 4, 5])
    values = np.array([3.0, -1.0, 4.0])
    expected = {
        "min": -1.0,
        "max": 4.0,
        "mean": values.mean(),
        "var": values.var(),
        "sum": 6.0,
        "size": 3.0,
        "median": 3.0,
    }
    assert {name: column[0] for name, column in found.items()} == pytest.approx(expected)


def test_integers_stay_exact(run: Run) -> None:
    big = 2**62 + 1
    found = run(
        lambda inputs: {
            "min": inputs["x"] - tft.min(inputs["x"]),
            "max": tft.max(inputs["x"]) - inputs["x"],
            "sum": inputs["x"] * 0 + tft.sum(inputs["y"]),
        },
        x=[big, big + 2],
        y=[2**53, 1],
    )
    assert found == {"min": [0, 2], "max": [2, 0], "sum": [2**53 + 1] * 2}


def test_sums_of_no_value_are_nought(run: Run) -> None:
    nan = float("nan")
    found = run(
        lambda inputs: {"sum": inputs["y"] + tft.sum(inputs["x"]), "size": inputs["y"] + tft.size(inputs["x"])},
        x=[nan, nan],
        y=[1, 2],
    )
    assert found == {"sum": [1.0, 2.0], "size": [1, 2]}


def test_what_the_graph_tells_of_them() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        return {"x": inputs["x"] - tft.mean(inputs["x"]), "w": tft.compute_and_apply_vocabulary(inputs["w"])}

    graph = tft.analyze({"x": [1, 3], "w": ["a", "a"]}, function)
    mean, words = graph.analyzers
    assert (mean.name, mean.columns, mean.value["mean"]) == ("moments", ("x",), 2.0)
    assert str(mean.where).startswith("test_analyzers.py:")
    assert (words.name, words.columns, words.value) == ("vocabulary", ("w",), [["a", 2]])


def test_mistakes() -> None:
    with pytest.raises(TransformError, match=r"num_buckets of tft\.quantiles"):
        tft.analyze({"x": [1]}, lambda inputs: {"y": inputs["x"] * tft.quantiles(inputs["x"], 1)[0]})


class Range:
    """An accumulator of a user's own."""

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf

    def update(self, x: Any, y: Any) -> None:
        if x.size:
            self.low, self.high = min(self.low, (x * y).min()), max(self.high, (x * y).max())

    def merge(self, other: Range) -> None:
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def result(self) -> Any:
        return [self.low, self.high]


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_analyzers_of_ones_own(run: Run, rows: int) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        low_high = tft.apply_analyzer(Range, inputs["x"], inputs["y"], shape=(2,))
        return {"low": inputs["n"] * low_high[0], "span": inputs["n"] * (low_high[1] - low_high[0])}

    found = run(function, rows, x=[1.0, 2.0, None, 4.0, 5.0], y=[1.0, -1.0, 9.0, float("nan"), 1.0], n=[1, 1, 1, 1, 1])
    assert (found["low"][0], found["span"][0]) == (-2.0, 7.0)


def test_an_analyzer_of_ones_own_that_returns_texts(run: Run) -> None:
    class First:
        words: list[str]

        def __init__(self) -> None:
            self.words = []

        def update(self, x: Any) -> None:
            self.words = sorted({*self.words, *x})[:1]

        def merge(self, other: First) -> None:
            self.update(other.words)

        def result(self) -> Any:
            return self.words[0]

    found = run(lambda i: {"y": i["x"] == tft.apply_analyzer(First, i["x"], dtype=ndx.utf8)}, 1, x=["b", "ä", "a"])
    assert found["y"] == [0, 0, 1]


class Shapes:
    """Remembers the number of dimensions of what it is given, and adds up."""

    def __init__(self) -> None:
        self.dimensions, self.total = 0, 0.0

    def update(self, x: Any, y: Any) -> None:
        self.dimensions, self.total = x.ndim, self.total + float(x.sum() + y.sum())

    def merge(self, other: Shapes) -> None:
        self.dimensions, self.total = max(self.dimensions, other.dimensions), self.total + other.total

    def result(self) -> Any:
        return [float(self.dimensions), self.total]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        # Rows of one length stay rows; in the last of them a place is missing.
        (lambda i: tft.stack([i["n"], i["n"] * 2]), [2.0, 1 + 2 + 2 + 4 + 3 + 6 + 1 + 2 + 3]),
        (lambda i: tft.parse_number(tft.split(i["w"])), [1.0, 10 + 20 + 30 + 1 + 1 + 2]),
        (lambda i: i["n"], [1.0, 6 + 6]),
    ],
)
def test_analyzers_of_ones_own_over_lists(lists: Any, expected: list[float]) -> None:
    data = {"n": [1, 2, 3], "w": ["10 20", "30", ""]}
    graph = tft.analyze(data, lambda i: {"y": i["n"] * tft.apply_analyzer(Shapes, lists(i), i["n"], shape=(2,))[0]})
    assert graph.analyzers[0].value == expected


def test_counts_of_keys_are_arrays(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        keys, counts = tft.count_per_key(inputs["x"])
        numbers, _ = tft.count_per_key(inputs["n"])
        one = inputs["n"] * 0 + 1
        return {
            "rows": one * ndx.sum(counts),
            "first": inputs["x"] == keys[0],
            "keys": one * tft.size(inputs["x"]) * numbers[-1],
        }

    found = run(function, 2, x=["b", "a", "b", "c"], n=[10, 9, 9, 2])
    assert found == {"rows": [4] * 4, "first": [0, 1, 0, 0], "keys": [40] * 4}


def test_weighted_quantiles(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        return {"y": inputs["x"] * 0.0 + tft.quantiles(inputs["x"], 2, weights=inputs["w"])[0]}

    found = run(function, 2, x=[1.0, 2.0, 3.0, 4.0], w=[1.0, 1.0, None, 5.0])
    assert found["y"] == [4.0] * 4


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: tft.apply_analyzer(Range), "at least one column"),
        (lambda i: tft.apply_analyzer(i["x"], i["x"]), "what makes an accumulator"),
        (lambda i: tft.histogram(i["x"], [1.0, 1.0])[0][0], "ascending"),
        (lambda i: tft.histogram(i["x"], 1)[0][0], "at least 2"),
        (lambda i: tft.count_per_key(i["x"])[1][0], "texts or integers as keys"),
        (lambda i: tft.quantiles(i["x"], 2, weights=i["w"])[0], "takes numbers"),
        (lambda i: tft.covariance(i["x"])[0, 0], "known number"),
        (lambda i: tft.mean(i["x"], reduce_instance_dims=i["x"]), "truth value"),
    ],
)
def test_more_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": [1.0, 2.0], "w": ["a", "b"]}, lambda i: {"y": i["x"] * function(i)})
    assert "test_analyzers.py:" in str(caught.value)
