"""From what a preprocessing function returned to a finished ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import ndonnx.extensions as nde
import onnx
import spox

from headrace.errors import TransformError
from headrace.model.signature import MISSING_SUFFIX, TRANSFORMED_SUFFIX
from headrace.transform.checks import kind_of
from headrace.transform.lineage import infos
from headrace.transform.mistakes import defined_at
from headrace.transform.operators import identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.transform.trace import Trace

__all__ = ["check_outputs", "finished_model", "output_name", "plain_model"]

_IR_VERSION = 10
_OPSET = 21


def output_name(feature: str, inputs: Mapping[str, Any]) -> str:
    """Return the graph's name of a feature: its own, or with ``__transformed`` where an input has that name."""
    return feature + TRANSFORMED_SUFFIX if feature in inputs else feature


def check_outputs(outputs: Any, function: Callable[..., Any], trace: Trace) -> None:
    """Raise TransformError unless every output is a column of numbers or truth values that is never missing."""
    where = defined_at(function)
    if not isinstance(outputs, Mapping):
        raise TransformError(
            "A preprocessing function returns a dictionary from name to column",
            got="nothing (is `return` missing?)" if outputs is None else type(outputs).__name__,
            where=where,
        )
    if not outputs:
        raise TransformError(
            "A preprocessing function returns at least one output", got="an empty dictionary", where=where
        )
    for name, array in outputs.items():
        if not isinstance(name, str) or not name:
            raise TransformError("The name of an output is a text that is not empty", got=repr(name), where=where)
        if name.endswith((MISSING_SUFFIX, TRANSFORMED_SUFFIX)):
            raise TransformError(
                f"The name of an output may not end in {MISSING_SUFFIX} or {TRANSFORMED_SUFFIX}: "
                "the graph names inputs and outputs so",
                got=name,
                where=where,
            )
        _check_output(name, array, where, trace)


def _check_output(name: str, array: Any, where: str | None, trace: Trace) -> None:
    named = f"output {name!r}"
    if not isinstance(array, ndx.Array):
        raise TransformError(
            "An output is a column: something computed from inputs",
            got=f"{named}: {type(array).__name__}",
            where=where,
            fix="Return arrays that operators, tft functions or ndonnx functions gave",
        )
    if array.ndim == 0 or (isinstance(array.shape[0], int) and not trace.depends_on_open(array)):
        raise TransformError(
            "An output has one value, or one list of values, for each row",
            got=f"{named} of shape {array.shape}",
            where=where,
            fix="Combine it with a column: x * 0 + value",
        )
    if array.ndim > 2 or (array.ndim == 2 and array.shape[1] is None and not trace.depends_on_open(array)):
        raise TransformError(
            "An output has the shape [N], or [N, k] with a k that is known",
            got=f"{named} of shape {array.shape}",
            where=where,
            fix="Give lists one length with tft.pad_lists or tft.multi_hot, or one value each with tft.list_mean, …"
            if array.ndim == 2
            else None,
        )
    if nde.is_nullable_dtype(array.dtype):
        raise TransformError(
            "An output may not be missing in any row",
            got=f"{named} of {array.dtype}",
            where=where,
            fix="Put a value in place of missing ones: tft.fill_missing(x, 0), tft.fill_missing(x, tft.mean(x))",
        )
    kind = kind_of(array)
    if kind not in ("number", "truth"):
        raise TransformError(
            "An output has numbers, ids or truth values",
            got=f"{named} of {array.dtype}",
            where=where,
            fix={
                "text": "Turn texts into ids with tft.compute_and_apply_vocabulary or tft.hash_strings",
                "time": "Turn times into numbers with .astype('int64')",
            }.get(kind),
        )


def plain_model(arguments: Mapping[str, spox.Var], outputs: Mapping[str, spox.Var]) -> bytes:
    """Build a model, as bytes, that need not be beautiful."""
    # An output of its own node each: a raw input may be one of them, under another name.
    own = {name: identity(var) for name, var in outputs.items()}
    model = _build(arguments, own)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def finished_model(
    arguments: Mapping[str, spox.Var], outputs: Mapping[str, ndx.Array]
) -> tuple[onnx.ModelProto, dict[str, tuple[int, ...]]]:
    """Build the graph of all outputs: float32 for numbers, int64 for ids and truth values.

    Returns
    -------
    onnx.ModelProto
        With inputs of shape [N] and outputs of shape [N] or [N, k].
    dict
        The outputs' shapes without the row axis.
    """
    finals: dict[str, spox.Var] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    taken = {var._var_info for var in arguments.values()}  # noqa: SLF001 - spox's identity of a value
    for name, array in outputs.items():
        last = array.astype(ndx.float32 if "float" in str(array.dtype) else ndx.int64)
        (info,) = infos(last)
        # An input, or what another output is already, needs a value of its own to have another name.
        shared = info in taken
        taken.add(info)
        finals[output_name(name, arguments)] = identity(last.unwrap_spox()) if shared else last.unwrap_spox()
        shapes[name] = tuple(int(size) for size in array.shape[1:] if size is not None)
    model = _build(arguments, finals)
    for value, shape in zip(model.graph.output, shapes.values(), strict=True):
        del value.type.tensor_type.shape.dim[:]
        value.type.tensor_type.shape.dim.add().dim_param = "N"
        for size in shape:
            value.type.tensor_type.shape.dim.add().dim_value = size
    onnx.checker.check_model(model)
    return model, shapes


def _build(arguments: Mapping[str, spox.Var], outputs: Mapping[str, spox.Var]) -> onnx.ModelProto:
    """Build under names that no operator has, then name inputs and outputs as asked: any text may be a name."""
    inner = {f"input/{number}": name for number, name in enumerate(arguments)}
    inner |= {f"output/{number}": name for number, name in enumerate(outputs)}
    model = spox.build(
        {f"input/{number}": var for number, var in enumerate(arguments.values())},
        {f"output/{number}": var for number, var in enumerate(outputs.values())},
        drop_unused_inputs=True,
    )
    asked = set(inner.values())
    _rename(model.graph, lambda name: inner.get(name, f"inner/{name}" if name in asked else name))
    # The order in which spox lists inputs is a matter of chance.
    order = {name: number for number, name in enumerate(arguments)}
    given = sorted(model.graph.input, key=lambda value: order[value.name])
    del model.graph.input[:]
    model.graph.input.extend(given)
    _say_types(model.graph)
    return _tidy(model)


def _say_types(graph: onnx.GraphProto) -> None:
    """Say what the tokenizer gives.

    It is no operator of ONNX, whose inference of shapes knows nothing of it, and crashes where a pattern is matched
    with what has no type.
    """
    for node in graph.node:
        if node.op_type == "Tokenizer":
            graph.value_info.append(
                onnx.helper.make_tensor_value_info(node.output[0], onnx.TensorProto.STRING, [None] * 2)
            )
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _say_types(attribute.g)


def _rename(graph: onnx.GraphProto, change: Callable[[str], str]) -> None:
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = change(value.name)
    for node in graph.node:
        node.input[:] = [change(name) if name else "" for name in node.input]
        node.output[:] = [change(name) if name else "" for name in node.output]
        for attribute in node.attribute:
            for inside in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                _rename(inside, change)


def _tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    model.ir_version = min(model.ir_version, _IR_VERSION)
    model.producer_name = "headrace"
    model.graph.name = "transform"
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx") and opset.version > _OPSET:
            raise TransformError(
                f"A transform graph uses operators of opset {_OPSET} at most", got=f"opset {opset.version}"
            )
    return model
