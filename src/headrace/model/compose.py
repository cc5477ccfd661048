"""Joining a transform graph and a predictor graph into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import ModelError, did_you_mean
from headrace.model.signature import TRANSFORMED_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import onnx

__all__ = ["compose", "prune", "reads"]

_IR_VERSION = 10


def compose(transform: onnx.ModelProto, predictor: onnx.ModelProto) -> onnx.ModelProto:
    """Inline a predictor behind a transform, by name.

    Parameters
    ----------
    transform
        Graph from raw columns to transformed features. The output of a feature has the feature's name, or that with
        :data:`~headrace.model.signature.TRANSFORMED_SUFFIX` where a raw column has the same name.
    predictor
        Graph whose inputs are transformed features. Its outputs become the outputs of the whole.

    Returns
    -------
    onnx.ModelProto
        Takes the raw columns that the outputs depend on, in the transform's order. Inner names start with
        ``transform/`` and ``predictor/``. The same arguments give the same bytes.

    Raises
    ------
    ModelError
        If the transform lacks a feature, gives it in another type or shape, or names clash.
    """
    import onnx

    transform, predictor = _without_functions(transform), _without_functions(predictor)
    wanted = [value for value in predictor.graph.input if value.name not in _constants(predictor.graph)]
    given = {value.name: value for value in transform.graph.output}
    for name in [name for name in given if name.endswith(TRANSFORMED_SUFFIX)]:
        given.setdefault(name.removesuffix(TRANSFORMED_SUFFIX), given[name])
    for value in wanted:
        _check_fit(value, given)
    source = {value.name: given[value.name].name for value in wanted}
    transform = prune(transform, list(dict.fromkeys(source.values())))
    transform, predictor, opsets = _same_opsets(transform, predictor)

    through = sorted(source.keys() & {value.name for value in predictor.graph.output})
    if through:
        raise ModelError("A predictor's output may not be one of its inputs", got=through[0])
    raw = {value.name for value in transform.graph.input}
    outputs = {value.name for value in predictor.graph.output}
    clash = sorted(raw & outputs)
    if clash:
        raise ModelError(
            "A raw column may not have the name of a model's output",
            got=clash[0],
            fix="Rename the column in the source",
        )

    before = onnx.GraphProto()
    before.CopyFrom(transform.graph)
    _rename(before, lambda name: name if name in raw else f"transform/{name}")
    after = onnx.GraphProto()
    after.CopyFrom(predictor.graph)

    def inner(name: str) -> str:
        if name in source:
            return source[name] if source[name] in raw else f"transform/{source[name]}"
        return name if name in outputs else f"predictor/{name}"

    _rename(after, inner)

    graph = onnx.GraphProto(name="headrace")
    graph.input.extend(before.input)
    graph.output.extend(after.output)
    graph.initializer.extend([*before.initializer, *after.initializer])
    graph.sparse_initializer.extend([*before.sparse_initializer, *after.sparse_initializer])
    # The types of what operators give that are not ONNX's own: inference of shapes needs them.
    graph.value_info.extend(before.value_info)
    for prefix, part in (("transform", before), ("predictor", after)):
        for index, node in enumerate(part.node):
            copy = graph.node.add()
            copy.CopyFrom(node)
            copy.name = f"{prefix}/{node.op_type}_{index}"
    _tidy(graph)
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "N"
    model = onnx.ModelProto(
        ir_version=_IR_VERSION, producer_name="headrace", graph=prune_graph(graph, [v.name for v in graph.output])
    )
    for domain in sorted(opsets):
        model.opset_import.append(onnx.OperatorSetIdProto(domain=domain, version=opsets[domain]))
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ModelError("The joined graph must be valid ONNX", got=str(error).strip()[:500]) from error
    return model


def prune(model: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto:
    """Keep only what some outputs need, inputs included; everything keeps its order and name.

    Raises
    ------
    ModelError
        If the graph has no such output.
    """
    import onnx

    known = [value.name for value in model.graph.output]
    for name in outputs:
        if name not in known:
            raise ModelError("An output that the graph has is wanted", got=name, fix=did_you_mean(name, known))
    pruned = onnx.ModelProto()
    pruned.CopyFrom(model)
    pruned.graph.CopyFrom(prune_graph(model.graph, outputs))
    return pruned


def prune_graph(graph: onnx.GraphProto, outputs: Sequence[str]) -> onnx.GraphProto:
    """Return a copy of a graph with only what ``outputs`` need."""
    import onnx

    needed = set(outputs)
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(reads(node))
    result = onnx.GraphProto(name=graph.name, node=reversed(kept))
    by_name = {value.name: value for value in graph.output}
    result.input.extend(value for value in graph.input if value.name in needed)
    result.output.extend(by_name[name] for name in outputs)
    result.initializer.extend(item for item in graph.initializer if item.name in needed)
    result.sparse_initializer.extend(item for item in graph.sparse_initializer if item.values.name in needed)
    result.value_info.extend(item for item in graph.value_info if item.name in needed)
    return result


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def reads(node: onnx.NodeProto) -> set[str]:
    """Names that a node reads, those that its subgraphs capture included."""
    names = {name for name in node.input if name}
    for graph in _subgraphs(node):
        inside = _constants(graph) | {value.name for value in graph.input}
        for child in graph.node:
            names |= reads(child) - inside
            inside.update(child.output)
        names |= {value.name for value in graph.output} - inside
    return names


def _constants(graph: onnx.GraphProto) -> set[str]:
    return {item.name for item in graph.initializer} | {item.values.name for item in graph.sparse_initializer}


def _rename(graph: onnx.GraphProto, change: Callable[[str], str]) -> None:
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = change(value.name)
    for tensor in graph.initializer:
        tensor.name = change(tensor.name)
    for sparse in graph.sparse_initializer:
        sparse.values.name = change(sparse.values.name)
    for node in graph.node:
        node.input[:] = [change(name) if name else "" for name in node.input]
        node.output[:] = [change(name) if name else "" for name in node.output]
        for inner in _subgraphs(node):
            _rename(inner, change)


def _tidy(graph: onnx.GraphProto) -> None:
    """Drop what tools leave behind and what no computation needs: it differs from machine to machine."""
    graph.ClearField("doc_string")
    graph.ClearField("metadata_props")
    for value in (*graph.input, *graph.output):
        value.ClearField("doc_string")
        value.ClearField("metadata_props")
    for node in graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
        for inner in _subgraphs(node):
            _tidy(inner)


def _check_fit(value: onnx.ValueInfoProto, given: dict[str, onnx.ValueInfoProto]) -> None:
    import onnx

    source = given.get(value.name)
    if source is None:
        raise ModelError(
            "A predictor's inputs are outputs of the transform", got=value.name, fix=did_you_mean(value.name, given)
        )
    have, want = source.type.tensor_type, value.type.tensor_type
    if have.elem_type != want.elem_type:
        name = onnx.TensorProto.DataType.Name
        raise ModelError(
            f"The transform gives {value.name!r} as {name(have.elem_type)}",
            got=f"a predictor for {name(want.elem_type)}",
        )
    dims = [[dim.dim_value or None for dim in kind.shape.dim] for kind in (have, want)]
    known = have.HasField("shape") and want.HasField("shape")
    if known and (
        len(dims[0]) != len(dims[1])
        or any(a != b for a, b in zip(dims[0][1:], dims[1][1:], strict=True) if a is not None and b is not None)
    ):
        raise ModelError(f"The transform gives {value.name!r} in shape {dims[0]}", got=f"a predictor for {dims[1]}")


def _without_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    if not model.functions:
        return model
    import onnx.inliner

    return onnx.inliner.inline_local_functions(model)


def _same_opsets(
    left: onnx.ModelProto, right: onnx.ModelProto
) -> tuple[onnx.ModelProto, onnx.ModelProto, dict[str, int]]:
    """Bring two graphs to one version of every operator set, converting only where an operator's meaning changed."""
    import onnx.version_converter

    models = [left, right]
    versions = [{("" if o.domain == "ai.onnx" else o.domain): o.version for o in m.opset_import} for m in models]
    opsets: dict[str, int] = {}
    for domain in sorted({*versions[0], *versions[1]}):
        candidates = sorted({v[domain] for v in versions if domain in v}, reverse=True)
        fitting = [
            c
            for c in candidates
            if all(
                _keeps_meaning(m, domain, v[domain], c) for m, v in zip(models, versions, strict=True) if domain in v
            )
        ]
        opsets[domain] = fitting[0] if fitting else candidates[0]
        if fitting:
            continue
        if domain != "":
            raise ModelError(
                "Two graphs that are joined use operators of versions that agree",
                got=f"{domain} {candidates[0]} and {candidates[-1]}",
                fix="Export both for the same version",
            )
        for i, (model, version) in enumerate(zip(models, versions, strict=True)):
            if version.get("", opsets[""]) != opsets[""]:
                models[i] = onnx.version_converter.convert_version(model, opsets[""])
    return models[0], models[1], opsets


# Versions from the first to the last of which an operator was only given more optional attributes, so that a node of an
# older one means the same in a newer one.
_GROWN = {
    ("ai.onnx.ml", "LabelEncoder"): (2, 4),
    ("ai.onnx.ml", "TreeEnsembleClassifier"): (1, 4),
    ("ai.onnx.ml", "TreeEnsembleRegressor"): (1, 4),
}


def _keeps_meaning(model: onnx.ModelProto, domain: str, own: int, other: int) -> bool:
    """Say whether every operator of a domain is the same in both versions of the operator set."""
    import onnx

    if own == other:
        return True

    def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
        for node in graph.node:
            yield node
            for inner in _subgraphs(node):
                yield from nodes(inner)

    for node in nodes(model.graph):
        if ("" if node.domain == "ai.onnx" else node.domain) != domain:
            continue
        try:
            mine = onnx.defs.get_schema(node.op_type, own, domain)
            theirs = onnx.defs.get_schema(node.op_type, other, domain)
        except onnx.defs.SchemaError:
            return not onnx.defs.has(node.op_type, domain)
        if mine.since_version == theirs.since_version:
            continue
        first, last = _GROWN.get((domain, node.op_type), (0, -1))
        if not first <= own < other <= last:
            return False
    return True
