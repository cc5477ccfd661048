"""Count, mean and variance of a stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Moments", "WeightedMoments"]


class Moments:
    """Count, mean, sum of squares around it and extremes of numbers in float64, mergeable.

    By the parallel update of Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances" (1979). The mean of equal numbers is that number and their variance 0, exactly.

    Attributes
    ----------
    count
        How many numbers were seen.
    mean
        Their mean; 0 where none was seen.
    squares
        The sum of the squares of what lies between each number and the mean.
    low, high
        The smallest and the largest number; infinities the wrong way round where none was seen.

    Examples
    --------
    >>> moments = Moments()
    >>> moments.update(np.array([1.0, 2.0, 6.0]))
    >>> moments.mean, moments.squares
    (3.0, 14.0)
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.squares = 0.0
        self.low = math.inf
        self.high = -math.inf

    def update(self, values: NDArray[Any]) -> None:
        """Take in numbers without NaN, in one dimension; the array is not written to."""
        if values.size == 0:
            return
        numbers = values.astype(np.float64, copy=False)
        low, high = float(numbers.min()), float(numbers.max())
        if low == high:
            self._add(int(numbers.size), low, 0.0, low, high)
        else:
            self._add(int(numbers.size), *_mean_and_squares(numbers), low, high)

    def merge(self, other: Self) -> None:
        """Take in what other moments have seen."""
        self._add(other.count, other.mean, other.squares, other.low, other.high)

    @property
    def variance(self) -> float:
        """The population variance; NaN where nothing was seen."""
        return self.squares / self.count if self.count else math.nan

    def _add(self, count: int, mean: float, squares: float, low: float, high: float) -> None:
        if count == 0:
            return
        self.low, self.high = min(self.low, low), max(self.high, high)
        total = self.count + count
        if self.count == 0 or self.low == self.high:
            self.mean, self.squares = mean, squares
        else:
            delta = mean - self.mean
            self.mean += delta * (count / total)
            self.squares += squares + delta * delta * (self.count * (count / total))
        self.count = total


def _mean_and_squares(numbers: NDArray[np.float64]) -> tuple[float, float]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(numbers.mean())
        if not math.isfinite(mean):
            mean = float((numbers / numbers.size).sum())
        apart = numbers - mean
        # What the rounding of the mean has added to the squares.
        rest = float(apart.sum())
        # Not numpy.dot: BLAS splits it by the number of processors, and its threads get in each other's way.
        squares = float(np.square(apart, out=apart).sum()) - rest * rest / numbers.size
    return mean, max(squares, 0.0)


class WeightedMoments:
    """Mean and variance of numbers that count by their weights, mergeable; by the update of :class:`Moments`."""

    def __init__(self) -> None:
        self.weight = 0.0
        self.mean = 0.0
        self.squares = 0.0

    def update(self, values: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        """Take in finite numbers and weights of at least zero."""
        weight = float(weights.sum())
        if weight <= 0.0:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            first = float(values[0])
            mean = first + float(((values - first) * weights).sum()) / weight
            squares = float((np.square(values - mean) * weights).sum())
        self._add(weight, mean, squares)

    def merge(self, other: Self) -> None:
        """Take in what other moments have seen."""
        self._add(other.weight, other.mean, other.squares)

    @property
    def variance(self) -> float:
        """The population variance; NaN where nothing was seen."""
        return self.squares / self.weight if self.weight else math.nan

    def _add(self, weight: float, mean: float, squares: float) -> None:
        if weight == 0.0:
            return
        total = self.weight + weight
        delta = mean - self.mean
        self.mean += delta * (weight / total)
        self.squares += squares + delta * delta * (self.weight * (weight / total))
        self.weight = total
