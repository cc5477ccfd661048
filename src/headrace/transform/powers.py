"""Power transforms whose exponent has the largest likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from headrace.engines.quantiles import QuantileSketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.transform.accumulators import Part

__all__ = ["Method", "PowerAnalyzer", "likelihood", "powered"]

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
    """The exponent of the largest likelihood, and mean and variance of what it makes of the values."""

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
        exponent = 1.0 if values.size == 1 else _best(values, counts, self.method)
        shares = counts / counts.sum()
        found = powered(values, exponent, self.method)
        mean = float((found * shares).sum())
        variance = float((np.square(found - mean) * shares).sum())
        return {"exponent": exponent, "mean": mean, "var": 0.0 if values.size == 1 else variance}
