"""signature.json, written and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from onnx import TensorProto, helper

from headrace.errors import ModelError
from headrace.model import Signature, compose, inputs_of, signature_of

if TYPE_CHECKING:
    from pathlib import Path


def test_of_a_classifier_there_and_back(graphs: Any, tmp_path: Path) -> None:
    graph = compose(graphs.transform_graph(), graphs.classifier_graph())
    signature = signature_of(graph, classes=["no", "yes"], ignored=["note", "age"], timestamps=["age"])
    assert signature.task == "binary_classification"
    assert signature.features == ("age", "hours", "job")
    assert signature.optional == {"hours", "job"}
    assert signature.ignored == ("note",)
    assert signature.classes == ("no", "yes")
    assert signature.inputs[0].dtype == "timestamp"
    assert "LabelEncoder" in signature.operators
    signature.save(tmp_path)
    assert Signature.load(tmp_path) == Signature.load(tmp_path / "signature.json") == signature
    document = msgspec.json.decode((tmp_path / "signature.json").read_bytes())
    assert document["inputs"][2] == {
        "name": "hours__missing", "feature": "hours", "role": "missing", "dtype": "bool", "shape": ["N"],
    }  # fmt: skip
    assert "classes" not in document["outputs"][1]
    assert [path.name for path in tmp_path.iterdir()] == ["signature.json"]
    with pytest.raises(ModelError, match="3 labels, 2 probabilities"):
        signature_of(graph, classes=["a", "b", "c"])


def test_a_minimal_file_is_enough_and_a_bad_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "signature.json"
    with pytest.raises(ModelError, match="No such file"):
        Signature.load(tmp_path)
    file.write_text('{"inputs": [], "outputs": [], "later": 1}')
    assert Signature.load(file).task is None
    for text in ("", "{", "[]", '{"inputs": 3, "outputs": []}', '{"inputs": [{"name": "a"}], "outputs": []}'):
        file.write_text(text)
        with pytest.raises(ModelError, match=r"must describe a signature.*signature\.json"):
            Signature.load(file)


def test_operators_of_other_domains_and_odd_inputs() -> None:
    node = helper.make_node("Tokenizer", ["x"], ["y"], domain="com.microsoft")
    value = helper.make_tensor_value_info("x", TensorProto.STRING, ["N"])
    wide = helper.make_tensor_value_info("y", TensorProto.STRING, ["N", "K"])
    model = helper.make_model(helper.make_graph([node], "g", [value], [wide]))
    signature = signature_of(model)
    assert signature.operators == ("com.microsoft::Tokenizer",)
    assert signature.outputs[0].shape == ("N", "K")
    cube = helper.make_tensor_value_info("y", TensorProto.STRING, ["N", "K", 2])
    odd = helper.make_model(helper.make_graph([node], "g", [cube], []))
    with pytest.raises(ModelError, match="input 'y'"):
        inputs_of(odd)


def test_inputs_that_are_lists() -> None:
    values = [
        helper.make_tensor_value_info("any", TensorProto.DOUBLE, ["N", None]),
        helper.make_tensor_value_info("any__absent", TensorProto.BOOL, ["N", "whatever"]),
        helper.make_tensor_value_info("any__missing", TensorProto.BOOL, ["N"]),
        helper.make_tensor_value_info("three", TensorProto.INT64, ["N", 3]),
        helper.make_tensor_value_info("wide", TensorProto.INT64, ["N", 1]),
        helper.make_tensor_value_info("flag__absent", TensorProto.BOOL, ["N"]),
    ]
    found = inputs_of(helper.make_model(helper.make_graph([], "g", values, [])))
    assert [(one.feature, one.role, one.shape, one.is_list) for one in found] == [
        ("any", "value", ("N", "M"), True),
        ("any", "absent", ("N", "M"), True),
        ("any", "missing", ("N",), False),
        ("three", "value", ("N", 3), True),
        ("wide", "value", ("N", 1), False),
        ("flag__absent", "value", ("N",), False),
    ]
