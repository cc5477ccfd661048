"""Cutting the parts off a graph that read one text column each, or its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from headrace.errors import ModelError
from headrace.model.compose import prune_graph
from headrace.model.feeds import distinct_strings
from headrace.model.session import run_session
from headrace.transform.list_parts import cut_lists
from headrace.transform.sessions import constant, is_rowwise, shared_session
from headrace.transform.token_parts import cut_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from headrace.model.feeds import Feeds
    from headrace.model.signature import Input
    from headrace.transform.token_parts import TokenPart

__all__ = ["ColumnPart", "Distinct", "Split", "split_by_column"]


@dataclass(frozen=True)
class ColumnPart:
    """The part of a graph that reads one text column and nothing else, row by row.

    Parameters
    ----------
    column
        The raw column.
    model
        Gives ``outputs`` from the column's texts and, where it may be missing, its mask.
    inputs
        Of the model.
    outputs
        What the rest of the graph, or whoever asked, needs of it.
    value
        The column's input of the whole graph.
    may_be_missing
        Whether the whole graph has a mask of the column.
    plain
        Those outputs that are the column's texts or its mask as they are.
    """

    column: str
    model: bytes
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    value: Input
    may_be_missing: bool
    plain: frozenset[str] = frozenset()

    def check(self, column: pa.Array) -> None:
        """Raise RequestError if the column is no text, or has a null where none may be."""
        distinct_strings(column.slice(0, 0), self.value, may_be_missing=self.may_be_missing)
        if column.null_count and not self.may_be_missing:
            distinct_strings(column, self.value, may_be_missing=False)

    def run(self, column: pa.Array) -> Distinct:
        """Run it once for each distinct value of a column.

        Raises
        ------
        RequestError
            If the column is no text, or has a null where none may be.
        """
        texts, codes, has_null = distinct_strings(column, self.value, may_be_missing=self.may_be_missing)
        missing = np.zeros(texts.size, np.bool_)
        if has_null:
            missing[-1] = True
        feeds: Feeds = {item.name: missing if item.role == "missing" else texts for item in self.inputs}
        found = run_session(shared_session(self.model), list(self.outputs), feeds)
        return Distinct(dict(zip(self.outputs, found, strict=True)), codes)


@dataclass(frozen=True)
class Distinct:
    """Values for each distinct text of a batch, and which of them each row has."""

    values: dict[str, np.ndarray[Any, Any]]
    codes: np.ndarray[Any, Any]

    def of_rows(self, name: str) -> np.ndarray[Any, Any]:
        """Return the values of all rows."""
        return self.values[name].take(self.codes, axis=0)

    def counts(self) -> np.ndarray[Any, Any]:
        """Return how many rows have each distinct text."""
        sizes = next(iter(self.values.values())).shape[0]
        return np.bincount(self.codes, minlength=sizes)


@dataclass(frozen=True)
class Split:
    """A graph in parts: those of single text columns, and the rest, which takes their results as inputs.

    Parameters
    ----------
    main
        The rest; None where the parts give all that is asked for.
    inputs
        Raw inputs of the rest.
    outputs
        The outputs that the rest gives.
    parts
        The others.
    tokens
        Those that split texts into words.
    """

    main: bytes | None
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    parts: tuple[ColumnPart, ...]
    tokens: tuple[TokenPart, ...] = ()


@lru_cache(maxsize=16)
def split_by_column(model: bytes, inputs: tuple[Input, ...]) -> Split:
    """Cut the parts off a graph that read one text column each.

    Parameters
    ----------
    model
        The graph.
    inputs
        Its raw inputs.
    """
    words, whole = cut_tokens(model, inputs)
    lists, whole = cut_lists(whole, inputs)
    tokens = (*words, *lists)
    outputs = [value.name for value in whole.graph.output]
    if tokens:
        if not outputs:
            return Split(None, (), (), (), tokens)
        reads = {value.name for value in whole.graph.input} - {part.absent for part in lists}
        model, inputs = (
            whole.SerializeToString(deterministic=True),
            tuple(item for item in inputs if item.name in reads),
        )
    owners = _owners(whole.graph, inputs)
    frontier = _frontier(whole.graph, owners, outputs)
    parts = []
    taken: set[str] = set()
    types: dict[str, onnx.ValueInfoProto] = {}
    for column, names in frontier.items():
        own = tuple(item for item in inputs if item.feature == column)
        part = _part(whole, own, names)
        if part is None:
            continue
        found, infos = part
        parts.append(found)
        taken.update(names)
        types |= infos
    if not parts:
        return Split(model, inputs, tuple(outputs), (), tokens)
    rest = [name for name in outputs if name not in taken]
    if not rest:
        return Split(None, (), (), tuple(parts), tokens)
    main = onnx.ModelProto()
    main.CopyFrom(whole)
    graph = main.graph
    kept = [node for node in graph.node if not taken.issuperset(node.output)]
    del graph.node[:]
    graph.node.extend(kept)
    graph.input.extend(types[name] for name in sorted(taken))
    graph.CopyFrom(prune_graph(graph, rest))
    reads = {value.name for value in graph.input}
    used = tuple(item for item in inputs if item.name in reads)
    return Split(main.SerializeToString(deterministic=True), used, tuple(rest), tuple(parts), tokens)


def _owners(graph: onnx.GraphProto, inputs: Iterable[Input]) -> dict[str, str | None]:
    """Say of each value which text column it is computed from row by row; None for constants.

    Values that are computed from more, or otherwise, are left out.
    """
    texts = {item.feature for item in inputs if item.role == "value" and item.dtype == "string" and len(item.shape) < 2}
    owners: dict[str, str | None] = {item.name: item.feature for item in inputs if item.feature in texts}
    owners |= {item.name: None for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            owners[node.output[0]] = None
            continue
        if not node.input or any(name and name not in owners for name in node.input):
            continue
        columns = {owners[name] for name in node.input if name} - {None}
        if not columns:
            owners |= dict.fromkeys(node.output, None)
        elif len(columns) == 1 and (is_rowwise(node) or _keeps_rows(node, graph)):
            owners |= dict.fromkeys(node.output, columns.pop())
    return owners


def _keeps_rows(node: onnx.NodeProto, graph: onnx.GraphProto) -> bool:
    """Say whether an Unsqueeze adds axes behind the rows alone."""
    if node.op_type != "Unsqueeze" or node.domain not in ("", "ai.onnx") or len(node.input) < 2:
        return False
    axes = constant(node.input[1], graph)
    return axes is not None and bool(np.all((axes > 0) | (axes == -1)))


def _frontier(graph: onnx.GraphProto, owners: dict[str, str | None], outputs: Sequence[str]) -> dict[str, list[str]]:
    """Return, by column, the values that are computed from it alone and read by other nodes, or asked for."""
    raw = {value.name for value in graph.input}
    read_elsewhere = set(outputs)
    for node in graph.node:
        mine = {owners.get(name, "") for name in node.output}
        for name in node.input:
            if name and {owners.get(name, "")} != mine:
                read_elsewhere.add(name)
        for attribute in node.attribute:
            for inside in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                read_elsewhere.update(name for one in inside.node for name in one.input)
    found: dict[str, list[str]] = {}
    for node in graph.node:
        for name in node.output:
            column = owners.get(name)
            if column is not None and name in read_elsewhere and name not in raw:
                found.setdefault(column, []).append(name)
    return found


def _plain(graph: onnx.GraphProto, raw: set[str]) -> set[str]:
    same = set(raw)
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in same:
            same.add(node.output[0])
    return same


def _part(
    whole: onnx.ModelProto, inputs: tuple[Input, ...], outputs: Sequence[str]
) -> tuple[ColumnPart, dict[str, onnx.ValueInfoProto]] | None:
    """Build a column's part, and find its outputs' types by running it; None where a result is not one a row."""
    part = onnx.ModelProto()
    part.CopyFrom(whole)
    del part.graph.output[:]
    # Types of outputs may be left out in what only ONNX Runtime reads.
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    part.graph.CopyFrom(prune_graph(part.graph, outputs))
    names = {value.name for value in part.graph.input}
    used = tuple(item for item in inputs if item.name in names)
    content = part.SerializeToString(deterministic=True)
    infos: dict[str, onnx.ValueInfoProto] = {}
    try:
        session = shared_session(content)
    except ModelError:
        return None
    for rows in (2, 3):
        texts, mask = np.array([""] * rows, object), np.zeros(rows, np.bool_)
        feeds = {item.name: mask if item.role == "missing" else texts for item in used}
        for name, value in zip(outputs, run_session(session, list(outputs), feeds), strict=True):
            if value.ndim == 0 or value.shape[0] != rows:
                return None
            kind = TensorProto.STRING if value.dtype == object else helper.np_dtype_to_tensor_dtype(value.dtype)
            infos[name] = helper.make_tensor_value_info(name, kind, ["N", *value.shape[1:]])
    value = next(item for item in inputs if item.role == "value")
    plain = _plain(part.graph, {item.name for item in inputs}) & set(outputs)
    found = ColumnPart(value.feature, content, used, tuple(outputs), value, len(inputs) > 1, frozenset(plain))
    return found, infos
