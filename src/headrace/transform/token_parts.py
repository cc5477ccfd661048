"""Work on the words of texts once for each distinct word of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pyarrow as pa
from onnx import TensorProto, helper

from headrace.errors import ModelError
from headrace.model.compose import prune_graph
from headrace.model.feeds import feeds_from_batch
from headrace.model.session import run_session
from headrace.transform.sessions import constant, is_rowwise, shared_session
from headrace.transform.tokens import WORDS, Coded, Lists, Tokens, is_text, split_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from headrace.model.signature import Input

__all__ = ["Found", "Graph", "TokenPart", "TokenRun", "cut_tokens", "rest_of", "word_model", "word_types"]

# What tft.split makes of the tokenizer; any other pattern is left to it.
_WORD = rb"(?:[^\t\n\v\f\r ]+)|^\x00row$"


@dataclass(frozen=True)
class Shape:
    """A value of a graph that has the shape of the words' matrix, from ``start`` to ``end``, or ``less`` columns."""

    name: str
    less: int
    start: int
    end: int


@dataclass(frozen=True)
class TokenPart:
    """The part of a graph that splits the texts of a column and treats each word by itself.

    Parameters
    ----------
    column
        The graph's input of the texts.
    texts
        The model that makes the texts to split of raw columns; None where they are the column's own, ``""`` for null.
    inputs
        Of that model.
    separator
        As in `split_texts`.
    matrix
        The graph's value that has the words, of shape ``[rows, width]``.
    model
        Gives ``outputs`` of distinct words, of shape ``[words]``.
    outputs
        Values of the shape of the matrix that the rest of the graph, or whoever asked, needs.
    asked
        Those of them that are the graph's own outputs.
    counts
        The graph's value that has the number of words of each row.
    beyond
        The graph's outputs of the shape of the matrix that are true behind the end of each row.
    shapes
        The graph's values that have the shape of the matrix.
    gives_texts
        Whether outputs are texts.
    """

    column: Input
    texts: bytes | None
    inputs: tuple[Input, ...]
    separator: bytes | None
    matrix: str
    model: bytes
    outputs: tuple[str, ...]
    asked: tuple[str, ...]
    counts: str | None
    beyond: frozenset[str]
    shapes: tuple[Shape, ...]
    gives_texts: bool

    @property
    def names(self) -> set[str]:
        """The graph's values that it gives."""
        return {*self.outputs, *(one.name for one in self.shapes), *([] if self.counts is None else [self.counts])}

    def are_words(self, batch: pa.RecordBatch) -> bool:
        """Tell whether a batch has words (see `Tokens.array`) where the texts should be."""
        index = batch.schema.get_field_index(self.column.feature)
        return index >= 0 and self.texts is None and batch.schema.types[index] == WORDS

    def tokens(self, batch: pa.RecordBatch) -> Tokens:
        """Split the texts of a batch.

        Raises
        ------
        RequestError
            As `feeds_from_batch` does.
        """
        if self.texts is not None:
            session = shared_session(self.texts)
            (made,) = run_session(session, [session.get_outputs()[0].name], feeds_from_batch(batch, self.inputs))
            return split_texts(pa.array(made, pa.string()), self.separator)
        texts = batch.column(self.column.feature)
        if self.are_words(batch):
            if texts.null_count:
                # It knows whether there may be nulls.
                feeds_from_batch(pa.record_batch({self.column.feature: pa.nulls(1, pa.string())}), self.inputs)
            return Tokens.of_array(texts)
        if texts.null_count or not is_text(texts.type):
            # It knows which columns may have nulls, and says what is wrong with others.
            feeds_from_batch(batch, self.inputs)
        return split_texts(texts, self.separator)

    def run(self, batch: pa.RecordBatch) -> TokenRun:
        """Split the texts of a batch, and run the model once for each distinct word.

        Raises
        ------
        RequestError
            As `feeds_from_batch` does.
        """
        tokens = self.tokens(batch)
        words = tokens.words.to_numpy(zero_copy_only=False)
        found = run_session(shared_session(self.model), list(self.outputs), {self.matrix: words})
        return TokenRun(self, tokens, dict(zip(self.outputs, found, strict=True)))


@dataclass(frozen=True)
class TokenRun:
    """What a part found in a batch."""

    part: TokenPart
    tokens: Tokens
    values: dict[str, np.ndarray[Any, Any]]

    def lists(self, values: str, missing: str | None) -> Lists | None:
        """Return two of the graph's outputs as lists without what is missing; None where words do not tell it."""
        if values not in self.values or missing is None or self.values[values].dtype.kind == "f":
            return None
        tokens = self.tokens
        if missing in self.part.beyond:
            return Lists(self.values[values], tokens.codes, tokens.counts, tokens.having)
        absent = self.values.get(missing)
        if absent is None or not absent[-1]:
            # What lies behind the end of a row has a value too, and rows are as long as the longest.
            return None
        kept = ~absent[tokens.codes]
        if kept.all():
            return Lists(self.values[values], tokens.codes, tokens.counts, tokens.having)
        sums = np.concatenate([[0], np.cumsum(kept)])
        having = None if tokens.having is None else np.where(absent, np.int32(0), tokens.having)
        return Lists(self.values[values], tokens.codes[kept], np.diff(sums[tokens.starts]), having)

    def chunk(self, rows: NDArray[np.int64], width: int = 1) -> dict[str, Any]:
        """Return the graph's values for some rows, ``width`` columns at least; texts as `Coded`."""
        part = self.part
        counts = self.tokens.counts[rows]
        longest = int(counts.max(initial=0))
        # The operator that splits at a separator is followed by a column of ""; the other one has one column at least.
        width = longest + 1 if part.separator is not None else max(longest, width)
        codes = self.tokens.matrix(rows, width)
        found: dict[str, Any] = {
            name: Coded(values, codes) if values.dtype == object else values.take(codes)
            for name, values in self.values.items()
        }
        if part.counts is not None:
            found[part.counts] = counts
        return found | {one.name: np.array([rows.size, width - one.less])[one.start : one.end] for one in part.shapes}


@dataclass(frozen=True)
class Found:
    """A place in a graph where texts are split."""

    texts: str
    separator: bytes | None
    matrix: str
    # What lies between the texts and the matrix, which only the matrix and shapes may be made of.
    inside: frozenset[str]
    counts: str | None
    shapes: tuple[Shape, ...]


class Graph:
    """A graph, of which is known what makes and what reads each value."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.makers = {name: node for node in graph.node for name in node.output if name}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        self.captured: set[str] = set()
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
            for attribute in node.attribute:
                for inner in (attribute.g, *attribute.graphs) if attribute.HasField("g") else attribute.graphs:
                    self.captured |= {name for one in inner.node for name in one.input}
        self.outputs = [value.name for value in graph.output]

    def constant(self, name: str) -> Any:
        """Return a constant; None where the value is computed."""
        return constant(name, self.graph)

    def places(self) -> Iterator[Found]:
        """Yield the places where texts are split."""
        for node in self.graph.node:
            found = None
            if node.op_type == "StringSplit":
                found = self._split(node)
            elif (node.domain, node.op_type) == ("com.microsoft", "Tokenizer"):
                found = self._tokenizer(node)
            if found is not None:
                yield found

    def _split(self, node: onnx.NodeProto) -> Found | None:
        settings = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        separator = settings.pop("delimiter", b"")
        if settings or len(separator) != 1 or separator[0] >= 128:
            return None
        parts = node.output[0]
        joins = [one for one in self.readers.get(parts, []) if one.op_type != "Shape"]
        if len(joins) != 1 or joins[0].op_type != "Concat" or len(joins[0].input) != 2 or joins[0].input[0] != parts:
            return None
        column = self.makers.get(joins[0].input[1])
        if (
            column is None
            or column.op_type != "Where"
            or not all(_is_blank(self.constant(name)) for name in column.input[1:])
        ):
            return None
        counts = node.output[1] if len(node.output) > 1 else None
        shapes = tuple(self._shapes(parts, 1))
        return Found(node.input[0], separator, joins[0].output[0], frozenset({parts}), counts or None, shapes)

    def _tokenizer(self, node: onnx.NodeProto) -> Found | None:
        settings = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        wanted = {"mark": 0, "mincharnum": 1, "pad_value": b"", "tokenexp": _WORD}
        before = self.makers.get(node.input[0])
        behind = self.readers.get(node.output[0], [])
        if settings != wanted or before is None or before.op_type != "Concat" or len(before.input) != 2:
            return None
        guard = self.constant(before.input[0])
        if guard is None or guard.shape != (1,) or len(behind) != 1 or behind[0].op_type != "Slice":
            return None
        bounds = [self.constant(name) for name in behind[0].input[1:]]
        if len(bounds) != 2 or any(bound is None for bound in bounds) or bounds[0].tolist() != [1]:
            return None
        matrix = behind[0].output[0]
        inside = frozenset({before.output[0], node.output[0]})
        return Found(before.input[1], None, matrix, inside, None, ())

    def _shapes(self, name: str, less: int) -> Iterator[Shape]:
        for node in self.readers.get(name, []):
            if node.op_type == "Shape":
                bounds = {one.name: one.i for one in node.attribute}
                yield Shape(node.output[0], less, bounds.get("start", 0), bounds.get("end", 2))

    def shapes(self, found: Found, mine: set[str]) -> tuple[Shape, ...]:
        """Return the values that have the shape of the matrix, or of what is made of it word by word."""
        return (*found.shapes, *(one for name in sorted(mine) for one in self._shapes(name, 0)))

    def beyond(self, found: Found) -> frozenset[str]:
        """Return the outputs that are true behind the end of each row: `tft.split` compares places with counts."""
        lengths = {
            node.output[0]
            for node in self.readers.get(found.counts or "", [])
            if node.op_type == "Unsqueeze" and _is_one(self.constant(node.input[1]))
        }
        same = {
            node.output[0]
            for node in self.graph.node
            if node.op_type == "GreaterOrEqual" and node.input[1] in lengths and self._are_places(node.input[0], found)
        }
        for node in self.graph.node:
            if node.op_type == "Identity" and node.input[0] in same:
                same.add(node.output[0])
        return frozenset(same & set(self.outputs))

    def _are_places(self, name: str, found: Found) -> bool:
        """Say whether a value is 0, 1, … up to the width of the matrix."""
        node = self.makers.get(name)
        if node is None or node.op_type != "Range":
            return False
        first, step = self.constant(node.input[0]), self.constant(node.input[2])
        width = self.makers.get(node.input[1])
        inner = None if width is None or width.op_type != "Squeeze" else self.makers.get(width.input[0])
        if first is None or first != 0 or not _is_one(step) or inner is None:
            return False
        return Shape(inner.output[0], 0, 1, 2) in self._shapes(found.matrix, 0)

    def by_word(self, found: Found) -> tuple[set[str], list[str]]:
        """Return the values that are computed of each word by itself, and those of them that others need."""
        constants = {item.name for item in self.graph.initializer}
        constants |= {node.output[0] for node in self.graph.node if node.op_type == "Constant"}
        mine = {found.matrix}
        for node in self.graph.node:
            names = {name for name in node.input if name}
            if names & mine and names <= mine | constants and is_rowwise(node):
                mine.update(node.output)
        others = [
            name
            for name in mine
            if name in self.outputs
            or name in self.captured
            or any(not mine.issuperset(node.output) for node in self.readers.get(name, []) if node.op_type != "Shape")
        ]
        return mine, sorted(others)


def _is_one(value: Any) -> bool:
    return value is not None and value.size == 1 and bool(value.ravel()[0] == 1)


def _is_blank(value: Any) -> bool:
    return value is not None and value.size == 1 and value.dtype.kind == "O" and value.item() in ("", b"")


def cut_tokens(model: bytes, inputs: Sequence[Input]) -> tuple[tuple[TokenPart, ...], onnx.ModelProto]:
    """Cut the parts off a graph that split texts into words and treat each word by itself.

    Returns
    -------
    tuple of TokenPart
        The parts.
    onnx.ModelProto
        The rest, which takes their results as inputs; without outputs where the parts give all.
    """
    whole = onnx.load_from_string(model)
    graph = Graph(whole.graph)
    parts: list[TokenPart] = []
    types: dict[str, onnx.ValueInfoProto] = {}
    for found in graph.places():
        part = _part(whole, graph, found, inputs)
        if part is not None:
            parts.append(part[0])
            types |= part[1]
    return tuple(parts), rest_of(whole, parts, types)


def rest_of(
    whole: onnx.ModelProto, parts: Sequence[TokenPart], types: Mapping[str, onnx.ValueInfoProto]
) -> onnx.ModelProto:
    """Return a graph without its parts, whose results, of which the types are given, become inputs."""
    if not parts:
        return whole
    given = {name for part in parts for name in part.asked}
    rest = [value.name for value in whole.graph.output if value.name not in given]
    main = onnx.ModelProto()
    main.CopyFrom(whole)
    kept = [node for node in whole.graph.node if not types.keys() & set(node.output)]
    del main.graph.node[:]
    main.graph.node.extend(kept)
    main.graph.input.extend(types[name] for name in sorted(types))
    main.graph.CopyFrom(prune_graph(main.graph, rest))
    return main


def _part(
    whole: onnx.ModelProto, graph: Graph, found: Found, inputs: Sequence[Input]
) -> tuple[TokenPart, dict[str, onnx.ValueInfoProto]] | None:
    mine, outputs = graph.by_word(found)
    if found.matrix in outputs or found.inside & (set(graph.outputs) | graph.captured) or not outputs:
        return None
    texts = _texts_model(whole, graph, found, inputs)
    if texts is None:
        return None
    column, texts_model, texts_inputs = texts
    asked = tuple(name for name in outputs if name in graph.outputs)
    model = word_model(whole, found.matrix, outputs)
    types = word_types(model, found.matrix, outputs)
    if types is None or any(
        types[name].type.tensor_type.elem_type == TensorProto.STRING
        and any(not mine.issuperset(node.output) for node in graph.readers.get(name, []))
        for name in outputs
    ):
        # A matrix of texts that the rest of the graph takes would be made for nothing.
        return None
    gives_texts = any(types[name].type.tensor_type.elem_type == TensorProto.STRING for name in outputs)
    if found.counts is not None:
        types[found.counts] = helper.make_tensor_value_info(found.counts, TensorProto.INT64, ["N"])
    shapes = graph.shapes(found, mine)
    for one in shapes:
        size = len(range(2)[one.start : one.end])
        types[one.name] = helper.make_tensor_value_info(one.name, TensorProto.INT64, [size])
    part = TokenPart(
        column, texts_model, texts_inputs, found.separator, found.matrix, model, tuple(outputs), asked,
        found.counts, graph.beyond(found), shapes, gives_texts,
    )  # fmt: skip
    return part, types


def _texts_model(
    whole: onnx.ModelProto, graph: Graph, found: Found, inputs: Sequence[Input]
) -> tuple[Input, bytes | None, tuple[Input, ...]] | None:
    raw = {item.name: item for item in inputs if item.role == "value" and item.dtype == "string"}
    own = raw.get(found.texts)
    maker = graph.makers.get(found.texts)
    if own is None and maker is not None and maker.op_type == "Where":
        mask, blank, value = maker.input
        filled = graph.constant(blank)
        own = raw.get(value)
        masks = {item.name for item in inputs if item.role == "missing" and own and item.feature == own.feature}
        if mask not in masks or filled is None or filled.size != 1 or filled.reshape(-1)[0] not in ("", b""):
            own = None
    if own is not None and len(own.shape) < 2:
        return own, None, tuple(item for item in inputs if item.feature == own.feature)
    model = onnx.ModelProto()
    model.CopyFrom(whole)
    del model.graph.output[:]
    model.graph.output.append(onnx.ValueInfoProto(name=found.texts))
    model.graph.CopyFrom(prune_graph(model.graph, [found.texts]))
    names = {value.name for value in model.graph.input}
    used = tuple(item for item in inputs if item.name in names)
    values = [item for item in used if item.role == "value"]
    if not values or any(len(item.shape) >= 2 for item in used):
        return None
    return values[0], model.SerializeToString(deterministic=True), used


def word_model(whole: onnx.ModelProto, matrix: str, outputs: Sequence[str]) -> bytes:
    """Return the model that gives outputs of words in place of a matrix of them."""
    model = onnx.ModelProto()
    model.CopyFrom(whole)
    graph = model.graph
    kept = [node for node in whole.graph.node if matrix not in node.output]
    del graph.node[:]
    graph.node.extend(kept)
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(matrix, TensorProto.STRING, ["W"]))
    del graph.output[:]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    graph.CopyFrom(prune_graph(graph, outputs))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def word_types(model: bytes, matrix: str, outputs: Sequence[str]) -> dict[str, onnx.ValueInfoProto] | None:
    """Return the types of what a model of words gives, found by running it; None where it is not one for each word."""
    types: dict[str, onnx.ValueInfoProto] = {}
    try:
        for count in (2, 3):
            found = run_session(shared_session(model), list(outputs), {matrix: np.array([""] * count, object)})
            for name, value in zip(outputs, found, strict=True):
                if value.shape != (count,):
                    return None
                kind = TensorProto.STRING if value.dtype == object else helper.np_dtype_to_tensor_dtype(value.dtype)
                types[name] = helper.make_tensor_value_info(name, kind, ["N", f"{matrix}/width"])
    except ModelError:
        return None
    return types
