"""Metrics of models that tell more than two classes apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from headrace.errors import EvaluationError
from headrace.metrics.base import Examples, MetricValue
from headrace.metrics.curves import roc_auc
from headrace.metrics.derived import Derived
from headrace.metrics.exact import ExactSums
from headrace.metrics.intervals import mean_interval, wilson
from headrace.metrics.scores import ScoreCounts

if TYPE_CHECKING:
    import numpy.typing as npt

    from headrace.metrics.base import MetricSettings, Task

__all__ = ["METRICS", "MulticlassScores", "MulticlassSums"]

_TASKS: tuple[Task, ...] = ("multiclass_classification",)
_EPSILON = float(np.finfo(np.float64).eps)
_EMPTY = "There are no examples with a weight above zero"
_W, _W2, _L, _L2, _LL2 = range(5)


class MulticlassSums:
    """Exact sums over the cells of the confusion matrix (label, predicted class)."""

    def __init__(self, settings: MetricSettings) -> None:
        self.confidence = settings.confidence
        self.rows = 0
        self.num_classes = settings.num_classes
        self._matrix = ExactSums(2, self.num_classes**2)
        self._losses = ExactSums(3)

    def update(self, examples: Examples) -> None:
        """Add examples with labels in [0, classes) and predictions of shape (N, classes)."""
        prediction, label = examples.prediction, examples.label.astype(np.intp)
        if prediction.shape[1] != self.num_classes:
            raise EvaluationError(
                f"A prediction gives a probability for each of the {self.num_classes} classes",
                got=f"{prediction.shape[1]} numbers a row",
            )
        self.rows += len(examples)
        cell = label * self.num_classes + prediction.argmax(axis=1)
        likelihood = np.take_along_axis(prediction, label[:, None], axis=1)[:, 0]
        loss = -np.log(np.clip(likelihood, _EPSILON, 1.0))
        weight = np.ones(len(examples)) if examples.weight is None else examples.weight
        w2 = weight * weight
        self._matrix.add(np.stack([weight, w2]), cell)
        self._losses.add(np.stack([weight * loss, w2 * loss, w2 * loss * loss]))

    def merge(self, other: Self) -> None:
        """Add the sums of another."""
        self.rows += other.rows
        self._matrix.merge(other._matrix)
        self._losses.merge(other._losses)

    def matrix(self) -> npt.NDArray[np.float64]:
        """Return the weights, shape (classes, classes): a row per label, a column per predicted class."""
        cells = [self._matrix.value(0, cell) for cell in range(self.num_classes**2)]
        return np.array(cells).reshape(self.num_classes, self.num_classes)

    @property
    def weight(self) -> float:
        """Summed weight."""
        return self._matrix.value(0)

    @property
    def squared(self) -> float:
        """Summed squared weight."""
        return self._matrix.value(1)

    def log_loss(self) -> MetricValue:
        """Return the mean of -log(probability of the label), with a normal interval."""
        weight, squared = self.weight, self.squared
        if weight == 0:
            return MetricValue.undefined(_EMPTY)
        mean = self._losses.value(0) / weight
        effective = weight * weight / squared
        if effective <= 1:
            return MetricValue(mean)
        squares = self._losses.value(2) - 2 * mean * self._losses.value(1) + mean * mean * squared
        low, high = mean_interval(mean, effective / (effective - 1) * squares / weight**2, self.confidence)
        return MetricValue(mean).within(max(0.0, low), high)


class MulticlassScores:
    """Counts by score of every class against the rest."""

    def __init__(self, settings: MetricSettings) -> None:
        self.confidence = settings.confidence
        self.classes = [ScoreCounts(settings) for _ in range(settings.num_classes)]

    def update(self, examples: Examples) -> None:
        """Add examples with predictions of shape (N, classes)."""
        for at, counts in enumerate(self.classes):
            is_class = (examples.label == at).astype(np.float64)
            counts.update(Examples(is_class, np.ascontiguousarray(examples.prediction[:, at]), examples.weight))

    def merge(self, other: Self) -> None:
        """Add the counts of another."""
        for mine, theirs in zip(self.classes, other.classes, strict=True):
            mine.merge(theirs)


def _accuracy(s: MulticlassSums) -> MetricValue:
    if s.weight == 0:
        return MetricValue.undefined(_EMPTY)
    share = float(np.trace(s.matrix())) / s.weight
    return MetricValue(share).within(*wilson(share, s.weight**2 / s.squared, s.confidence))


@dataclass(frozen=True)
class _Average:
    part: Literal["precision", "recall", "f1"]
    by_support: bool = False

    def __call__(self, s: MulticlassSums) -> MetricValue:
        if s.weight == 0:
            return MetricValue.undefined(_EMPTY)
        matrix = s.matrix()
        hits, support, called = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
        above, below = {
            "precision": (hits, called),
            "recall": (hits, support),
            "f1": (2 * hits, support + called),
        }[self.part]
        # As in scikit-learn, a share of nothing is 0, and a class that appears nowhere takes no part.
        scores = np.divide(above, below, out=np.zeros_like(hits), where=below > 0)
        seen = (support + called) > 0
        weights = support if self.by_support else seen.astype(np.float64)
        return MetricValue(float((scores * weights).sum() / weights.sum()))


def _auc(s: MulticlassScores) -> MetricValue:
    areas = [roc_auc(counts.table(), s.confidence) for counts in s.classes]
    missing = [str(at) for at, area in enumerate(areas) if not area.defined]
    if missing:
        return MetricValue.undefined(
            f"AUC of one class against the rest needs every class; absent: {', '.join(missing)}"
        )
    bounds = [area.error_bound for area in areas if area.error_bound is not None]
    mean = sum(area.value for area in areas) / len(areas)
    return MetricValue(mean, error_bound=sum(bounds) / len(areas) if bounds else None)


def _example_count(s: MulticlassSums) -> MetricValue:
    return MetricValue(float(s.rows))


def _weighted_example_count(s: MulticlassSums) -> MetricValue:
    return MetricValue(s.weight)


METRICS = (
    Derived("auc", _TASKS, "higher", MulticlassScores, _auc),
    Derived("accuracy", _TASKS, "higher", MulticlassSums, _accuracy),
    Derived("log_loss", _TASKS, "lower", MulticlassSums, MulticlassSums.log_loss),
    Derived("precision", _TASKS, "higher", MulticlassSums, _Average("precision")),
    Derived("recall", _TASKS, "higher", MulticlassSums, _Average("recall")),
    Derived("f1", _TASKS, "higher", MulticlassSums, _Average("f1")),
    Derived("weighted_precision", _TASKS, "higher", MulticlassSums, _Average("precision", by_support=True)),
    Derived("weighted_recall", _TASKS, "higher", MulticlassSums, _Average("recall", by_support=True)),
    Derived("weighted_f1", _TASKS, "higher", MulticlassSums, _Average("f1", by_support=True)),
    Derived("balanced_accuracy", _TASKS, "higher", MulticlassSums, _Average("recall")),
    Derived("example_count", _TASKS, "neither", MulticlassSums, _example_count),
    Derived("weighted_example_count", _TASKS, "neither", MulticlassSums, _weighted_example_count),
)
