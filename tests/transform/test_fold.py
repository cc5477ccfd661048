from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import onnx
import pyarrow as pa
import pytest

from headrace.model.signature import Input
from headrace.transform.accumulators import ByRow, Moments, SizeAnalyzer
from headrace.transform.finish import plain_model
from headrace.transform.fold import AnalyzerInput, CombinedAccumulator, Task

if TYPE_CHECKING:
    from headrace.transform.accumulators import Part


def accumulator() -> CombinedAccumulator:
    x = ndx.argument(shape=("N",), dtype=ndx.float64)
    mask = ndx.argument(shape=("N",), dtype=ndx.bool)
    model = plain_model(
        {"x": x.unwrap_spox(), "x__missing": mask.unwrap_spox()},
        {"v": (x * 2.0).unwrap_spox(), "m": mask.unwrap_spox()},
    )
    inputs = (Input("x", "x", "value", "float64"), Input("x__missing", "x", "missing", "bool"))
    looks_at = (AnalyzerInput("v", "m"),)
    return CombinedAccumulator(model, inputs, (Task(Moments(), looks_at), Task(SizeAnalyzer(), looks_at)))


def test_missing_and_not_a_number_are_left_out() -> None:
    one, two = accumulator(), accumulator()
    one.update(pa.record_batch({"x": [1.0, None, float("nan")]}))
    two.update(pa.record_batch({"x": [3.0]}))
    two.update(pa.record_batch({"x": pa.array([], pa.float64())}))
    one.merge(pickle.loads(pickle.dumps(two)))
    assert one.rows == 4
    assert one.result() == [{"count": 2, "mean": 4.0, "var": 4.0}, 2]


class Seen:
    """A state that keeps what it is given."""

    def __init__(self) -> None:
        self.columns: list[list[Any]] = []

    def update(self, *columns: Any) -> None:
        self.columns = [column.tolist() for column in columns]

    def merge(self, other: Seen) -> None:
        raise NotImplementedError

    def result(self) -> Any:
        return self.columns


@dataclass(frozen=True)
class SeeValues:
    name: str = "see"

    def part(self) -> Part:
        return Seen()


@dataclass(frozen=True)
class SeeRows(SeeValues, ByRow):
    pass


@pytest.mark.parametrize(
    ("analyzer", "lists", "columns"),
    [
        # A value beside a list stands beside each of its items, without those that are missing or NaN.
        (SeeValues(), True, [[1.0, 10.0, 2.0], [5.0, 5.0, 6.0]]),
        (SeeValues(), False, [[1.0, 2.0], [5.0, 6.0]]),
        (SeeRows(), True, [[[1.0, 10.0]], [5.0]]),
    ],
)
def test_columns_side_by_side(analyzer: Any, lists: bool, columns: Any) -> None:
    x, w = (ndx.argument(shape=("N",), dtype=ndx.float64) for _ in range(2))
    mask = ndx.argument(shape=("N",), dtype=ndx.bool)
    two = ndx.concat([x[:, None], x[:, None] * 10.0], axis=1)
    absent = ndx.concat([mask[:, None] & ~mask[:, None], mask[:, None]], axis=1)
    model = plain_model(
        {"x": x.unwrap_spox(), "m": mask.unwrap_spox(), "w": w.unwrap_spox()},
        {
            "v": (two if lists else x).unwrap_spox(),
            "a": (absent if lists else mask & ~mask).unwrap_spox(),
            "u": w.unwrap_spox(),
        },
    )
    inputs = (
        Input("x", "x", "value", "float64"),
        Input("m", "m", "value", "bool"),
        Input("w", "w", "value", "float64"),
    )
    used = tuple(
        item for item in inputs if item.name in {node.name for node in onnx.load_from_string(model).graph.input}
    )
    task = Task(analyzer, (AnalyzerInput("v", "a"), AnalyzerInput("u", None)))
    total = CombinedAccumulator(model, used, (task,))
    total.update(pa.record_batch({"x": [1.0, 2.0, 3.0], "m": [False, True, False], "w": [5.0, 6.0, float("nan")]}))
    assert total.result() == [columns]
