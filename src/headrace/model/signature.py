"""What a model takes and gives: ``signature.json`` beside ``model.onnx``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from headrace.errors import ModelError
from headrace.storage import file_in, read_json, write_json

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Sequence

    import onnx

__all__ = [
    "ABSENT_SUFFIX",
    "MISSING_SUFFIX",
    "TRANSFORMED_SUFFIX",
    "DType",
    "Input",
    "Output",
    "Role",
    "Signature",
    "Task",
    "inputs_of",
    "signature_of",
]

MISSING_SUFFIX = "__missing"
"""Ending of the name of a graph input that is the mask of a column which may be missing."""

ABSENT_SUFFIX = "__absent"
"""Ending of the name of a graph input that says where the lists of a column have no item."""

TRANSFORMED_SUFFIX = "__transformed"
"""Ending of the name of a transform's output where a raw column has the feature's name: in one ONNX graph no two values
may share a name, and ``"age": scale_to_z_score(inputs["age"])`` is an ordinary thing to write."""

DType = Literal["int64", "float64", "float32", "string", "bool", "timestamp"]
Role = Literal["value", "missing", "absent"]
Task = Literal["binary_classification", "multiclass_classification", "regression"]


class Input(msgspec.Struct, frozen=True):
    """An input of the graph.

    Parameters
    ----------
    name
        The graph's input.
    feature
        The raw column that feeds it.
    role
        ``value``; ``missing`` for the boolean mask of a column that may be missing, one for each row; ``absent`` for
        that of a column of lists, True behind the end of a list and where an item is missing.
    dtype
        Type of the values. A ``timestamp`` enters the graph as int64 microseconds since 1970 in UTC.
    shape
        ``("N",)`` or ``("N", 1)`` for one value a row. ``("N", k)`` for lists of k items, ``("N", "M")`` for lists of
        any length: M, one number for all columns, is at least 1 and the length of the longest list of the rows.
    """

    name: str
    feature: str
    role: Role
    dtype: DType
    shape: tuple[str | int, ...] = ("N",)

    @property
    def is_list(self) -> bool:
        """Whether a row has a list of values, or a mask of them."""
        return len(self.shape) == 2 and self.shape[1] != 1


class Output(msgspec.Struct, frozen=True, omit_defaults=True):
    """An output of the graph; ``classes`` are the labels in the order of the columns, or of the indices."""

    name: str
    dtype: str
    shape: tuple[str | int, ...]
    classes: tuple[str, ...] | None = None


class Signature(msgspec.Struct, frozen=True):
    """Inputs and outputs of a model.

    Parameters
    ----------
    inputs, outputs
        In the order of the graph.
    operators
        Operator types that the graph uses, sorted; one of a domain other than ONNX's own and ``ai.onnx.ml`` is
        written ``domain::Type``.
    task
        What the model predicts.
    ignored
        Raw columns that are known but that the model does not read; a request may carry them.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    operators: tuple[str, ...] = ()
    task: Task | None = None
    ignored: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """Raw columns that the model reads, in the order of the graph's inputs."""
        return tuple(dict.fromkeys(item.feature for item in self.inputs))

    @property
    def optional(self) -> frozenset[str]:
        """Raw columns that may be missing."""
        return frozenset(item.feature for item in self.inputs if item.role == "missing")

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Labels of a classifier."""
        return next((item.classes for item in self.outputs if item.classes is not None), None)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Signature:
        """Read ``signature.json`` (or the one in a model folder).

        Raises
        ------
        ModelError
            If the file is absent, is not JSON or does not describe a signature.
        """
        return read_json(
            cls,
            file_in(path, "signature.json"),
            rule="A model folder has a signature.json, and that must describe a signature",
            error=ModelError,
            fix="Publish the model again, or write one with headrace.model.signature_of",
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a file, or as ``signature.json`` into a folder."""
        write_json(file_in(path, "signature.json"), self)


_SCALARS: dict[str, DType] = {
    "INT64": "int64",
    "DOUBLE": "float64",
    "FLOAT": "float32",
    "STRING": "string",
    "BOOL": "bool",
}


def _shape(value: onnx.ValueInfoProto) -> tuple[str | int, ...]:
    dims = value.type.tensor_type.shape.dim
    known = [dim.dim_value if dim.HasField("dim_value") else (dim.dim_param or f"D{i}") for i, dim in enumerate(dims)]
    return ("N", *known[1:]) if known else ()


def inputs_of(model: onnx.ModelProto, *, timestamps: Collection[str] = ()) -> tuple[Input, ...]:
    """Read the inputs of a graph.

    A boolean ``<column>__missing`` is the mask of ``<column>``, and a boolean ``<column>__absent`` with a list for each
    row is that of its items.

    Raises
    ------
    ModelError
        If an input is of a type or shape that no raw column has.
    """
    import onnx

    weights = {item.name for item in model.graph.initializer}
    found = []
    for value in model.graph.input:
        if value.name in weights:
            continue
        kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
        dtype, shape = _SCALARS.get(kind), _shape(value)
        if len(shape) == 2 and not isinstance(shape[1], int):
            shape = ("N", "M")
        if dtype is None or len(shape) not in (1, 2):
            raise ModelError(
                "An input of a model is one column: int64, double, float, string or bool of shape [N], or [N, k]",
                got=f"{kind} {list(shape)}",
                where=f"input {value.name!r}",
                fix="Put a graph in front of it that takes one input for each raw column (headrace.model.compose)",
            )
        if dtype == "bool" and value.name.endswith(MISSING_SUFFIX) and value.name != MISSING_SUFFIX:
            found.append(Input(value.name, value.name.removesuffix(MISSING_SUFFIX), "missing", dtype, shape))
            continue
        if dtype == "bool" and len(shape) == 2 and value.name.endswith(ABSENT_SUFFIX) and value.name != ABSENT_SUFFIX:
            found.append(Input(value.name, value.name.removesuffix(ABSENT_SUFFIX), "absent", dtype, shape))
            continue
        if dtype == "int64" and value.name in timestamps:
            dtype = "timestamp"
        found.append(Input(value.name, value.name, "value", dtype, shape))
    return tuple(found)


def _operators(model: onnx.ModelProto) -> tuple[str, ...]:
    found: set[str] = set()

    def visit(nodes: Sequence[onnx.NodeProto]) -> None:
        for node in nodes:
            standard = node.domain in ("", "ai.onnx", "ai.onnx.ml")
            if standard or not any(f.name == node.op_type and f.domain == node.domain for f in model.functions):
                found.add(node.op_type if standard else f"{node.domain}::{node.op_type}")
            for attribute in node.attribute:
                for graph in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                    visit(graph.node)

    visit(model.graph.node)
    for function in model.functions:
        visit(function.node)
    return tuple(sorted(found))


def signature_of(
    model: onnx.ModelProto,
    *,
    classes: Sequence[str] | None = None,
    task: Task | None = None,
    ignored: Sequence[str] = (),
    timestamps: Collection[str] = (),
) -> Signature:
    """Describe a finished graph.

    Parameters
    ----------
    model
        A graph from raw columns to predictions.
    classes
        Labels of a classifier in the order of its probabilities.
    task
        Guessed from the outputs when None: ``probabilities`` make a classifier.
    ignored
        Raw columns that requests may carry though the model does not read them.
    timestamps
        The int64 inputs that are microseconds since 1970.

    Raises
    ------
    ModelError
        If an input is no raw column, or the number of classes differs from that of the probabilities.
    """
    import onnx

    inputs = inputs_of(model, timestamps=timestamps)
    outputs = []
    for value in model.graph.output:
        kind = value.type.tensor_type.elem_type
        dtype = "string" if kind == onnx.TensorProto.STRING else onnx.helper.tensor_dtype_to_np_dtype(kind).name
        shape = _shape(value)
        labelled = value.name in ("probabilities", "classes")
        labels = tuple(classes) if classes is not None and labelled else None
        if labels is not None and value.name == "probabilities" and len(shape) == 2 and isinstance(shape[1], int):
            _check_classes(labels, shape[1])
        outputs.append(Output(value.name, dtype, shape, labels))
    if task is None:
        by_name = {item.name: item for item in outputs}
        if "probabilities" in by_name:
            two = "logistic" in by_name or by_name["probabilities"].shape[1:] == (2,)
            task = "binary_classification" if two else "multiclass_classification"
        elif "predictions" in by_name:
            task = "regression"
    reads = {item.feature for item in inputs}
    return Signature(inputs, tuple(outputs), _operators(model), task, tuple(n for n in ignored if n not in reads))


def _check_classes(labels: tuple[str, ...], width: int) -> None:
    if len(labels) != width:
        raise ModelError(
            "A classifier has one label for each probability", got=f"{len(labels)} labels, {width} probabilities"
        )
