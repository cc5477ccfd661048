from __future__ import annotations

import inspect
import math
import re
from typing import Any

import numpy as np
import pytest

from headrace import transform as tft
from headrace.errors import DataError, HeadraceError, TransformError

DATA = {"age": [1, 2, 3], "name": ["a", "b", "c"], "gone": [None, None, None]}


def mistake(function: Any, data: Any = None) -> HeadraceError:
    with pytest.raises(HeadraceError) as caught:
        tft.analyze(DATA if data is None else data, function)
    return caught.value


def line_of(function: Any, text: str) -> str:
    """Return file and line of the line of a function that has ``text``."""
    lines, start = inspect.getsourcelines(function)
    number = next(i for i, line in enumerate(lines) if text in line)
    return f"{__file__}:{start + number}"


def test_an_unknown_column() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        return {"x": inputs["agee"]}

    error = mistake(function)
    assert isinstance(error, TransformError)
    assert error.fix == "Did you mean 'age'?"
    assert error.where == line_of(function, "agee")


def test_if_on_a_column() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        if inputs["age"] > 2:
            return {"x": inputs["age"]}
        return {"x": -inputs["age"]}

    error = mistake(function)
    assert "`if`" in error.rule
    assert "where(condition" in str(error.fix)
    assert error.where == line_of(function, "if inputs")
    assert error.got == 'if inputs["age"] > 2:'


def test_if_on_an_analyzer() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        small = tft.max(inputs["age"]) < 10
        return {"x": inputs["age"] if small else -inputs["age"]}

    error = mistake(function)
    assert "truth value" in error.rule
    assert error.where == line_of(function, "if small")


@pytest.mark.parametrize(
    "function",
    [
        lambda inputs: {"x": np.log(inputs["age"])},
        lambda inputs: {"x": np.where(inputs["age"] > 2, 1, 0)},
        lambda inputs: {"x": math.log(inputs["age"])},
    ],
)
def test_functions_of_other_libraries(function: Any) -> None:
    error = mistake(function)
    assert "other libraries" in error.rule
    assert "ndonnx" in str(error.fix)
    assert str(error.where).startswith(__file__)


def test_a_loop_over_rows() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        return {"x": [value * 2 for value in inputs["age"]]}

    error = mistake(function)
    assert "loop over rows" in error.rule
    assert error.where == line_of(function, "value * 2")


def test_a_length() -> None:
    error = mistake(lambda inputs: {"x": inputs["age"] / len(inputs["age"])})
    assert "whole columns" in error.rule


def test_a_python_number() -> None:
    error = mistake(lambda inputs: {"x": inputs["age"] * int(tft.max(inputs["age"]))})
    assert "Python number" in error.rule


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "is `return` missing"),
        ([1], "dictionary from name to column; got list"),
        ({}, "at least one output"),
        ({"x": [1, 2]}, "output 'x': list"),
        ({"x": 1.0}, "output 'x': float"),
        ({1: 1.0}, "name of an output"),
        ({"": 1.0}, "name of an output"),
        ({"x__missing": 1.0}, "x__missing"),
        ({"x__transformed": 1.0}, "x__transformed"),
    ],
)
def test_returning_what_is_no_column(returned: Any, message: str) -> None:
    def function(inputs: Any) -> Any:
        return returned

    error = mistake(function)
    assert message in str(error)
    assert error.where == line_of(function, "def function")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda inputs: {"x": inputs["name"]}, "compute_and_apply_vocabulary"),
        (lambda inputs: {"x": tft.mean(inputs["age"])}, "each row"),
        (lambda inputs: {"x": inputs["age"][None, :, None]}, "shape"),
        (lambda inputs: {"x": tft.hash_strings(inputs["gone"], 3)}, "tft.fill_missing(x, 0)"),
        (lambda inputs: {"x": tft.quantiles(inputs["age"], 3)}, "each row"),
    ],
)
def test_outputs_that_no_estimator_can_use(function: Any, message: str) -> None:
    assert message in str(mistake(function))


def test_analyzers_outside_of_analyze() -> None:
    import ndonnx as ndx

    with pytest.raises(TransformError, match=r"inside a preprocessing function") as caught:
        tft.mean(ndx.asarray([1.0]))
    assert str(caught.value.where).startswith(__file__)


@pytest.mark.parametrize(
    "function",
    [
        lambda inputs: {"y": tft.bucketize(inputs["name"], 3)},
        lambda inputs: {"y": tft.scale_to_z_score(inputs["name"])},
        lambda inputs: {"y": tft.scale_to_0_1(inputs["name"])},
        lambda inputs: {"y": inputs["age"] * tft.mean(inputs["name"])},
    ],
)
def test_a_text_where_a_number_is_wanted(function: Any) -> None:
    error = mistake(function)
    assert "takes numbers" in error.rule
    assert error.got == "a column of utf8"
    assert "without one it is read as texts" in str(error.fix)
    assert str(error.where).startswith(__file__)


def test_an_analyzer_of_a_column_that_is_always_missing() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        return {"x": tft.compute_and_apply_vocabulary(inputs["gone"], num_oov_buckets=1)}

    error = mistake(function)
    assert error.got == "column 'gone', missing (or NaN) in all 3 rows"
    assert error.where == line_of(function, "tft.")


def test_no_rows() -> None:
    import pyarrow as pa

    empty = pa.table({"age": pa.array([], pa.int64())})
    error = mistake(lambda inputs: {"x": tft.scale_to_z_score(inputs["age"])}, empty)
    assert isinstance(error, DataError)
    assert error.got == "no rows"


def test_a_function_that_changes_its_mind() -> None:
    calls: list[int] = []

    def more_each_time(inputs: Any) -> dict[str, Any]:
        calls.append(1)
        x = inputs["age"]
        for _ in calls:
            x = x - tft.mean(x)
        return {"x": x}

    def another_each_time(inputs: Any) -> dict[str, Any]:
        calls.append(1)
        x = inputs["age"]
        return {"x": x - (tft.min(x) if len(calls) % 2 else tft.max(x) * tft.size(x))}

    for function in (more_each_time, another_each_time):
        calls.clear()
        error = mistake(function)
        assert "the same each time" in error.rule
        assert str(error.where).startswith(__file__)


def test_the_users_own_exceptions() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        return {"x": inputs["age"] + dict[str, int]()["k"]}

    error = mistake(function)
    assert error.got == "KeyError: 'k'"
    assert error.where == line_of(function, "return")
    assert isinstance(error.__cause__, KeyError)


@pytest.mark.parametrize(
    ("function", "fix"),
    [
        (lambda inputs: {"x": inputs["name"].lower()}, "tft.lower(x)"),
        (lambda inputs: {"x": inputs["age"].fillna(0)}, "tft.fill_missing(x, value)"),
        (lambda inputs: {"x": inputs["name"].map({"a": 1})}, "tft.apply_vocabulary"),
        (lambda inputs: {"x": inputs["age"].unheard_of}, "ndonnx functions"),
        (lambda inputs: {"x": {"a": 1}[inputs["name"]]}, "tft.apply_vocabulary"),
        (lambda inputs: {"x": re.sub("a", "b", inputs["name"])}, "tft functions"),
        (lambda inputs: {"x": inputs["age"] + inputs["name"]}, "tft.parse_number"),
    ],
)
def test_what_to_write_instead(function: Any, fix: str) -> None:
    error = mistake(function)
    assert fix in str(error.fix)
    assert str(error.where).startswith(__file__)


def test_types_that_do_not_fit() -> None:
    error = mistake(lambda inputs: {"x": inputs["age"] + inputs["name"]})
    assert "TypeError" in str(error)
    assert str(error.where).startswith(__file__)
