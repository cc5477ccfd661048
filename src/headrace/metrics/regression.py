"""Metrics of models that predict numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import numpy as np

from headrace.metrics.base import MetricValue
from headrace.metrics.derived import Derived
from headrace.metrics.exact import ExactSums, ratio, two_product
from headrace.metrics.intervals import mean_interval

if TYPE_CHECKING:
    from headrace.metrics.base import Examples, MetricSettings, Task

__all__ = ["METRICS", "RegressionSums"]

_TASKS: tuple[Task, ...] = ("regression",)
_EMPTY = "There are no examples with a weight above zero"
_W, _W2, _Y, _P, _YY, _E, _E2, _EE, _EE2, _EEEE2, _A, _A2 = range(12)


class RegressionSums:
    """Exact sums of labels, predictions, errors and their powers.

    Squares of labels are summed with their rounding errors, so that R² holds for labels far from zero.
    """

    def __init__(self, settings: MetricSettings) -> None:
        self.confidence = settings.confidence
        self.rows = 0
        self._sums = ExactSums(12)

    def update(self, examples: Examples) -> None:
        """Add examples."""
        self.rows += len(examples)
        label, prediction = examples.label.astype(np.float64), examples.prediction
        weight = np.ones(len(examples)) if examples.weight is None else examples.weight
        w2 = weight * weight
        error = prediction - label
        size, square = np.abs(error), error * error
        weighted, lost = two_product(weight, label)
        first, first_lost = two_product(weighted, label)
        self._sums.add(
            np.stack(
                [
                    weight,
                    w2,
                    weighted,
                    lost,
                    weight * prediction,
                    first,
                    first_lost + lost * label,
                    weight * error,
                    w2 * error,
                    weight * square,
                    w2 * square,
                    w2 * square * square,
                    weight * size,
                    w2 * size,
                ]
            ),
            into=[
                (_W,),
                (_W2,),
                (_Y,),
                (_Y,),
                (_P,),
                (_YY,),
                (_YY,),
                (_E,),
                (_E2,),
                (_EE,),
                (_EE2,),
                (_EEEE2,),
                (_A,),
                (_A2,),
            ],
        )

    def merge(self, other: Self) -> None:
        """Add the sums of another."""
        self.rows += other.rows
        self._sums.merge(other._sums)

    @property
    def weight(self) -> float:
        """Summed weight."""
        return self._sums.value(_W)

    def mean_of(self, column: int) -> MetricValue:
        """Return a column's weighted mean."""
        weight = self.weight
        return MetricValue(self._sums.value(column) / weight) if weight else MetricValue.undefined(_EMPTY)

    def mean_with_interval(self, first: int, second: int, third: int) -> MetricValue:
        """Return the mean of a quantity q, from the columns that hold w·q, w²·q and w²·q²."""
        found = self.mean_of(first)
        weight, squared = self.weight, self._sums.value(_W2)
        effective = weight * weight / squared if squared else 0.0
        if not found.defined or effective <= 1:
            return found
        mean = found.value
        squares = self._sums.value(third) - 2 * mean * self._sums.value(second) + mean * mean * squared
        variance = effective / (effective - 1) * squares / weight**2
        return found.within(*mean_interval(mean, variance, self.confidence))

    def r_squared(self) -> MetricValue:
        """Return 1 - (squared errors) / (squared distances of the labels from their mean)."""
        sums = self._sums
        weight = sums.whole(_W)
        if weight == 0:
            return MetricValue.undefined(_EMPTY)
        # In whole numbers: the two terms of the difference can agree in more digits than a float64 has.
        spread = sums.whole(_YY) * weight - sums.whole(_Y) ** 2
        if spread <= 0:
            return MetricValue.undefined("R² needs labels that differ")
        return MetricValue(1 - ratio(sums.whole(_EE) * weight, spread))


def _mse(s: RegressionSums) -> MetricValue:
    found = s.mean_with_interval(_EE, _EE2, _EEEE2)
    return found if found.lower is None or found.upper is None else found.within(max(0.0, found.lower), found.upper)


def _rmse(s: RegressionSums) -> MetricValue:
    squared = _mse(s)
    if not squared.defined:
        return squared
    found = MetricValue(math.sqrt(squared.value))
    if squared.lower is None or squared.upper is None:
        return found
    return found.within(math.sqrt(squared.lower), math.sqrt(squared.upper))


def _mae(s: RegressionSums) -> MetricValue:
    found = s.mean_with_interval(_A, _A2, _EE2)
    return found if found.lower is None or found.upper is None else found.within(max(0.0, found.lower), found.upper)


def _mean_error(s: RegressionSums) -> MetricValue:
    return s.mean_with_interval(_E, _E2, _EE2)


def _mean_label(s: RegressionSums) -> MetricValue:
    return s.mean_of(_Y)


def _mean_prediction(s: RegressionSums) -> MetricValue:
    return s.mean_of(_P)


def _example_count(s: RegressionSums) -> MetricValue:
    return MetricValue(float(s.rows))


def _weighted_example_count(s: RegressionSums) -> MetricValue:
    return MetricValue(s.weight)


METRICS = (
    Derived("rmse", _TASKS, "lower", RegressionSums, _rmse),
    Derived("mse", _TASKS, "lower", RegressionSums, _mse),
    Derived("mae", _TASKS, "lower", RegressionSums, _mae),
    Derived("r2", _TASKS, "higher", RegressionSums, RegressionSums.r_squared),
    Derived("mean_error", _TASKS, "neither", RegressionSums, _mean_error),
    Derived("mean_label", _TASKS, "neither", RegressionSums, _mean_label),
    Derived("mean_prediction", _TASKS, "neither", RegressionSums, _mean_prediction),
    Derived("example_count", _TASKS, "neither", RegressionSums, _example_count),
    Derived("weighted_example_count", _TASKS, "neither", RegressionSums, _weighted_example_count),
)
