"""Linear models of ONNX's machine-learning operators, as matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

__all__ = ["with_matmul"]

_TRANSFORMS = ("NONE", "LOGISTIC", "SOFTMAX")


def with_matmul(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace LinearClassifier and LinearRegressor by MatMul and Add.

    ONNX Runtime sums the products of the former in another order when there is only one row, so that a row alone gets
    other bits than in a batch. MatMul by a constant gives the same ones. Nodes of a kind that scikit-learn's models do
    not become stay as they are.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    nodes = list(made.graph.node)
    del made.graph.node[:]
    for index, node in enumerate(nodes):
        plain = _plain(node, f"linear{index}") if node.domain == "ai.onnx.ml" else None
        if plain is None:
            made.graph.node.append(node)
            continue
        made.graph.node.extend(plain[0])
        made.graph.initializer.extend(plain[1])
    return made


def _plain(node: onnx.NodeProto, prefix: str) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]] | None:
    given: dict[str, Any] = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    transform = given.get("post_transform", b"NONE").decode()
    weights = np.array(given.get("coefficients", ()), np.float32)
    labels = given.get("classlabels_ints", ())
    if node.op_type == "LinearClassifier":
        outputs = len(labels)
    elif node.op_type == "LinearRegressor":
        outputs = int(given.get("targets", 1))
    else:
        return None
    bias = np.array(given.get("intercepts", ()) or np.zeros(outputs), np.float32)
    # With one row of coefficients for two classes the operator makes up the other class's score.
    if transform not in _TRANSFORMS or not outputs or weights.size % outputs or len(bias) != outputs:
        return None
    if node.op_type == "LinearClassifier" and outputs < 2:
        return None
    constants = {
        f"{prefix}.weights": np.ascontiguousarray(weights.reshape(outputs, -1).T),
        f"{prefix}.bias": bias,
    }
    values = node.output[-1]
    sums = values if transform == "NONE" else f"{prefix}.sums"
    nodes = [
        helper.make_node("MatMul", [node.input[0], f"{prefix}.weights"], [f"{prefix}.products"]),
        helper.make_node("Add", [f"{prefix}.products", f"{prefix}.bias"], [sums]),
    ]
    if transform == "LOGISTIC":
        nodes.append(helper.make_node("Sigmoid", [sums], [values]))
    elif transform == "SOFTMAX":
        nodes.append(helper.make_node("Softmax", [sums], [values], axis=1))
    if node.op_type == "LinearClassifier" and node.output[0]:
        constants[f"{prefix}.labels"] = np.array(labels, np.int64)
        nodes.append(helper.make_node("ArgMax", [sums], [f"{prefix}.best"], axis=1, keepdims=0))
        nodes.append(helper.make_node("Gather", [f"{prefix}.labels", f"{prefix}.best"], [node.output[0]]))
    return nodes, [numpy_helper.from_array(array, name) for name, array in constants.items()]
