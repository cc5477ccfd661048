"""The graph from raw columns to the label, as class indices, and to the weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.model.signature import TRANSFORMED_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import onnx

__all__ = ["index_classes", "name_by_role"]


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


def name_by_role(model: onnx.ModelProto, roles: Mapping[str, str]) -> onnx.ModelProto:
    """Name outputs by what they are, as evaluation asks for them, whatever the transform calls them.

    Parameters
    ----------
    roles
        Output → ``label`` or ``weight``. Where an input has that name, the output gets ``__transformed`` behind it.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    inputs = {value.name for value in graph.input}
    names = {output: role + TRANSFORMED_SUFFIX if role in inputs else role for output, role in roles.items()}
    # Another feature that the label is computed from may have the name that the label is to get.
    names |= {name: f"{name}/value" for name in names.values() if name not in names}
    for node in graph.node:
        for given in (node.input, node.output):
            given[:] = [names.get(name, name) for name in given]
    for value in (*graph.output, *graph.value_info):
        value.name = names.get(value.name, value.name)
    return copy
