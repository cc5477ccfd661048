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
