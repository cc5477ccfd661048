"""Work on texts once for each distinct value of a batch, where a graph allows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.compute as pc
from onnx import TensorProto, helper

from headrace.errors import ModelError
from headrace.model.compose import prune_graph
from headrace.model.feeds import distinct_strings, feeds_from_batch
from headrace.model.lists import longest_lists
from headrace.model.session import run_session
from headrace.transform.list_parts import ListRun, cut_lists
from headrace.transform.sessions import constant, is_rowwise, shared_session
from headrace.transform.token_parts import cut_tokens
from headrace.transform.tokens import words_pay

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from headrace.model.feeds import Feeds
    from headrace.model.signature import Input
    from headrace.transform.token_parts import TokenPart, TokenRun

    Rows = slice | NDArray[np.int64]

__all__ = [
    "LEAST_ROWS",
    "ColumnPart",
    "Distinct",
    "Split",
    "counted_words",
    "run_chunks",
    "run_split",
    "split_by_column",
    "token_runs",
]

# Measured, a vocabulary of words of a dozen letters, CPU time against that of the whole graph: 1.17 to 2.1 times for
# 512 rows; 0.76, 1.0 and 1.24 times for 1,024 rows of which 2, 25 and 43 % are distinct; 0.37, 0.65, 0.93 and 1.11
# times for 4,096 rows of which 2, 24, 44 and 63 % are. Below so many rows it does not pay, and never above a half.
LEAST_ROWS = 1024
_SAMPLE = 1024
# The operators of a graph hand their results on within the processor's cache; a whole batch's would leave it.
_CHUNK_ROWS = 8_192


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


def run_split(
    split: Split,
    whole: bytes,
    inputs: Sequence[Input],
    batch: pa.RecordBatch,
    wanted: Collection[str],
    *,
    always: bool = False,
) -> Feeds:
    """Run a graph on a batch and return its outputs by name; for the parameters see `run_chunks`."""
    of_words = _of_words(split) if split.tokens else frozenset()
    found: Feeds = {}
    # What is not made of words need not be put in the order of their number, and back.
    for names in ([name for name in wanted if name in of_words], [name for name in wanted if name not in of_words]):
        if names:
            chunks = run_chunks(split, whole, inputs, batch, names, always=always)
            found |= _together(chunks, batch.num_rows, names)
    return found


def run_chunks(
    split: Split,
    whole: bytes,
    inputs: Sequence[Input],
    batch: pa.RecordBatch,
    wanted: Collection[str],
    *,
    always: bool = False,
    tokens: Sequence[TokenRun] = (),
) -> Iterator[tuple[Rows, dict[str, Any]]]:
    """Run a graph on a batch and yield rows and its outputs for them by name, at least once.

    They are the same bits as a run of the whole gives; lists are as wide as the longest list of their chunk. Texts that
    words were split into come as `Coded`, and then rows of as many words lie in one chunk.

    Parameters
    ----------
    split
        The graph in parts.
    whole
        The graph as it is, for batches whose texts are mostly different, or which are small.
    inputs
        Of the whole.
    wanted
        Outputs of the whole.
    always
        Look for distinct texts even where that does not pay.
    tokens
        What `token_runs` returned for the batch, where that is known.
    """
    rest = tuple(name for name in split.outputs if name in wanted)
    main = None if split.main is None or not rest else _only(split.main, rest)
    needed = set(wanted) | (set() if main is None else _reads(main))
    parts = [(part, names) for part in split.parts if (names := [name for name in part.outputs if name in needed])]
    repeating = {part.column for part, _ in parts if _repeats(batch, part.column, always=always)}
    # Words of which nothing more is wanted need not be laid out in rows.
    of_words = [part for part in split.tokens if needed & part.names]
    runs = [run for run in tokens if run.part in of_words] or token_runs(of_words, batch, always=always)
    if not repeating and not runs and not any(part.are_words(batch) for part in of_words):
        yield from _run_chunks(_only(whole, tuple(wanted)), inputs, list(wanted), batch, {}, ())
        return
    runs = runs or [part.run(batch) for part in of_words]
    found: Feeds = {}
    for part, names in parts:
        if part.column in repeating:
            distinct = part.run(batch.column(part.column))
            found |= {name: distinct.of_rows(name) for name in names}
        else:
            found |= _run(part.model, part.inputs, names, batch)
    for chunk in _run_chunks(main, split.inputs, list(rest), batch, found, runs):
        yield chunk[0], {name: chunk[1][name] for name in wanted}


def token_runs(parts: Sequence[TokenPart], batch: pa.RecordBatch, *, always: bool = False) -> list[TokenRun]:
    """Return the words of a batch's texts; nothing where it does not pay to work on the distinct ones."""
    if all(_repeats_words(batch, part, always=always) for part in parts):
        return [part.run(batch) for part in parts]
    return []


@lru_cache(maxsize=16)
def _of_words(split: Split) -> frozenset[str]:
    """Return the outputs that are made of the words of texts."""
    found = {name for part in split.tokens for name in part.names}
    if split.main is not None:
        for node in onnx.load_from_string(split.main).graph.node:
            if found.intersection(node.input):
                found.update(node.output)
    return frozenset(found)


@lru_cache(maxsize=64)
def _only(model: bytes, outputs: tuple[str, ...]) -> bytes:
    """Return the part of a model that some of its outputs need."""
    whole = onnx.load_from_string(model)
    if outputs == tuple(value.name for value in whole.graph.output):
        return model
    whole.graph.CopyFrom(prune_graph(whole.graph, outputs))
    content: bytes = whole.SerializeToString(deterministic=True)
    return content


def _reads(model: bytes) -> set[str]:
    return {value.name for value in shared_session(model).get_inputs()}


def _run(model: bytes, inputs: Sequence[Input], names: list[str], batch: pa.RecordBatch) -> Feeds:
    return _together(_run_chunks(model, inputs, names, batch, {}, ()), batch.num_rows, names)


def _together(chunks: Iterable[tuple[Rows, Feeds]], rows: int, names: Collection[str]) -> Feeds:
    """Put what was found for some rows in their places among all."""
    whole: Feeds = {}
    for places, found in chunks:
        for name in names:
            values = found[name]
            if values.shape[:1] == (rows,) and isinstance(places, slice):
                whole[name] = values
                continue
            if name not in whole:
                whole[name] = np.empty((rows, *values.shape[1:]), values.dtype)
            whole[name][places] = values
    return whole


def _run_chunks(
    model: bytes | None,
    inputs: Sequence[Input],
    names: list[str],
    batch: pa.RecordBatch,
    given: Feeds,
    tokens: Sequence[TokenRun],
) -> Iterator[tuple[Rows, dict[str, Any]]]:
    """Run a model on some rows after the other, and yield what it gives together with what it was given."""
    session = None if model is None or not names else shared_session(model)
    reads = set() if session is None or model is None else _reads(model)
    # A column is read with its mask, by which it is known that values may be missing.
    features = {item.feature for item in inputs if item.name in reads}
    feeds = feeds_from_batch(batch, [item for item in inputs if item.feature in features])
    # Lists of columns are of one width, that of the longest of a chunk, whoever makes the matrices.
    lists = {item.name for item in inputs if item.shape[1:] == ("M",)}
    of_lists = [run.part.column for run in tokens if isinstance(run, ListRun)]
    longest = longest_lists(batch, [*inputs, *of_lists]) if of_lists else None
    order = None
    if tokens and batch.num_rows > _CHUNK_ROWS:
        # Lists are as wide as the longest one beside them: rows go with others of their length.
        order = np.argsort(np.maximum.reduce([run.tokens.counts for run in tokens]), kind="stable")
    for start in range(0, max(batch.num_rows, 1), _CHUNK_ROWS):
        stop = min(start + _CHUNK_ROWS, batch.num_rows)
        rows: Rows = slice(start, stop) if order is None else order[start:stop]
        found: dict[str, Any] = {name: values[rows] for name, values in given.items()}
        width = 1 if longest is None else int(longest[rows].max(initial=1))
        for run in tokens:
            places = np.arange(start, stop) if order is None else order[start:stop]
            found |= run.chunk(places, width) if isinstance(run, ListRun) else run.chunk(places)
        if session is not None:
            mine = {name: values[rows] for name, values in feeds.items() if name in reads}
            if longest is not None:
                mine |= {name: mine[name][:, :width] for name in lists & mine.keys()}
            mine |= {name: values for name, values in found.items() if name in reads}
            found |= zip(names, run_session(session, names, mine), strict=True)
        yield rows, found


def counted_words(column: pa.Array) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    """Return the distinct texts of a column, and how many rows have each; null is left out."""
    if pa.types.is_dictionary(column.type):
        codes = column.indices.drop_null().to_numpy(zero_copy_only=False)
        counts = np.bincount(codes, minlength=len(column.dictionary))
        words, seen = column.dictionary, counts > 0
        if words.null_count:
            seen &= ~words.is_null().to_numpy(zero_copy_only=False)
        return words.filter(pa.array(seen)).cast(pa.large_string()), counts[seen]
    counted = pc.value_counts(column.drop_null())
    return counted.field("values").cast(pa.large_string()), counted.field("counts").to_numpy()


def _repeats(batch: pa.RecordBatch, name: str, *, always: bool) -> bool:
    """Say whether a batch's column has few enough distinct texts for them to be looked for."""
    index = batch.schema.get_field_index(name)
    if index < 0 or always:
        return bool(index >= 0)
    if batch.num_rows < LEAST_ROWS:
        return False
    column = batch.column(index)
    if pa.types.is_dictionary(column.type):
        return bool(2 * len(column.dictionary) <= len(column))
    # Every sixteenth row or so: files are often sorted.
    sample = column.take(pa.array(np.linspace(0, len(column) - 1, _SAMPLE).astype(np.int64)))
    return bool(2 * len(sample.unique()) <= len(sample))


def _repeats_words(batch: pa.RecordBatch, part: TokenPart, *, always: bool) -> bool:
    """Say whether it pays to work on the distinct words of a batch's texts."""
    if part.column.feature not in batch.schema.names:
        return False
    if part.are_words(batch):
        return True
    if always or part.gives_texts:
        # Texts would become Python's, one for each word.
        return always or batch.num_rows >= LEAST_ROWS
    return words_pay(batch.num_rows, lambda rows: part.tokens(batch.take(rows)))


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
