"""Work on texts once for each distinct value of a batch, where a graph allows it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.compute as pc

from headrace.model.compose import prune_graph
from headrace.model.feeds import feeds_from_batch
from headrace.model.lists import longest_lists
from headrace.model.session import run_session
from headrace.transform.list_parts import ListRun
from headrace.transform.sessions import shared_session
from headrace.transform.tokens import words_pay

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from headrace.model.feeds import Feeds
    from headrace.model.signature import Input
    from headrace.transform.column_parts import Split
    from headrace.transform.token_parts import TokenPart, TokenRun

    Rows = slice | NDArray[np.int64]

__all__ = [
    "LEAST_ROWS",
    "counted_words",
    "run_chunks",
    "run_split",
    "token_runs",
]

# Measured, a vocabulary of words of a dozen letters, CPU time against that of the whole graph: 1.17 to 2.1 times for
# 512 rows; 0.76, 1.0 and 1.24 times for 1,024 rows of which 2, 25 and 43 % are distinct; 0.37, 0.65, 0.93 and 1.11
# times for 4,096 rows of which 2, 24, 44 and 63 % are. Below so many rows it does not pay, and never above a half.
LEAST_ROWS = 1024
_SAMPLE = 1024
# The operators of a graph hand their results on within the processor's cache; a whole batch's would leave it.
_CHUNK_ROWS = 8_192


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
            if values.shape[1:] != whole[name].shape[1:]:
                raise ValueError(f"{name} has rows of {values.shape[1:]} and {whole[name].shape[1:]} values")
            _rows(whole[name])[places] = _rows(values)
    return whole


def _rows(values: NDArray[Any]) -> NDArray[Any]:
    """Return the rows of a matrix of numbers as single items, which NumPy puts in their places in half the time."""
    if values.ndim != 2 or values.dtype == object or not values.shape[1]:
        return values
    return np.ascontiguousarray(values).view(np.dtype((np.void, values.itemsize * values.shape[1])))[:, 0]


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
