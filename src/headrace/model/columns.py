"""What operators do to columns: which of them are the same on a matrix of columns, a column in each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["AXES", "NUMBERS", "ROWS", "Column", "Shape", "Step", "understood"]

Shape = tuple[int, ...]

ROWS = -1
"""The length of an axis that has an entry for each row."""

# Operators of which one on a matrix gives each row the bits that one on the row alone gives: IEEE 754 says what they
# round to, or they round nothing.
_EXACT = frozenset(
    {
        "Abs", "Add", "And", "Cast", "Ceil", "Div", "Equal", "Floor", "Greater", "GreaterOrEqual", "Identity", "IsInf",
        "IsNaN", "Less", "LessOrEqual", "Max", "Min", "Mul", "Neg", "Not", "Or", "RegexFullMatch", "Sqrt", "Sub",
        "Where", "Xor",
    }
)  # fmt: skip
# Their kernels run over the values as they lie in memory: a column alone gives the same bits as a matrix of one column.
_ALONE = frozenset(
    {
        ("", "Cos"), ("", "Erf"), ("", "Exp"), ("", "Log"), ("", "Mod"), ("", "Pow"), ("", "Relu"), ("", "Sigmoid"),
        ("", "Sin"), ("", "StringConcat"), ("", "Tanh"), ("ai.onnx.ml", "LabelEncoder"),
        ("com.microsoft", "MurmurHash3"),
    }
)  # fmt: skip
# The axes are no operand that differs from column to column.
AXES = frozenset({"ReduceSum", "Squeeze", "Unsqueeze"})
_TRUTHS = frozenset(
    {"And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not", "Or", "Xor"}
    | {"RegexFullMatch"}
)
NUMBERS = frozenset({TensorProto.BOOL, TensorProto.INT32, TensorProto.INT64, TensorProto.FLOAT, TensorProto.DOUBLE})
_INTEGERS = frozenset({TensorProto.INT32, TensorProto.INT64})
_FLOATS = frozenset({TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.DOUBLE})
_LABELS = {"values_int64s": TensorProto.INT64, "values_floats": TensorProto.FLOAT, "values_strings": TensorProto.STRING}


@dataclass(frozen=True)
class Column:
    """What is known of a value: ``shape`` is (), (N,), or (N, m)."""

    dtype: int
    shape: Shape


@dataclass
class Step:
    """A node on columns: which operands are columns and which constants; it is never one with others if ``alone``."""

    node: onnx.NodeProto
    columns: tuple[str | None, ...]
    constants: tuple[np.ndarray[Any, Any] | None, ...]
    kind: tuple[Any, ...]
    alone: bool
    before: int = 0

    @property
    def output(self) -> str:
        """The name of what the node gives."""
        return str(self.node.output[0])


def understood(
    node: onnx.NodeProto, known_columns: Mapping[str, Column], tensors: Mapping[str, onnx.TensorProto]
) -> tuple[Step, Column] | None:
    """Say what a node does to columns.

    Parameters
    ----------
    node
        Of the graph.
    known_columns
        What is known of the values that are columns.
    tensors
        The constants.

    Returns
    -------
    tuple of Step and Column
        The node, and what it gives; None where it has no columns among its operands, or is not understood.
    """
    domain = "" if node.domain == "ai.onnx" else node.domain
    alone = domain != "" or node.op_type not in _EXACT | AXES
    if len(node.output) != 1 or (alone and (domain, node.op_type) not in _ALONE):
        return None
    columns = tuple(name if name in known_columns else None for name in node.input)
    if all(name is None for name in columns) or any(
        name is None and node.input[place] not in tensors for place, name in enumerate(columns)
    ):
        return None
    try:
        constants = tuple(
            None if name is not None else numpy_helper.to_array(tensors[node.input[place]])
            for place, name in enumerate(columns)
        )
    except UnicodeDecodeError:
        # A string of ONNX is bytes, which need not be text.
        return None
    known = [known_columns[name] for name in columns if name is not None]
    dtypes = [
        known_columns[name].dtype if name is not None else tensors[node.input[place]].data_type
        for place, name in enumerate(columns)
    ]
    if domain == "" and node.op_type in AXES:
        if columns[0] is None or any(columns[1:]):
            return None
        shape = _reshaped(node, known[0], constants)
        kind: tuple[Any, ...] = (node.op_type, _attributes(node), known[0], shape)
    else:
        shape = _broadcast(known, [value.shape for value in constants if value is not None])
        rank = len(known[0].shape)
        operands = tuple(
            (dtype, _width(value, rank)) if name is None else known_columns[name]
            for name, dtype, value in zip(columns, dtypes, constants, strict=True)
        )
        kind = (node.op_type, _attributes(node), operands, shape)
    dtype = _dtype(node, dtypes)
    if shape is None or dtype is None:
        return None
    alone = alone or _depends_on_place(node, (dtypes[0], dtype), len(known), constants)
    return Step(node, columns, constants, kind, alone), Column(dtype, shape)


def _attributes(node: onnx.NodeProto) -> tuple[bytes, ...]:
    return tuple(sorted(item.SerializeToString(deterministic=True) for item in node.attribute))


def _attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((item.i for item in node.attribute if item.name == name), default)


def _depends_on_place(
    node: onnx.NodeProto, dtypes: tuple[int, int], columns: int, constants: Sequence[np.ndarray[Any, Any] | None]
) -> bool:
    """Say whether an operator may give other bits in the tail of a vector than in its body.

    Parameters
    ----------
    dtypes
        Of the first operand and of the result.
    columns
        How many operands are columns.
    """
    given, made = dtypes
    if node.op_type == "Cast":
        # What integer stands for NaN, or for a number that no integer is as large as, is not said.
        return not {given, made} <= NUMBERS or (given in _FLOATS and made in _INTEGERS)
    if made not in _FLOATS:
        return False
    if node.op_type in ("Max", "Min"):
        # Nor is which of 0.0 and -0.0 is larger.
        return True
    # Nor is which NaN comes of two.
    if node.op_type not in ("Add", "Div", "Mul", "Sub"):
        return False
    return columns > 1 or any(value is not None and np.isnan(value).any() for value in constants)


def _dtype(node: onnx.NodeProto, operands: Sequence[int]) -> int | None:
    kind = node.op_type
    if kind == "Cast":
        return _attribute(node, "to", 0)
    if kind in _TRUTHS:
        return TensorProto.BOOL
    if kind == "LabelEncoder":
        found = {_LABELS[item.name] for item in node.attribute if item.name in _LABELS}
        return found.pop() if len(found) == 1 else None
    if kind == "MurmurHash3":
        return TensorProto.UINT32 if _attribute(node, "positive", 1) else TensorProto.INT32
    return operands[1] if kind == "Where" else operands[0]


def _reshaped(node: onnx.NodeProto, column: Column, constants: Sequence[np.ndarray[Any, Any] | None]) -> Shape | None:
    """Return the shape that Unsqueeze, Squeeze or ReduceSum give a column; None for what is not understood."""
    shape = column.shape
    axes = constants[1] if len(constants) == 2 else None
    if node.op_type == "ReduceSum":
        if column.dtype not in _INTEGERS:
            return None
        keep = _attribute(node, "keepdims", 1)
        if len(constants) == 1:
            whole = shape and not keep and not _attribute(node, "noop_with_empty_axes", 0)
            return () if whole else None
        last = axes is not None and axes.tolist() in ([1], [-1]) and len(shape) == 2
        return ((*shape[:1], 1) if keep else shape[:1]) if last else None
    if axes is None or axes.tolist() not in ([1], [-1]):
        return None
    if node.op_type == "Unsqueeze":
        return (*shape, 1) if len(shape) == 1 else None
    return shape[:1] if len(shape) == 2 and shape[1] == 1 else None


def _broadcast(columns: Sequence[Column], constants: Sequence[Shape]) -> Shape | None:
    """Return the shape of columns of one rank and constants together; None where a constant has rows of its own."""
    rank = len(columns[0].shape)
    if any(len(column.shape) != rank for column in columns):
        return None
    width = 1
    for shape in (*(column.shape[1:] for column in columns), *constants):
        own = shape[-1:] if rank == 2 else ()
        if len(shape) > rank or any(size != 1 for size in shape[: len(shape) - len(own)]):
            return None
        for size in own:
            if size == 0 or (size != 1 and width not in (1, size)):
                return None
            width = max(width, size)
    return columns[0].shape if rank < 2 else (ROWS, width)


def _width(value: np.ndarray[Any, Any] | None, rank: int) -> int:
    """Return how many values a constant has for each row."""
    return 1 if value is None or value.ndim == 0 or rank < 2 else value.shape[-1]
