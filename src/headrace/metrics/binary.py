"""Metrics of models that tell two classes apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from headrace.errors import EvaluationError
from headrace.metrics.base import MetricValue
from headrace.metrics.curves import average_precision, roc_auc
from headrace.metrics.derived import Derived
from headrace.metrics.exact import ExactSums
from headrace.metrics.intervals import mean_interval, wilson
from headrace.metrics.scores import ScoreCounts

if TYPE_CHECKING:
    from headrace.metrics.base import Examples, MetricSettings, Task

__all__ = ["METRICS", "BinarySums", "CalibrationBin", "Cell"]

_TASKS: tuple[Task, ...] = ("binary_classification",)
_EPSILON = float(np.finfo(np.float64).eps)
_W, _W2, _P, _L, _L2, _LL2, _B, _B2, _BB2 = range(9)
_TN, _FP, _FN, _TP = range(4)


class CalibrationBin(NamedTuple):
    """The examples whose predictions lie in one bin."""

    low: float
    high: float
    mean_prediction: float
    mean_label: float
    weight: float


@dataclass(frozen=True)
class Cell:
    """Weight of some cells of the confusion matrix, and the sum of squared weights."""

    weight: float
    squared: float

    def __add__(self, other: Cell) -> Cell:
        return Cell(self.weight + other.weight, self.squared + other.squared)

    @property
    def effective(self) -> float:
        """As many examples of equal weight would tell as much."""
        return self.weight * self.weight / self.squared if self.squared else 0.0


class BinarySums:
    """Exact sums over the cells of the confusion matrix and over bins of the prediction."""

    def __init__(self, settings: MetricSettings) -> None:
        self.confidence = settings.confidence
        self.rows = 0
        self._threshold = settings.decision_threshold
        self._bins = settings.calibration_bins
        self._sums = ExactSums(9, 4)
        self._binned = ExactSums(3, self._bins)

    def update(self, examples: Examples) -> None:
        """Add examples with labels 0 and 1 and predictions in [0, 1]."""
        prediction, label = examples.prediction, examples.label
        if len(prediction) and not (prediction.min() >= 0 and prediction.max() <= 1):
            raise EvaluationError(
                "A binary prediction is a probability between 0 and 1",
                got=f"predictions from {prediction.min()} to {prediction.max()}",
                fix="Hand in probabilities, or set task='regression' if the predictions are numbers",
            )
        self.rows += len(examples)
        positive = label == 1
        cell = 2 * positive.astype(np.intp) + (prediction > self._threshold)
        # As in scikit-learn, a certain prediction that is wrong costs -log(eps) rather than infinity.
        likelihood = np.clip(np.where(positive, prediction, 1 - prediction), _EPSILON, 1 - _EPSILON)
        loss = -np.log(likelihood)
        squared_error = (prediction - label) ** 2
        ones = np.ones(len(examples))
        bins = np.minimum((prediction * self._bins).astype(np.intp), self._bins - 1)
        if examples.weight is None:
            self._sums.add(
                np.stack([ones, prediction, loss, loss * loss, squared_error, squared_error**2]),
                cell,
                into=[(_W, _W2), (_P,), (_L, _L2), (_LL2,), (_B, _B2), (_BB2,)],
            )
            self._binned.add(np.stack([ones, prediction, positive.astype(np.float64)]), bins)
            return
        weight = examples.weight
        w2 = weight * weight
        self._sums.add(
            np.stack(
                [
                    weight,
                    w2,
                    weight * prediction,
                    weight * loss,
                    w2 * loss,
                    w2 * loss * loss,
                    weight * squared_error,
                    w2 * squared_error,
                    w2 * squared_error**2,
                ]
            ),
            cell,
        )
        self._binned.add(np.stack([weight, weight * prediction, weight * positive]), bins)

    def merge(self, other: Self) -> None:
        """Add the sums of another."""
        self.rows += other.rows
        self._sums.merge(other._sums)
        self._binned.merge(other._binned)

    @property
    def tp(self) -> Cell:
        """True positives."""
        return self._cell(_TP)

    @property
    def fp(self) -> Cell:
        """False positives."""
        return self._cell(_FP)

    @property
    def tn(self) -> Cell:
        """True negatives."""
        return self._cell(_TN)

    @property
    def fn(self) -> Cell:
        """False negatives."""
        return self._cell(_FN)

    @property
    def everything(self) -> Cell:
        """All examples."""
        return Cell(self._sums.value(_W), self._sums.value(_W2))

    def _cell(self, cell: int) -> Cell:
        return Cell(self._sums.value(_W, cell), self._sums.value(_W2, cell))

    @property
    def predicted(self) -> float:
        """Weighted sum of the predictions."""
        return self._sums.value(_P)

    def mean_loss(self, *, brier: bool) -> MetricValue:
        """Return the mean of the Brier score or of the log loss, with a normal interval."""
        first, second, third = (_B, _B2, _BB2) if brier else (_L, _L2, _LL2)
        weight = self.everything
        if weight.weight == 0:
            return MetricValue.undefined("There are no examples with a weight above zero")
        mean = self._sums.value(first) / weight.weight
        found = MetricValue(mean)
        if weight.effective <= 1:
            return found
        squares = self._sums.value(third) - 2 * mean * self._sums.value(second) + mean * mean * weight.squared
        correction = weight.effective / (weight.effective - 1)
        low, high = mean_interval(mean, correction * squares / weight.weight**2, self.confidence)
        return found.within(max(0.0, low), high)

    def calibration_curve(self) -> list[CalibrationBin]:
        """Return the bins that hold any weight."""
        found = []
        for at in range(self._bins):
            weight = self._binned.value(0, at)
            if weight > 0:
                mean_prediction, mean_label = self._binned.value(1, at) / weight, self._binned.value(2, at) / weight
                found.append(
                    CalibrationBin(at / self._bins, (at + 1) / self._bins, mean_prediction, mean_label, weight)
                )
        return found


def _share(part: Cell, whole: Cell, empty: str, confidence: float) -> MetricValue:
    if whole.weight == 0:
        return MetricValue.undefined(empty)
    share = part.weight / whole.weight
    return MetricValue(share).within(*wilson(share, whole.effective, confidence))


_EMPTY = "There are no examples with a weight above zero"
_NO_POSITIVES = "There are no positive examples"
_NO_NEGATIVES = "There are no negative examples"
_NONE_CALLED = "No example is called positive at this threshold"


def _accuracy(s: BinarySums) -> MetricValue:
    return _share(s.tp + s.tn, s.everything, _EMPTY, s.confidence)


def _precision(s: BinarySums) -> MetricValue:
    return _share(s.tp, s.tp + s.fp, _NONE_CALLED, s.confidence)


def _recall(s: BinarySums) -> MetricValue:
    return _share(s.tp, s.tp + s.fn, _NO_POSITIVES, s.confidence)


def _specificity(s: BinarySums) -> MetricValue:
    return _share(s.tn, s.tn + s.fp, _NO_NEGATIVES, s.confidence)


def _false_positive_rate(s: BinarySums) -> MetricValue:
    return _share(s.fp, s.tn + s.fp, _NO_NEGATIVES, s.confidence)


def _false_negative_rate(s: BinarySums) -> MetricValue:
    return _share(s.fn, s.tp + s.fn, _NO_POSITIVES, s.confidence)


def _prevalence(s: BinarySums) -> MetricValue:
    return _share(s.tp + s.fn, s.everything, _EMPTY, s.confidence)


def _predicted_positive_rate(s: BinarySums) -> MetricValue:
    return _share(s.tp + s.fp, s.everything, _EMPTY, s.confidence)


def _f1(s: BinarySums) -> MetricValue:
    # F1 rises with the Jaccard index tp / (tp + fp + fn), a proportion, whose Wilson interval it therefore inherits.
    jaccard = _share(s.tp, s.tp + s.fp + s.fn, "There are neither positive examples nor any called so", s.confidence)
    if not jaccard.defined or jaccard.lower is None or jaccard.upper is None:
        return jaccard
    value, low, high = (2 * share / (1 + share) for share in (jaccard.value, jaccard.lower, jaccard.upper))
    return MetricValue(2 * s.tp.weight / (2 * s.tp.weight + s.fp.weight + s.fn.weight)).within(
        min(low, value), max(high, value)
    )


def _balanced_accuracy(s: BinarySums) -> MetricValue:
    recall, specificity = _recall(s), _specificity(s)
    for part in (recall, specificity):
        if not part.defined:
            return part
    return MetricValue((recall.value + specificity.value) / 2)


def _matthews(s: BinarySums) -> MetricValue:
    tp, fp, tn, fn = s.tp.weight, s.fp.weight, s.tn.weight, s.fn.weight
    scale = math.sqrt(tp + fp) * math.sqrt(tp + fn) * math.sqrt(tn + fp) * math.sqrt(tn + fn)
    if scale == 0:
        return MetricValue.undefined("The correlation needs both classes among labels and among calls")
    return MetricValue((tp * tn - fp * fn) / scale)


def _calibration(s: BinarySums) -> MetricValue:
    positive = (s.tp + s.fn).weight
    if positive == 0:
        return MetricValue.undefined(_NO_POSITIVES)
    return MetricValue(s.predicted / positive)


def _calibration_error(s: BinarySums) -> MetricValue:
    curve = s.calibration_curve()
    total = math.fsum(b.weight for b in curve)
    if total == 0:
        return MetricValue.undefined(_EMPTY)
    return MetricValue(math.fsum(b.weight * abs(b.mean_prediction - b.mean_label) for b in curve) / total)


def _mean_prediction(s: BinarySums) -> MetricValue:
    weight = s.everything.weight
    return MetricValue(s.predicted / weight) if weight else MetricValue.undefined(_EMPTY)


def _auc(s: ScoreCounts) -> MetricValue:
    return roc_auc(s.table(), s.confidence)


def _pr_auc(s: ScoreCounts) -> MetricValue:
    return average_precision(s.table(), s.confidence)


def _log_loss(s: BinarySums) -> MetricValue:
    return s.mean_loss(brier=False)


def _brier_score(s: BinarySums) -> MetricValue:
    return s.mean_loss(brier=True)


def _true_positives(s: BinarySums) -> MetricValue:
    return MetricValue(s.tp.weight)


def _false_positives(s: BinarySums) -> MetricValue:
    return MetricValue(s.fp.weight)


def _true_negatives(s: BinarySums) -> MetricValue:
    return MetricValue(s.tn.weight)


def _false_negatives(s: BinarySums) -> MetricValue:
    return MetricValue(s.fn.weight)


def _example_count(s: BinarySums) -> MetricValue:
    return MetricValue(float(s.rows))


def _weighted_example_count(s: BinarySums) -> MetricValue:
    return MetricValue(s.everything.weight)


METRICS = (
    Derived("auc", _TASKS, "higher", ScoreCounts, _auc),
    Derived("pr_auc", _TASKS, "higher", ScoreCounts, _pr_auc),
    Derived("accuracy", _TASKS, "higher", BinarySums, _accuracy),
    Derived("precision", _TASKS, "higher", BinarySums, _precision),
    Derived("recall", _TASKS, "higher", BinarySums, _recall),
    Derived("f1", _TASKS, "higher", BinarySums, _f1),
    Derived("specificity", _TASKS, "higher", BinarySums, _specificity),
    Derived("false_positive_rate", _TASKS, "lower", BinarySums, _false_positive_rate),
    Derived("false_negative_rate", _TASKS, "lower", BinarySums, _false_negative_rate),
    Derived("balanced_accuracy", _TASKS, "higher", BinarySums, _balanced_accuracy),
    Derived("matthews_correlation", _TASKS, "higher", BinarySums, _matthews),
    Derived("log_loss", _TASKS, "lower", BinarySums, _log_loss),
    Derived("brier_score", _TASKS, "lower", BinarySums, _brier_score),
    Derived("calibration", _TASKS, "neither", BinarySums, _calibration),
    Derived("calibration_error", _TASKS, "lower", BinarySums, _calibration_error),
    Derived("prevalence", _TASKS, "neither", BinarySums, _prevalence),
    Derived("predicted_positive_rate", _TASKS, "neither", BinarySums, _predicted_positive_rate),
    Derived("mean_label", _TASKS, "neither", BinarySums, _prevalence),
    Derived("mean_prediction", _TASKS, "neither", BinarySums, _mean_prediction),
    Derived("true_positives", _TASKS, "neither", BinarySums, _true_positives),
    Derived("false_positives", _TASKS, "neither", BinarySums, _false_positives),
    Derived("true_negatives", _TASKS, "neither", BinarySums, _true_negatives),
    Derived("false_negatives", _TASKS, "neither", BinarySums, _false_negatives),
    Derived("example_count", _TASKS, "neither", BinarySums, _example_count),
    Derived("weighted_example_count", _TASKS, "neither", BinarySums, _weighted_example_count),
)
