"""From values to places on the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.viz.format import number

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Scale", "extent", "finite", "nice_ticks", "tick_labels"]


def finite(values: Iterable[float | None]) -> list[float]:
    """Return the values that can be drawn, in order."""
    return [float(value) for value in values if value is not None and math.isfinite(value)]


def extent(values: Iterable[float | None]) -> tuple[float, float]:
    """Return the least and the greatest value, widened where they are one; (0, 1) where there is none."""
    drawable = finite(values)
    if not drawable:
        return 0.0, 1.0
    low, high = min(drawable), max(drawable)
    if low == high:
        pad = abs(low) * 0.5 or 0.5
        return low - pad, high + pad
    return low, high


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about ``count`` round values within [low, high], in steps of 1, 2, 2.5 or 5 times a power of ten.

    >>> nice_ticks(0, 97)
    [0.0, 20.0, 40.0, 60.0, 80.0]
    """
    span = high - low
    if not math.isfinite(span) or span <= 0 or count < 1:
        return [low] if math.isfinite(low) else []
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 1e-300 else raw
    step = next((m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999), 10 * power)
    if step == 0:
        return [low]
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step + 0.0 for index in range(first, min(last, first + 50) + 1)]


def tick_labels(ticks: list[float]) -> list[str]:
    """Return the ticks as text: short (k, M, G), and all with the same decimals.

    >>> tick_labels([0.0, 0.25, 0.5]), tick_labels([0.0, 20000.0, 40000.0])
    (['0', '0.25', '0.50'], ['0', '20k', '40k'])
    """
    largest = max((abs(tick) for tick in ticks), default=0.0)
    if largest == 0:
        return ["0" for _ in ticks]
    if largest >= 1e15 or largest < 1e-4:
        return [number(tick, 3) for tick in ticks]
    scale, unit = next(
        ((s, u) for s, u in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")) if largest >= s), (1.0, "")
    )
    scale = 1e3 if unit == "k" else scale
    shown = [tick / scale for tick in ticks]
    decimals = next((d for d in range(9) if all(abs(v - round(v, d)) < 1e-9 * largest / scale for v in shown)), 9)
    return ["0" if value == 0 else f"{value:.{decimals}f}".replace("-", "\u2212") + unit for value in shown]


@dataclass(frozen=True)
class Scale:
    """A straight or logarithmic map from [low, high] to [start, stop] in pixels."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value, held within the plot."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        # Halves keep the span of values near the ends of float64 finite.
        span = high / 2 - low / 2
        share = 0.5 if span == 0 else (value / 2 - low / 2) / span
        return self.start + (self.stop - self.start) * min(max(share, 0.0), 1.0)

    def ticks(self, count: int = 5) -> list[float]:
        """Return round values for the axis; powers of ten on a logarithmic one."""
        if not self.log:
            return nice_ticks(self.low, self.high, count)
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        every = max(1, math.ceil((last - first + 1) / count))
        return [10.0**power for power in range(first, last + 1, every)]
