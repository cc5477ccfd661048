"""What the parts of a graph share: sessions, and which operators treat each value by itself."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from onnx import numpy_helper

from headrace.model.session import open_session

if TYPE_CHECKING:
    import numpy as np
    import onnx

__all__ = ["constant", "is_rowwise", "shared_session"]

# One value of the result for each value of the operand that is no constant, in its place, and always the same bits:
# no kernel among these has a vector tail that rounds in another way, or that takes the other one of 0.0 and -0.0, as
# those of Max and Min do.
_ROWWISE = frozenset(
    {
        ("", "Abs"), ("", "Add"), ("", "And"), ("", "Cast"), ("", "Equal"), ("", "Greater"), ("", "GreaterOrEqual"),
        ("", "Identity"), ("", "Less"), ("", "LessOrEqual"), ("", "Mod"), ("", "Mul"),
        ("", "Neg"), ("", "Not"), ("", "Or"), ("", "RegexFullMatch"), ("", "StringConcat"), ("", "Sub"),
        ("", "Where"), ("", "Xor"), ("ai.onnx.ml", "LabelEncoder"), ("com.microsoft", "MurmurHash3"),
    }
)  # fmt: skip


@lru_cache(maxsize=64)
def shared_session(model: bytes) -> Any:
    """Return the session of a model; shards on threads share one."""
    return open_session(model)


def is_rowwise(node: onnx.NodeProto) -> bool:
    """Say whether an operator gives one value for each value, in its place, whatever the others are."""
    return (node.domain if node.domain != "ai.onnx" else "", node.op_type) in _ROWWISE


def constant(name: str, graph: onnx.GraphProto) -> np.ndarray[Any, Any] | None:
    """Return a constant of a graph; None where the value is computed."""
    for item in graph.initializer:
        if item.name == name:
            return numpy_helper.to_array(item)
    for node in graph.node:
        if node.op_type == "Constant" and node.output[0] == name:
            for attribute in node.attribute:
                if attribute.name == "value":
                    return numpy_helper.to_array(attribute.t)
    return None
