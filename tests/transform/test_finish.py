from __future__ import annotations

from typing import Any

import ndonnx as ndx
import numpy as np
import onnx
import pytest
import spox
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v21 as op

from headrace import transform as tft
from headrace.model import compose
from headrace.transform.finish import finished_model, output_name, plain_model


def test_names_of_outputs() -> None:
    assert output_name("age", {"age": None}) == "age__transformed"
    assert output_name("z", {"age": None}) == "z"


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (ndx.float64, onnx.TensorProto.FLOAT),
        (ndx.float32, onnx.TensorProto.FLOAT),
        (ndx.int8, onnx.TensorProto.INT64),
        (ndx.uint16, onnx.TensorProto.INT64),
        (ndx.bool, onnx.TensorProto.INT64),
    ],
)
def test_types_of_outputs(dtype: Any, expected: int) -> None:
    x = ndx.argument(shape=("N",), dtype=ndx.int64)
    model, shapes = finished_model({"x": x.unwrap_spox()}, {"y": x.astype(dtype), "z": x[:, None]})
    assert model.graph.output[0].type.tensor_type.elem_type == expected
    assert shapes == {"y": (), "z": (1,)}


def test_an_output_may_be_an_input() -> None:
    x = ndx.argument(shape=("N",), dtype=ndx.int64)
    model, _ = finished_model({"x": x.unwrap_spox()}, {"x": x, "same": x})
    assert [value.name for value in model.graph.output] == ["x__transformed", "same"]
    onnx.checker.check_model(onnx.load_model_from_string(plain_model({"x": x.unwrap_spox()}, {"v": x.unwrap_spox()})))


def test_inputs_keep_the_order_of_the_columns() -> None:
    data = {"b": [1], "a": [2], "c": [3]}
    graph = tft.analyze(data, lambda inputs: {"y": inputs["c"] + inputs["a"] * inputs["b"]})
    assert [value.name for value in graph.to_onnx().graph.input] == ["b", "a", "c"]


def test_any_text_may_be_a_name() -> None:
    data = {"a b": [1, 2], "x/y": [" p", "q"], "Cast_0_output": [1.0, 2.0], "Sub_0_C": [1, 2], "input/0": [3, 4]}

    def function(inputs: Any) -> dict[str, Any]:
        return {
            "Div_0_C": tft.scale_to_z_score(inputs["a b"]) + inputs["Sub_0_C"],
            "x/y": tft.hash_strings(tft.strip(inputs["x/y"]), 5),
            "output/0": inputs["Cast_0_output"] * 2,
            "é": inputs["input/0"],
        }

    graph = tft.analyze(data, function)
    plain = tft.analyze({"x": ["p", "q"]}, lambda inputs: {"y": tft.hash_strings(inputs["x"], 5)})
    assert graph.transform(data).to_table().to_pydict() == {
        "Div_0_C": [0.0, 3.0],
        "x/y": plain.transform({"x": ["p", "q"]}).to_table()["y"].to_pylist(),
        "output/0": [2.0, 4.0],
        "é": [3, 4],
    }


def test_what_the_tokenizer_gives_has_a_type() -> None:
    """Without one the inference of shapes crashes at a pattern behind it, in the joined model too."""

    def function(inputs: Any) -> dict[str, Any]:
        return {"y": tft.contains(tft.strip(inputs["x"]), "a") & tft.contains(tft.regex_extract(inputs["x"], "a"), "a")}

    graph = tft.analyze({"x": ["a ", "ba"]}, lambda i: {"y": tft.fill_missing(function(i)["y"], False)})
    y = spox.argument(spox.Tensor(np.int64, ("N",)))
    predictor = spox.build({"y": y}, {"p": op17.add(y, op.const(np.int64(1)))})
    for model in (graph.to_onnx(), compose(graph.to_onnx(), predictor)):
        onnx.checker.check_model(model, full_check=True)
