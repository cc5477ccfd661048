from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]


def test_fill_missing(run: Run) -> None:
    found = run(
        lambda inputs: {
            "constant": tft.fill_missing(inputs["n"], -1),
            "mean": tft.fill_missing(inputs["n"], tft.mean(inputs["n"])),
            "word": tft.fill_missing(inputs["x"], "b") == "b",
            "truth": tft.fill_missing(inputs["x"] == "a", False),
            "whole": tft.fill_missing(inputs["whole"], 9),
        },
        n=[1, None, 4],
        x=["a", "b", None],
        whole=[1, 2, 3],
    )
    assert found == {
        "constant": [1, -1, 4],
        "mean": [1.0, 2.5, 4.0],
        "word": [0, 1, 1],
        "truth": [1, 0, 0],
        "whole": [1, 2, 3],
    }


def test_ids_keep_their_domain() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        ids = tft.hash_strings(inputs["x"], 5)
        return {"inside": tft.fill_missing(ids, 4), "outside": tft.fill_missing(ids, 5)}

    graph = tft.analyze({"x": ["a", None]}, function)
    assert [feature.num_buckets for feature in graph.outputs] == [5, None]


def test_is_missing_and_isin(run: Run) -> None:
    nan = float("nan")
    found = run(
        lambda inputs: {
            "m": tft.is_missing(inputs["x"]),
            "whole": tft.is_missing(inputs["whole"]),
            "in": tft.isin(inputs["x"], ["a", "🎈"]),
            "number": tft.isin(inputs["f"], [1.0, nan]),
        },
        x=["a", None, "🎈"],
        whole=["a", "b", "c"],
        f=[1.0, nan, None],
    )
    assert found == {"m": [0, 1, 0], "whole": [0, 0, 0], "in": [1, 0, 1], "number": [1, 0, 0]}


def test_missing_times(run: Run) -> None:
    found = run(
        lambda inputs: {"t": tft.fill_missing(inputs["t"], inputs["other"]).astype("int64")},
        t=pa.array([1, None], pa.timestamp("us")),
        other=pa.array([5, 6], pa.timestamp("us")),
    )
    assert found == {"t": [1, 6]}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda inputs: {"y": tft.fill_missing(inputs["n"], "a")}, "own type"),
        (lambda inputs: {"y": tft.fill_missing(inputs["x"], 1)}, "own type"),
        (lambda inputs: {"y": tft.isin(inputs["x"], [1])}, "own type"),
        (lambda inputs: {"y": tft.isin(inputs["x"], [])}, "at least one"),
        (lambda inputs: {"y": tft.is_missing(tft.mean(inputs["n"]))}, "a single value"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message):
        tft.analyze({"x": ["a", None], "n": [1, None]}, function)


WRONG: Any = "men"


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_impute_is_scikit_learns(run: Run, strategy: Any) -> None:
    impute = pytest.importorskip("sklearn.impute")
    x = [3.0, None, 1.0, 1.0, np.nan, 7.5]
    constant = 9.0 if strategy == "constant" else None

    def function(inputs: Any) -> dict[str, Any]:
        filled, absent = tft.impute(inputs["x"], strategy, constant)
        return {"x": filled, "absent": absent}

    found = run(function, 2, x=x)
    numbers = np.array([np.nan if value is None else value for value in x])[:, None]
    expected = impute.SimpleImputer(strategy=strategy, fill_value=constant).fit_transform(numbers)[:, 0]
    np.testing.assert_allclose(found["x"], expected, rtol=1e-6)
    assert found["absent"] == [0, 1, 0, 0, 1, 0]


def test_impute_of_other_types(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        word, _ = tft.impute(inputs["w"], "most_frequent")
        truth, _ = tft.impute(inputs["t"], "constant", True)
        number, absent = tft.impute(inputs["n"], "most_frequent")
        return {"b": word == "b", "t": truth, "n": number, "absent": absent}

    found = run(function, w=["b", "c", None, "c", "b"], t=[False, None, None, True, False], n=[5, 5, 1, 2, 2])
    assert found == {"b": [1, 0, 1, 0, 1], "t": [0, 1, 1, 1, 0], "n": [5, 5, 1, 2, 2], "absent": [0] * 5}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: tft.impute(i["n"], WRONG), "Did you mean 'mean'"),
        (lambda i: tft.impute(i["n"], "constant"), "fill_value"),
        (lambda i: tft.impute(i["n"], "mean", 3), "fill_value"),
        (lambda i: tft.impute(i["n"], "constant", "a"), "own type"),
        (lambda i: tft.impute(i["x"], "median"), "takes numbers"),
    ],
)
def test_mistakes_of_impute(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message):
        tft.analyze({"x": ["a", None], "n": [1, None]}, lambda i: {"y": function(i)[0]})
