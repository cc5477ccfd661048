"""Power transforms whose exponent has the largest likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.polynomial import chebyshev

from headrace.engines.quantiles import QuantileSketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.transform.accumulators import Part

__all__ = ["Method", "PowerAnalyzer", "PowerRefinement", "likelihood", "powered"]

Method = Literal["yeo-johnson", "box-cox"]

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_WIDEST = 40.0


def powered(values: NDArray[np.float64], exponent: float, method: Method) -> NDArray[np.float64]:
    """Return the transformed values: Box and Cox (1964) for positive ones, Yeo and Johnson (2000) for any."""
    with np.errstate(over="ignore", invalid="ignore"):
        if method == "box-cox":
            return _box_cox(np.log(values), exponent)
        positive = values >= 0.0
        logs = np.log1p(np.abs(values))
        return np.where(positive, _box_cox(logs, exponent), -_box_cox(logs, 2.0 - exponent))


def _box_cox(logs: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    return logs if exponent == 0.0 else np.expm1(exponent * logs) / exponent


def likelihood(values: NDArray[np.float64], counts: NDArray[Any], exponent: float, method: Method) -> float:
    """Return the logarithm of the likelihood, divided by the number of values and without what does not vary."""
    shares = counts / counts.sum()
    logs = np.log(values) if method == "box-cox" else np.sign(values) * np.log1p(np.abs(values))
    found = powered(values, exponent, method)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean = float((found * shares).sum())
        variance = float((np.square(found - mean) * shares).sum())
        result = -0.5 * math.log(variance) if variance > 0.0 else -math.inf
        result += (exponent - 1.0) * float((logs * shares).sum())
    return result if math.isfinite(result) else -math.inf


def _best(values: NDArray[np.float64], counts: NDArray[Any], method: Method) -> float:
    """Search the exponent on a grid, then between its neighbours by the golden ratio."""

    def at(exponent: float) -> float:
        return likelihood(values, counts, exponent, method)

    grid = np.linspace(-_WIDEST, _WIDEST, 81)
    best = float(grid[np.argmax([at(float(exponent)) for exponent in grid])])
    low, high = best - 1.0, best + 1.0
    while high - low > 1e-9 * max(1.0, abs(low)):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if at(left) < at(right):
            low = left
        else:
            high = right
    return (low + high) / 2.0


@dataclass(frozen=True)
class PowerAnalyzer:
    """About the exponent of the largest likelihood, from the quantile sketch of the values."""

    method: Method
    name: str = "power_transform"

    def part(self) -> Part:
        """Return an empty state."""
        return _PowerPart(self.method)


class _PowerPart:
    def __init__(self, method: Method) -> None:
        self.method = method
        self.sketch = QuantileSketch()

    def update(self, values: NDArray[Any]) -> None:
        self.sketch.update(values[np.isfinite(values)])

    def merge(self, other: Self) -> None:
        self.sketch.merge(other.sketch)

    def result(self) -> dict[str, Any] | None:
        if self.sketch.count == 0:
            return None
        values, counts = self.sketch.weighted()
        if self.method == "box-cox" and values[0] <= 0.0:
            return {"lowest": float(values[0])}
        return {"exponent": 1.0 if values.size == 1 else _best(values, counts, self.method)}


_NODES = np.cos((2 * np.arange(9) + 1) / 18.0 * math.pi)
_REACH = 0.02


@dataclass(frozen=True)
class PowerRefinement:
    """The exponent of the largest likelihood over all values, and mean and variance of what it makes of them.

    Takes numbers, and about the exponent beside each. Likelihood, mean and variance are smooth in the exponent: those
    at nine Chebyshev nodes around it say what they are in between, to rounding.
    """

    method: Method
    name: str = "power_transform"

    def part(self) -> Part:
        """Return an empty state."""
        return _RefinementPart(self.method)


class _RefinementPart:
    def __init__(self, method: Method) -> None:
        self.method = method
        self.middle = math.nan
        self.count = 0
        # For each node, and last for the logarithms: the mean, and the squares around it.
        self.mean = np.zeros(_NODES.size + 1)
        self.squares = np.zeros(_NODES.size + 1)

    def update(self, values: NDArray[Any], middle: NDArray[Any]) -> None:
        numbers = values[np.isfinite(values)].astype(np.float64)
        if self.method == "box-cox":
            numbers = numbers[numbers > 0.0]
        if numbers.size == 0:
            return
        self.middle = float(middle[0])
        found = [powered(numbers, self.middle + _REACH * node, self.method) for node in _NODES.tolist()]
        found.append(np.log(numbers) if self.method == "box-cox" else np.sign(numbers) * np.log1p(np.abs(numbers)))
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.array([float(each.mean()) for each in found])
            squares = np.array(
                [float(np.square(each - centre).sum()) for each, centre in zip(found, mean, strict=True)]
            )
        self._add(numbers.size, mean, squares)

    def merge(self, other: Self) -> None:
        if other.count:
            self.middle = other.middle
            self._add(other.count, other.mean, other.squares)

    def _add(self, count: int, mean: NDArray[np.float64], squares: NDArray[np.float64]) -> None:
        total = self.count + count
        with np.errstate(over="ignore", invalid="ignore"):
            delta = mean - self.mean
            self.mean = self.mean + delta * (count / total)
            self.squares = self.squares + squares + delta * delta * (self.count * (count / total))
        self.count = total

    def result(self) -> dict[str, float] | None:
        if self.count == 0:
            return None
        means, variances = self.mean[:-1], self.squares[:-1] / self.count
        if not (np.isfinite(variances).all() and (variances > 0.0).all()):
            # All values are equal, or powers of theirs are beyond float64: there is nothing to look for.
            place = _NODES.size // 2
            return {"exponent": self.middle, "mean": float(means[place]), "var": float(variances[place])}
        scores = -0.5 * np.log(variances) + _REACH * _NODES * self.mean[-1]
        curve = chebyshev.chebfit(_NODES, scores, _NODES.size - 1)
        roots = chebyshev.chebroots(chebyshev.chebder(curve))
        inside = roots.real[(np.abs(roots.imag) < 1e-9) & (np.abs(roots.real) <= 1.0)]
        candidates = np.concatenate([inside, [-1.0, 1.0]])
        best = float(candidates[np.argmax(chebyshev.chebval(candidates, curve))])
        mean, variance = (
            float(chebyshev.chebval(best, chebyshev.chebfit(_NODES, each, _NODES.size - 1)))
            for each in (means, variances)
        )
        return {"exponent": self.middle + _REACH * best, "mean": mean, "var": variance}
