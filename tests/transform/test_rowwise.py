from __future__ import annotations

from typing import Any

import ndonnx as ndx
import pytest

from headrace import transform as tft
from headrace.errors import TransformError

DATA = {"x": [1.0, 2.0, 5.0], "w": ["a", "b", "a"]}


@pytest.mark.parametrize(
    "function",
    [
        lambda inputs: {"y": inputs["x"] - ndx.mean(inputs["x"])},
        lambda inputs: {"y": ndx.cumulative_sum(inputs["x"])},
        lambda inputs: {"ok": inputs["x"], "y": ndx.argsort(inputs["x"])},
    ],
)
def test_values_that_depend_on_other_rows(function: Any) -> None:
    with pytest.raises(TransformError, match=r"output 'y', whose values change.*test_rowwise\.py:.*tft\.mean"):
        tft.analyze(DATA, function)


def test_rows_that_are_dropped() -> None:
    with pytest.raises(TransformError, match=r"output 'y' of shape \[2\] for 3 rows"):
        tft.analyze(DATA, lambda inputs: {"y": inputs["x"][inputs["x"] > 1.0]})


def test_reductions_within_a_row_are_fine() -> None:
    graph = tft.analyze(
        DATA, lambda inputs: {"y": ndx.sum(tft.one_hot(tft.compute_and_apply_vocabulary(inputs["w"])), axis=1)}
    )
    assert graph.transform(DATA).to_table()["y"].to_pylist() == [1.0] * 3
