"""The graph from raw columns to the label, as class indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

__all__ = ["index_classes"]


def index_classes(model: onnx.ModelProto, output: str, classes: Sequence[Any]) -> onnx.ModelProto:
    """Turn the values of an output into class indices, -1 for a value that is no class.

    A model's output ``classes`` is an index, and evaluation compares it with the label: where classes are 0, 1, …
    themselves, the graph stays as it is.

    Parameters
    ----------
    output
        A number for every row.
    classes
        The values, in the order of the indices.
    """
    if list(classes) == list(range(len(classes))):
        return model
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    inner = f"{output}/value"
    for node in copy.graph.node:
        for names in (node.input, node.output):
            names[:] = [inner if name == output else name for name in names]
    copy.graph.node.extend(
        [
            onnx.helper.make_node("Cast", [inner], [f"{output}/id"], name=f"{output}/Cast", to=onnx.TensorProto.INT64),
            onnx.helper.make_node(
                "LabelEncoder",
                [f"{output}/id"],
                [output],
                name=f"{output}/LabelEncoder",
                domain="ai.onnx.ml",
                keys_int64s=[int(value) for value in classes],
                values_int64s=range(len(classes)),
                default_int64=-1,
            ),
        ]
    )
    (value,) = (value for value in copy.graph.output if value.name == output)
    value.type.tensor_type.elem_type = onnx.TensorProto.INT64
    if not any(item.domain == "ai.onnx.ml" for item in copy.opset_import):
        copy.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 4))
    return copy
