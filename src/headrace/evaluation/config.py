"""What an evaluation computes, over which slices, and what it takes to be blessed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from headrace.errors import UsageError, did_you_mean
from headrace.metrics import TASKS, MetricSettings, Task, default_metrics, metric_names

__all__ = ["EvalConfig", "Threshold"]


@dataclass(frozen=True)
class Threshold:
    """What a metric must reach; bounds count as reached.

    Parameters
    ----------
    min, max
        Bounds of the value.
    min_change, max_change
        Bounds of the value minus that of the baseline: -0.005 lets a metric fall by 0.005.
    """

    min: float | None = None
    max: float | None = None
    min_change: float | None = None
    max_change: float | None = None

    @classmethod
    def of(cls, given: Threshold | Mapping[str, float], where: str) -> Threshold:
        """Return a threshold from a mapping such as ``{"min": 0.9}``.

        Raises
        ------
        UsageError
            If a key is unknown or a bound is no number.
        """
        if isinstance(given, Threshold):
            given = {name: bound for name, bound in asdict(given).items() if bound is not None}
        if not isinstance(given, Mapping) or not given:
            raise UsageError('A threshold is a mapping such as {"min": 0.9}', got=given, where=where)
        known = [one.name for one in fields(cls)]
        for name, bound in given.items():
            if name not in known:
                raise UsageError(
                    "A threshold has bounds of known names", got=name, where=where, fix=did_you_mean(str(name), known)
                )
            if isinstance(bound, bool) or not isinstance(bound, int | float) or math.isnan(bound):
                raise UsageError("A bound is a number", got=bound, where=f"{where}, {name}")
        found = cls(**{name: float(bound) for name, bound in given.items()})
        for low, high in ((found.min, found.max), (found.min_change, found.max_change)):
            if low is not None and high is not None and low > high:
                raise UsageError("The lower bound is not above the upper one", got=dict(given), where=where)
        return found

    def to_dict(self) -> dict[str, float]:
        """Return the bounds that are set."""
        return {name: bound for name, bound in asdict(self).items() if bound is not None}


Thresholds = Mapping[str, Threshold | Mapping[str, float]]


@dataclass(frozen=True)
class EvalConfig:
    """Settings of an evaluation.

    Parameters
    ----------
    metrics
        Names of metrics; the usual ones of the task where none are given. Metrics with thresholds are added.
    slices
        Lists of raw columns: ``["sex"]`` makes a slice of each value, ``["sex", "race"]`` of each combination. A
        plain name stands for a list of one.
    thresholds
        By metric, over all rows: ``{"auc": {"min": 0.9}}``.
    change_thresholds
        By metric, against the last blessed model: ``{"auc": {"min_change": -0.005}}``. Without a baseline they hold.
    slice_thresholds
        Thresholds by slice: ``"sex=Female"`` for one, ``"sex"`` for all values of a column, ``"*"`` for every slice.
    task
        What the model predicts; found from the model or the data where None.
    label, prediction, weight
        Raw columns. A model's own label and weight are used where None.
    positive
        The label that counts as positive.
    classes
        All labels in the order of the probabilities, where the model does not say.
    decision_threshold
        An example is called positive where its probability is greater.
    min_slice_rows
        Smaller slices are listed without metrics, and their thresholds are not checked.
    max_slices
        More slices than this of one list of columns are an error.
    calibration_bins
        Bins of equal width of the calibration curve.
    confidence
        Coverage of the intervals.

    Raises
    ------
    UsageError
        If a name is unknown or a value makes no sense.
    """

    metrics: Sequence[str] = ()
    slices: Sequence[Sequence[str] | str] = ()
    thresholds: Thresholds = field(default_factory=dict)
    change_thresholds: Thresholds = field(default_factory=dict)
    slice_thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    task: Task | None = None
    label: str | None = None
    prediction: str | None = None
    weight: str | None = None
    positive: str | float | bool | None = None
    classes: Sequence[str] | None = None
    decision_threshold: float = 0.5
    min_slice_rows: int = 1
    max_slices: int = 1000
    calibration_bins: int = 10
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in TASKS:
            raise UsageError("A task is known", got=self.task, fix=did_you_mean(str(self.task), TASKS))
        set_ = object.__setattr__
        set_(self, "metrics", _names(self.metrics, "metrics"))
        one_or_more = self.slices if not isinstance(self.slices, str) else (self.slices,)
        set_(self, "slices", tuple((s,) if isinstance(s, str) else _names(s, "slices") for s in one_or_more))
        if self.classes is not None:
            set_(self, "classes", _names(self.classes, "classes"))
        for name in ("thresholds", "change_thresholds"):
            set_(self, name, _thresholds(getattr(self, name), name))
        set_(
            self,
            "slice_thresholds",
            {key: _thresholds(given, f"slice_thresholds, {key}") for key, given in dict(self.slice_thresholds).items()},
        )
        known = metric_names(self.task)
        for name in self.wanted():
            if name not in known:
                kind = "" if self.task is None else f" of {self.task.replace('_', ' ')}"
                raise UsageError(f"A metric{kind} is wanted", got=name, fix=did_you_mean(name, known))
        self._check_slices()
        for name, holds, rule in (
            ("decision_threshold", 0 <= self.decision_threshold <= 1, "lies between 0 and 1"),
            ("confidence", 0 < self.confidence < 1, "lies between 0 and 1"),
            ("min_slice_rows", self.min_slice_rows >= 1, "is at least 1"),
            ("max_slices", self.max_slices >= 1, "is at least 1"),
            ("calibration_bins", self.calibration_bins >= 1, "is at least 1"),
        ):
            if not holds:
                raise UsageError(f"{name} {rule}", got=getattr(self, name))

    def _check_slices(self) -> None:
        columns = [column for slicing in self.slices for column in slicing]
        for slicing in self.slices:
            if not slicing or len(set(slicing)) != len(slicing):
                raise UsageError("A slice is made of one or more different columns", got=tuple(slicing))
        for key in self.slice_thresholds:
            for part in key.split(", "):
                column = part.split("=", 1)[0]
                if key != "*" and column not in columns:
                    raise UsageError(
                        "A slice threshold is about a column that slices are made of",
                        got=key,
                        fix=did_you_mean(column, columns),
                    )

    def wanted(self) -> tuple[str, ...]:
        """Return the metrics that are named anywhere, in the order of their first mention."""
        named = [*self.metrics, *self.thresholds, *self.change_thresholds]
        named += [name for given in self.slice_thresholds.values() for name in given]
        return tuple(dict.fromkeys(named))

    def metrics_of(self, task: Task) -> tuple[str, ...]:
        """Return the metrics to compute for a task.

        Raises
        ------
        UsageError
            If one of them is not defined for the task.
        """
        named = self.wanted() if self.metrics else (*default_metrics(task), *self.wanted())
        for name in named:
            if name not in metric_names(task):
                raise UsageError(
                    f"A metric of {task.replace('_', ' ')} is wanted",
                    got=name,
                    fix=did_you_mean(name, metric_names(task)),
                )
        return tuple(dict.fromkeys(named))

    def settings(self, task: Task, num_classes: int) -> MetricSettings:
        """Return what the metrics' states need to know."""
        return MetricSettings(
            task=task,
            num_classes=num_classes,
            decision_threshold=self.decision_threshold,
            calibration_bins=self.calibration_bins,
            confidence=self.confidence,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, without those that are at their defaults."""
        plain: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in ("thresholds", "change_thresholds"):
                value = {name: bound.to_dict() for name, bound in value.items()}
            elif one.name == "slice_thresholds":
                value = {k: {name: bound.to_dict() for name, bound in v.items()} for k, v in value.items()}
            elif isinstance(value, tuple):
                value = [list(item) if isinstance(item, tuple) else item for item in value]
            if value not in (None, [], {}) and value != one.default:
                plain[one.name] = value
        return plain


def _names(given: Sequence[str], where: str) -> tuple[str, ...]:
    if isinstance(given, str):
        raise UsageError("A list of names is wanted", got=given, where=where, fix=f"Write [{given!r}]")
    for name in given:
        if not isinstance(name, str):
            raise UsageError(
                "Names are text",
                got=name,
                where=where,
                fix="Hand a metric of your own to register_metric, and name it here" if where == "metrics" else None,
            )
    return tuple(given)


def _thresholds(given: Thresholds, where: str) -> dict[str, Threshold]:
    if not isinstance(given, Mapping):
        raise UsageError('Thresholds are a mapping such as {"auc": {"min": 0.9}}', got=given, where=where)
    return {name: Threshold.of(bounds, f"{where}, {name}") for name, bounds in given.items()}
