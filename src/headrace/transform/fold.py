"""Running the inputs of analyzers over batches, for all analyzers of a level at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from headrace.model.lists import list_pieces
from headrace.transform.accumulators import ByRow, CountingPart, ListPart, WordCountingPart
from headrace.transform.column_parts import split_by_column
from headrace.transform.distinct import counted_words, run_chunks, token_runs
from headrace.transform.tokens import Coded, Lists

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from headrace.model.signature import Input
    from headrace.transform.accumulators import Analyzer
    from headrace.transform.column_parts import Distinct, Split
    from headrace.transform.token_parts import TokenRun

__all__ = ["AnalyzerInput", "CombinedAccumulator", "Task"]


@dataclass(frozen=True)
class AnalyzerInput:
    """The model's outputs that one or more analyzers look at."""

    values: str
    missing: str | None


@dataclass(frozen=True)
class Task:
    """One analyzer on its inputs."""

    analyzer: Analyzer
    looks_at: tuple[AnalyzerInput, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The outputs of the model that it needs."""
        return tuple(name for item in self.looks_at for name in (item.values, item.missing) if name)


class _State:
    """The state of a task, and what it takes, which takes long to ask of each batch."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.names = task.names
        self.part = task.analyzer.part()
        self.by_row = isinstance(task.analyzer, ByRow)
        self.lists = isinstance(self.part, ListPart)
        self.counts = isinstance(self.part, CountingPart)
        self.words = isinstance(self.part, WordCountingPart)


class CombinedAccumulator:
    """The states of all analyzers of a level, fed from one run of one model for each batch."""

    def __init__(self, model: bytes, inputs: tuple[Input, ...], tasks: tuple[Task, ...]) -> None:
        self._model = model
        self._inputs = inputs
        self._states = [_State(task) for task in tasks]
        self.rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in a batch."""
        for piece in list_pieces(batch, self._inputs):
            if piece.num_rows:
                self._update(piece)

    def _update(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        split = split_by_column(self._model, self._inputs)
        owner = {name: part for part in split.parts for name in part.outputs}
        counted: dict[str, Distinct] = {}
        others: list[_State] = []
        for state in self._states:
            column = owner.get(state.names[0])
            # Where only counts are wanted, no row needs its value.
            if column is None or not state.counts or not set(state.names) <= set(column.outputs):
                others.append(state)
            elif state.words and set(state.names) <= column.plain:
                # As they are in the batch, texts need not become Python's.
                column.check(batch.column(column.column))
                cast("WordCountingPart", state.part).update_words(*counted_words(batch.column(column.column)))
            else:
                if column.column not in counted:
                    counted[column.column] = column.run(batch.column(column.column))
                _count(cast("CountingPart", state.part), counted[column.column], state.task.looks_at)
        tokens = token_runs(split.tokens, batch) if others else []
        others = [state for state in others if not _update_lists(state, tokens)]
        if others:
            self._update_by_row(split, batch, others, tokens)

    def _update_by_row(self, split: Split, batch: pa.RecordBatch, states: list[_State], tokens: list[TokenRun]) -> None:
        wanted = sorted({name for state in states for name in state.names})
        words: dict[int, tuple[NDArray[Any], NDArray[np.int64]]] = {}
        for _, found in run_chunks(split, self._model, self._inputs, batch, wanted, tokens=tokens):
            present: dict[Any, tuple[NDArray[Any], ...]] = {}
            for number, state in enumerate(states):
                looks_at = state.task.looks_at
                values = found[state.names[0]]
                if isinstance(values, Coded) and state.counts and len(looks_at) == 1:
                    counts = values.counts(found.get(looks_at[0].missing or ""))
                    words[number] = (values.words, counts + words[number][1] if number in words else counts)
                elif state.lists:
                    cast("ListPart", state.part).update_lists(_lists(found, looks_at))
                else:
                    key = (looks_at, state.by_row)
                    if key not in present:
                        present[key] = _present(found, looks_at, by_row=state.by_row)
                    state.part.update(*present[key])
        for number, (texts, counts) in words.items():
            seen = counts > 0
            cast("CountingPart", states[number].part).update_counted(texts[seen], counts[seen])

    def merge(self, other: CombinedAccumulator) -> None:
        """Take in what another accumulator has seen."""
        self.rows += other.rows
        for mine, theirs in zip(self._states, other._states, strict=True):
            mine.part.merge(theirs.part)

    def result(self) -> list[Any]:
        """Return the values, in the order of the tasks."""
        return [state.part.result() for state in self._states]


def _count(state: CountingPart, found: Distinct, looks_at: tuple[AnalyzerInput, ...]) -> None:
    (item,) = looks_at
    values, counts = found.values[item.values].ravel(), found.counts()
    if values.size != counts.size:
        # Each item of a list of fixed size counts as often as its row.
        counts = np.repeat(counts, values.size // counts.size)
    seen = counts > 0
    if item.missing is not None:
        seen &= ~found.values[item.missing].ravel()
    state.update_counted(values[seen], counts[seen])


def _update_lists(state: _State, tokens: list[TokenRun]) -> bool:
    """Feed a state of the words of texts, where these are all that it looks at; return whether that was done."""
    if len(state.task.looks_at) != 1 or not (state.counts or state.lists):
        return False
    item = state.task.looks_at[0]
    for run in tokens:
        lists = run.lists(item.values, item.missing)
        if lists is None:
            continue
        if state.lists:
            cast("ListPart", state.part).update_lists(lists)
        else:
            counts = lists.counts()
            seen = counts > 0
            cast("CountingPart", state.part).update_counted(lists.values[seen], counts[seen])
        return True
    return False


def _lists(found: dict[str, Any], looks_at: tuple[AnalyzerInput, ...]) -> Lists:
    (item,) = looks_at
    values = _as_lists(_array(found[item.values]))
    missing = None if item.missing is None else _as_lists(found[item.missing])
    if missing is None:
        return Lists(values.ravel(), None, np.full(values.shape[0], values.shape[1], np.int64))
    missing = np.broadcast_to(missing, values.shape)
    return Lists(values[~missing], None, np.count_nonzero(~missing, axis=1))


def _present(found: dict[str, Any], looks_at: tuple[AnalyzerInput, ...], *, by_row: bool) -> tuple[NDArray[Any], ...]:
    """Return what is there in all inputs: values side by side, or whole rows.

    A column beside lists has its value for each item of its row's list.
    """
    arrays = [_array(found[item.values]) for item in looks_at]
    absent = [_absent(values, found.get(item.missing or "")) for item, values in zip(looks_at, arrays, strict=True)]
    if by_row:
        missing = _any([_by_row(mask) for mask in absent if mask is not None])
    else:
        if len({values.shape for values in arrays}) > 1:
            shape = np.broadcast_shapes(*(_as_lists(values).shape for values in arrays))
            arrays = [np.broadcast_to(_as_lists(values), shape) for values in arrays]
            absent = [None if mask is None else np.broadcast_to(_as_lists(mask), shape) for mask in absent]
        arrays = [values.ravel() for values in arrays]
        missing = _any([mask.ravel() for mask in absent if mask is not None])
    return tuple(arrays) if missing is None else tuple(values[~missing] for values in arrays)


def _array(values: Any) -> NDArray[Any]:
    return values.array() if isinstance(values, Coded) else values


def _absent(values: NDArray[Any], missing: NDArray[Any] | None) -> NDArray[np.bool_] | None:
    undefined = np.isnan(values) if values.dtype.kind == "f" else None
    return _any([mask for mask in (missing, undefined) if mask is not None])


def _any(masks: list[NDArray[np.bool_]]) -> NDArray[np.bool_] | None:
    if not masks:
        return None
    together = masks[0] if len(masks) == 1 else np.logical_or.reduce(masks)
    return together if together.any() else None


def _by_row(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(mask.reshape(len(mask), -1).any(axis=1))


def _as_lists(values: NDArray[Any]) -> NDArray[Any]:
    return values if values.ndim > 1 else values[:, None]
