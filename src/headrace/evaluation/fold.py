"""One pass over the rows that feeds all metrics of all slices."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from headrace.evaluation.slices import Slicer
from headrace.metrics import ExactSums, Examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from headrace.evaluation.result import SliceKey
    from headrace.metrics import Metric, MetricSettings, MetricState

__all__ = ["Group", "Plan", "Reader", "SliceFold"]

# A group's Python overhead is paid once for so many of its rows on average.
_ROWS_PER_GROUP = 256
_MAX_ROWS = 1 << 19


class Reader(Protocol):
    """Gets labels, predictions and weights from raw columns."""

    def read(
        self, batch: pa.RecordBatch
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
        """Return the three; a label is NaN where it is missing."""
        ...


@dataclass(frozen=True)
class Plan:
    """What is folded."""

    reader: Reader
    metrics: tuple[Metric, ...]
    settings: MetricSettings
    slices: tuple[tuple[str, ...], ...]
    max_slices: int


class Group:
    """The states of one slice: one for each kind that the metrics need."""

    def __init__(self, metrics: Sequence[Metric], settings: MetricSettings) -> None:
        self.rows = 0
        # Kinds are kept in the order of the metrics, so that groups agree after travelling between processes.
        kinds = dict.fromkeys(metric.needs for metric in metrics)
        self.states: list[MetricState] = [kind(settings) for kind in kinds]

    def update(self, examples: Examples) -> None:
        """Add examples."""
        self.rows += len(examples)
        for state in self.states:
            state.update(examples)

    def merge(self, other: Self) -> None:
        """Add what another has seen."""
        self.rows += other.rows
        for mine, theirs in zip(self.states, other.states, strict=True):
            mine.merge(theirs)

    def state_of(self, metrics: Sequence[Metric], metric: Metric) -> MetricState:
        """Return the state that a metric reads."""
        kinds = list(dict.fromkeys(one.needs for one in metrics))
        return self.states[kinds.index(metric.needs)]


class SliceFold:
    """Folds batches of raw columns into the states of all rows and of each slice."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.overall = Group(plan.metrics, plan.settings)
        self.rows_without_label = 0
        self._labels = ExactSums(2)
        self._slicers = [Slicer(columns, plan.max_slices) for columns in plan.slices]
        self._groups: list[list[Group]] = [[] for _ in plan.slices]
        self._pending: list[tuple[Examples, list[npt.NDArray[np.intp]]]] = []
        self._pending_rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch; rows without a label are only counted."""
        if batch.num_rows == 0:
            return
        label, prediction, weight = self.plan.reader.read(batch)
        labelled = ~np.isnan(label)
        examples = Examples(label, prediction, weight)
        rows: npt.NDArray[np.bool_] | None = None
        if not labelled.all():
            rows = labelled
            examples = examples.take(np.flatnonzero(labelled))
            self.rows_without_label += int(len(label) - len(examples))
        if not len(examples):
            return
        self._labels.add(np.stack([examples.label, examples.label * examples.label]))
        self.overall.update(examples)
        if not self._slicers:
            return
        self._pending.append((examples, [slicer.codes(batch, rows) for slicer in self._slicers]))
        self._pending_rows += len(examples)
        groups = sum(len(slicer.keys) for slicer in self._slicers)
        if self._pending_rows >= min(groups * _ROWS_PER_GROUP, _MAX_ROWS):
            self.flush()

    def flush(self) -> None:
        """Give the rows that wait to their slices."""
        if not self._pending:
            return
        waiting, self._pending, self._pending_rows = self._pending, [], 0
        examples = _concatenate([one for one, _ in waiting])
        for at, (slicer, groups) in enumerate(zip(self._slicers, self._groups, strict=True)):
            while len(groups) < len(slicer.keys):
                groups.append(Group(self.plan.metrics, self.plan.settings))
            codes = np.concatenate([codes[at] for _, codes in waiting])
            order = np.argsort(codes, kind="stable")
            ordered = examples.take(order)
            bounds = np.searchsorted(codes[order], np.arange(len(groups) + 1))
            for number in np.flatnonzero(np.diff(bounds)).tolist():
                groups[number].update(ordered.take(slice(int(bounds[number]), int(bounds[number + 1]))))

    def merge(self, other: Self) -> None:
        """Add what another fold has seen."""
        self.flush()
        other.flush()
        self.overall.merge(other.overall)
        self.rows_without_label += other.rows_without_label
        self._labels.merge(other._labels)
        for slicer, groups, their_slicer, their_groups in zip(
            self._slicers, self._groups, other._slicers, other._groups, strict=True
        ):
            for key, theirs in zip(their_slicer.keys, their_groups, strict=True):
                number = slicer.number(tuple(value for _, value in key))
                if number == len(groups):
                    groups.append(theirs)
                else:
                    groups[number].merge(theirs)

    def result(self) -> list[tuple[SliceKey, Group]]:
        """Return the slices, in the order of the settings and then of the values."""
        self.flush()
        found: list[tuple[SliceKey, Group]] = []
        for slicer, groups in zip(self._slicers, self._groups, strict=True):
            found += sorted(zip(slicer.keys, groups, strict=True), key=lambda pair: pair[0])
        return found

    def data_digest(self) -> str:
        """Return what identifies the labels, whatever their order."""
        text = f"{self.overall.rows} {self.rows_without_label} {self._labels.whole(0):x} {self._labels.whole(1):x}"
        return hashlib.sha256(text.encode()).hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        self.flush()
        return self.__dict__


def _concatenate(parts: list[Examples]) -> Examples:
    if len(parts) == 1:
        return parts[0]
    weights = [part.weight for part in parts if part.weight is not None]
    return Examples(
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.prediction for part in parts]),
        np.concatenate(weights) if weights else None,
    )
