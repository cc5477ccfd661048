"""What a metric is: a name, the state that it needs, and its value from that state."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

__all__ = ["TASKS", "Direction", "Examples", "Metric", "MetricSettings", "MetricState", "MetricValue", "Task"]

Task = Literal["binary_classification", "multiclass_classification", "regression"]
Direction = Literal["higher", "lower", "neither"]

TASKS: tuple[Task, ...] = ("binary_classification", "multiclass_classification", "regression")


@dataclass(frozen=True)
class MetricSettings:
    """What states need to know before the first example.

    Parameters
    ----------
    task
        What the model predicts.
    num_classes
        Columns of the predictions of a multiclass model; 2 otherwise.
    decision_threshold
        A binary example is called positive where its prediction is greater than this.
    calibration_bins
        Bins of equal width over [0, 1].
    max_distinct_scores
        Distinct predictions that are counted exactly; more are merged into nearby ones.
    confidence
        Coverage of the intervals.
    """

    task: Task = "binary_classification"
    num_classes: int = 2
    decision_threshold: float = 0.5
    calibration_bins: int = 10
    max_distinct_scores: int = 2_000_000
    confidence: float = 0.95


@dataclass(frozen=True)
class Examples:
    """Aligned arrays of N examples.

    Parameters
    ----------
    label
        Shape (N,): float64 0 or 1 (binary), float64 number (regression), int64 class index (multiclass).
    prediction
        Float64: shape (N,) for the probability of the positive class or the predicted number,
        (N, classes) for multiclass probabilities.
    weight
        Float64 of shape (N,), not negative; None where every example counts once.
    """

    label: npt.NDArray[Any]
    prediction: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: slice | npt.NDArray[np.intp]) -> Examples:
        """Return the chosen rows."""
        weight = None if self.weight is None else self.weight[rows]
        return Examples(self.label[rows], self.prediction[rows], weight)


class MetricState(Protocol):
    """A small, picklable summary of examples; merging two is the same as summarising all examples at once."""

    def update(self, examples: Examples) -> None:
        """Add examples; there is at least one."""
        ...

    def merge(self, other: Self) -> None:
        """Add the examples that another state has seen; the other state may be used up."""
        ...


@dataclass(frozen=True)
class MetricValue:
    """A metric's value and how far to trust it.

    Parameters
    ----------
    value
        NaN where the metric is undefined.
    lower, upper
        Bounds of the confidence interval, where there is a formula for one.
    reason
        Why the value is NaN.
    error_bound
        How far the value can lie from the exact one, where something was approximated.
    """

    value: float
    lower: float | None = None
    upper: float | None = None
    reason: str | None = None
    error_bound: float | None = None

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value)

    @classmethod
    def undefined(cls, reason: str) -> MetricValue:
        """Return NaN with its reason."""
        return cls(math.nan, reason=reason)

    def within(self, lower: float, upper: float) -> MetricValue:
        """Return the value with an interval."""
        return replace(self, lower=lower, upper=upper)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; numbers that JSON lacks become None (NaN) or text (infinity)."""
        fields = {"lower": self.lower, "upper": self.upper, "reason": self.reason, "error_bound": self.error_bound}
        return {"value": _plain(self.value)} | {
            name: _plain(value) for name, value in fields.items() if value is not None
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> MetricValue:
        """Return what `to_dict` has written."""
        numbers = {
            name: float(fields[name]) for name in ("lower", "upper", "error_bound") if fields.get(name) is not None
        }
        value = fields["value"]
        return cls(math.nan if value is None else float(value), reason=fields.get("reason"), **numbers)


def _plain(value: float | str) -> float | str | None:
    if isinstance(value, str) or math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


@runtime_checkable
class Metric(Protocol):
    """One number about the quality of predictions.

    A metric of your own is a class with these members, handed to `register_metric`.

    Attributes
    ----------
    name
        How evaluation settings call it.
    tasks
        What kinds of model it is defined for.
    direction
        Whether more is better.
    needs
        Makes the empty state; metrics that need the same callable share one state.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def tasks(self) -> tuple[Task, ...]: ...  # noqa: D102
    @property
    def direction(self) -> Direction: ...  # noqa: D102
    @property
    def needs(self) -> Callable[[MetricSettings], MetricState]: ...  # noqa: D102

    def value(self, state: Any) -> MetricValue:
        """Return the value from a state that ``needs`` has made."""
        ...
