"""Joining graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from headrace.errors import ModelError
from headrace.model import RowDecoder, bits_equal, compose, open_session, prune, run_session, signature_of


def _model(nodes: list[Any], inputs: Any, outputs: Any, *, opset: int = 21, shape: Any = ("N",)) -> onnx.ModelProto:
    def values(items: Any) -> Any:
        return [helper.make_tensor_value_info(name, kind, list(shape)) for name, kind in items]

    graph = helper.make_graph(nodes, "g", values(inputs), values(outputs))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def test_the_joined_graph_gives_what_the_two_gave(graphs: Any) -> None:
    transform, predictor = graphs.transform_graph(), graphs.classifier_graph()
    joined = compose(transform, predictor)
    feeds = RowDecoder(signature_of(joined)).feeds_from_rows(graphs.rows(50))
    middle_names = ["age__transformed", "hours_filled", "job_id"]
    first = open_session(prune(transform, middle_names).SerializeToString())
    middle = dict(zip(["age", "hours_filled", "job_id"], run_session(first, middle_names, feeds), strict=True))
    names = [value.name for value in predictor.graph.output]
    expected = run_session(open_session(predictor.SerializeToString()), names, middle)
    found = run_session(open_session(joined.SerializeToString()), names, feeds)
    assert all(bits_equal(a, b) for a, b in zip(expected, found, strict=True))


def test_bytes_are_the_same_every_time_and_unused_inputs_go(graphs: Any) -> None:
    first = compose(graphs.transform_graph(), graphs.classifier_graph())
    second = compose(graphs.transform_graph(), graphs.classifier_graph())
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)
    assert [value.name for value in first.graph.input] == ["age", "hours", "hours__missing", "job", "job__missing"]
    assert {value.type.tensor_type.shape.dim[0].dim_param for value in first.graph.output} == {"N"}


def test_versions_that_differ_are_brought_together() -> None:
    old = _model(
        [helper.make_node("Cast", ["a"], ["x"], to=1)], [("a", TensorProto.INT64)], [("x", TensorProto.FLOAT)], opset=13
    )
    new = _model(
        [helper.make_node("Relu", ["x"], ["predictions"])],
        [("x", TensorProto.FLOAT)],
        [("predictions", TensorProto.FLOAT)],
    )
    joined = compose(old, new)
    assert [(item.domain, item.version) for item in joined.opset_import] == [("", 21)]
    session = open_session(joined.SerializeToString())
    assert run_session(session, ["predictions"], {"a": np.array([-3, 3])})[0].tolist() == [0.0, 3.0]


def test_subgraphs_keep_what_they_capture() -> None:
    then = helper.make_graph(
        [helper.make_node("Neg", ["y"], ["r"])], "t", [], [helper.make_tensor_value_info("r", 1, None)]
    )
    other = helper.make_graph(
        [helper.make_node("Identity", ["y"], ["r2"])], "e", [], [helper.make_tensor_value_info("r2", 1, None)]
    )
    nodes = [
        helper.make_node("Abs", ["x"], ["y"]),
        helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0),
        helper.make_node("Cast", ["m"], ["go"], to=TensorProto.BOOL),
        helper.make_node("If", ["go"], ["predictions"], then_branch=then, else_branch=other),
    ]
    predictor = _model(nodes, [("x", TensorProto.FLOAT)], [("predictions", TensorProto.FLOAT)])
    transform = _model([helper.make_node("Neg", ["y"], ["x"])], [("y", TensorProto.FLOAT)], [("x", TensorProto.FLOAT)])
    session = open_session(compose(transform, predictor).SerializeToString())
    assert run_session(session, ["predictions"], {"y": np.array([1, 2], np.float32)})[0].tolist() == [-1.0, -2.0]


def test_what_does_not_fit() -> None:
    def identity(a: str, b: str, kind: int = TensorProto.FLOAT, shape: Any = ("N",)) -> onnx.ModelProto:
        return _model([helper.make_node("Neg", [a], [b])], [(a, kind)], [(b, kind)], shape=shape)

    with pytest.raises(ModelError, match="Did you mean 'age'"):
        compose(identity("raw", "age"), identity("agee", "predictions"))
    with pytest.raises(ModelError, match=r"as FLOAT.*for INT64"):
        compose(identity("raw", "age"), identity("age", "predictions", TensorProto.INT64))
    with pytest.raises(ModelError, match=r"in shape \[None, 3\]"):
        compose(identity("raw", "age", shape=("N", 3)), identity("age", "predictions", shape=("N", 4)))
    with pytest.raises(ModelError, match="Rename the column"):
        compose(identity("predictions", "age"), identity("age", "predictions"))
    with pytest.raises(ModelError, match="Did you mean 'age'"):
        prune(identity("raw", "age"), ["agee"])
