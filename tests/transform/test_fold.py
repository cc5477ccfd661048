from __future__ import annotations

import pickle

import ndonnx as ndx
import pyarrow as pa

from headrace.model.signature import Input
from headrace.transform.accumulators import Moments, SizeAnalyzer
from headrace.transform.finish import plain_model
from headrace.transform.fold import AnalyzerInput, CombinedAccumulator, Task


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
