"""Running the inputs of analyzers over batches, for all analyzers of a level at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.transform.accumulators import CountingPart
from headrace.transform.distinct import Distinct, run_split, split_by_column

if TYPE_CHECKING:
    import pyarrow as pa

    from headrace.model.signature import Input
    from headrace.transform.accumulators import Analyzer

__all__ = ["AnalyzerInput", "CombinedAccumulator", "Task"]


@dataclass(frozen=True)
class AnalyzerInput:
    """The model's outputs that one or more analyzers look at."""

    values: str
    missing: str | None


@dataclass(frozen=True)
class Task:
    """One analyzer on one input."""

    analyzer: Analyzer
    looks_at: AnalyzerInput


class CombinedAccumulator:
    """The states of all analyzers of a level, fed from one run of one model for each batch."""

    def __init__(self, model: bytes, inputs: tuple[Input, ...], tasks: tuple[Task, ...]) -> None:
        self._model = model
        self._inputs = inputs
        self._tasks = tasks
        self._parts = [task.analyzer.part() for task in tasks]
        self.rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in a batch."""
        if batch.num_rows == 0:
            return
        self.rows += batch.num_rows
        split = split_by_column(self._model, self._inputs)
        owner = {name: part for part in split.parts for name in part.outputs}
        counted: dict[str, Distinct] = {}
        others: list[tuple[Task, Any]] = []
        for task, state in zip(self._tasks, self._parts, strict=True):
            part = owner.get(task.looks_at.values)
            names = {name for name in (task.looks_at.values, task.looks_at.missing) if name}
            # Where only counts are wanted, no row needs its value.
            if part is not None and names <= set(part.outputs) and isinstance(state, CountingPart):
                if part.column not in counted:
                    counted[part.column] = part.run(batch.column(part.column))
                _count(state, counted[part.column], task.looks_at)
            else:
                others.append((task, state))
        wanted = {name for task, _ in others for name in (task.looks_at.values, task.looks_at.missing) if name}
        if not wanted:
            return
        found = run_split(split, self._model, self._inputs, batch, wanted)
        present: dict[AnalyzerInput, Any] = {}
        for task, state in others:
            if task.looks_at not in present:
                present[task.looks_at] = _present(found, task.looks_at)
            state.update(present[task.looks_at])

    def merge(self, other: CombinedAccumulator) -> None:
        """Take in what another accumulator has seen."""
        self.rows += other.rows
        for mine, theirs in zip(self._parts, other._parts, strict=True):
            mine.merge(theirs)

    def result(self) -> list[Any]:
        """Return the values, in the order of the tasks."""
        return [part.result() for part in self._parts]


def _count(state: CountingPart, found: Distinct, looks_at: AnalyzerInput) -> None:
    values, counts = found.values[looks_at.values].ravel(), found.counts()
    if looks_at.missing is not None:
        there = ~found.values[looks_at.missing].ravel()
        values, counts = values[there], counts[there]
    seen = counts > 0
    state.update_counted(values[seen], counts[seen])


def _present(found: dict[str, Any], looks_at: AnalyzerInput) -> Any:
    values = found[looks_at.values].ravel()
    if looks_at.missing is not None:
        missing = found[looks_at.missing].ravel()
        if missing.any():
            values = values[~missing]
    if values.dtype.kind == "f":
        undefined = np.isnan(values)
        if undefined.any():
            values = values[~undefined]
    return values
