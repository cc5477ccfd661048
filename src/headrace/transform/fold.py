"""Running the inputs of analyzers over batches, for all analyzers of a level at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.model.feeds import feeds_from_batch
from headrace.model.session import open_session, run_session

if TYPE_CHECKING:
    import pyarrow as pa

    from headrace.model.signature import Input
    from headrace.transform.accumulators import Analyzer

__all__ = ["AnalyzerInput", "CombinedAccumulator", "Task", "shared_session"]


@lru_cache(maxsize=8)
def shared_session(model: bytes) -> Any:
    """Return the session of a model; shards on threads share one."""
    return open_session(model)


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
        wanted = sorted(
            {name for task in self._tasks for name in (task.looks_at.values, task.looks_at.missing) if name}
        )
        session = shared_session(self._model)
        found = dict(zip(wanted, run_session(session, wanted, feeds_from_batch(batch, self._inputs)), strict=True))
        present: dict[AnalyzerInput, Any] = {}
        for task, part in zip(self._tasks, self._parts, strict=True):
            if task.looks_at not in present:
                present[task.looks_at] = _present(found, task.looks_at)
            part.update(present[task.looks_at])

    def merge(self, other: CombinedAccumulator) -> None:
        """Take in what another accumulator has seen."""
        self.rows += other.rows
        for mine, theirs in zip(self._parts, other._parts, strict=True):
            mine.merge(theirs)

    def result(self) -> list[Any]:
        """Return the values, in the order of the tasks."""
        return [part.result() for part in self._parts]


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
