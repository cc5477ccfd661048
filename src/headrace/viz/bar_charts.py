"""Bars and intervals: one row a name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.viz.format import number
from headrace.viz.frames import SERIES, legend, marker, nothing, shorten, svg, text_width
from headrace.viz.html import Markup, join, tag
from headrace.viz.scales import Scale, extent, finite, tick_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Interval", "bars", "interval", "intervals"]


@dataclass(frozen=True)
class Interval:
    """A value and the bounds within which it is believed to lie."""

    value: float | None
    low: float | None = None
    high: float | None = None


def _label(text: str, x: float, y: float) -> Markup:
    cut = shorten(text, x - 1)
    tip = tag("title", text) if cut != text else None
    return tag("text", tip, cut, x=x, y=y, text_anchor="end", class_="hr-label")


def bars(
    labels: Sequence[str],
    values: Sequence[float | None],
    *,
    overlays: Mapping[str, Sequence[float | None]] | None = None,
    name: str = "",
    label: str = "",
    format: Callable[[float | None], str] = number,  # noqa: A002 - the plain word reads best at the call
    x_range: tuple[float, float] | None = None,
    width: int = 420,
) -> Markup:
    """Return horizontal bars with their values; other series as outlined bars beneath.

    Parameters
    ----------
    labels
        One a row, top to bottom.
    values
        One a label; None and not a number leave the bar out and say so.
    overlays
        Name to values of the series to compare with.
    name
        What the filled series is called in the legend.
    label
        What the picture shows, for screen readers.
    format
        How a value is written.
    x_range
        The ends of the axis; zero and the greatest value where it is not given.
    width
        In pixels.
    """
    series = {name: list(values)} | {key: list(more) for key, more in (overlays or {}).items() if key != name}
    if not labels:
        return nothing(width, 60, label)
    drawable = finite(value for one in series.values() for value in one)
    low, high = x_range or (min(0.0, *drawable, 0.0), max(0.0, *drawable, 0.0))
    high = high if high > low else low + 1
    thick = 15 if len(series) == 1 else 12
    row = thick * len(series) + 9
    left = min(max(text_width(str(text), 12.5) for text in labels) + 10, width * 0.45)
    texts = [format(value) for one in series.values() for value in one]
    right = max((text_width(text) for text in texts), default=0) + 10
    x = Scale(low, high, left, max(width - right, left + 20))
    parts: list[Markup] = []
    height = row * len(labels) + 4
    for index, text in enumerate(labels):
        top = 2 + index * row
        parts.append(_label(str(text), left - 8.0, top + (row - 9) / 2 + 4))
        for order, (key, one) in enumerate(series.items()):
            value = one[index] if index < len(one) else None
            at = top + order * thick
            drawn = value is not None and math.isfinite(value)
            end = x(value) if drawn and value is not None else x(0)
            start = x(min(max(0.0, low), high))
            if drawn:
                tip = f"{text}{f', {key}' if key else ''}: {format(value)}"
                parts.append(
                    tag(
                        "rect",
                        tag("title", tip),
                        x=min(start, end) + (0.5 if order else 0),
                        y=at + (0.5 if order else 0.0),
                        width=max(abs(end - start) - (1 if order else 0), 1.0),
                        height=float(thick - (2 if order else 1)),
                        rx=1.5,
                        class_=f"hr-s{order % SERIES} hr-{'step' if order else 'area'}",
                    )
                )
            small = len(series) > 1
            parts.append(
                tag(
                    "text",
                    format(value),
                    x=max(start, end) + 6.0,
                    y=at + thick / 2 + (3 if small else 3.5),
                    class_="hr-value hr-small" if small else "hr-value",
                )
            )
    parts.append(tag("line", x1=x(max(low, 0)), x2=x(max(low, 0)), y1=0, y2=height - 5, class_="hr-axis"))
    return tag(
        "figure",
        legend(list(series), "fill"),
        svg(width, height, *parts, label=label or name or "bars"),
        class_="hr-figure",
    )


def interval(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    x_range: tuple[float, float] | None = None,
    threshold: float | None = None,
    label: str = "",
    width: int = 140,
    height: int = 18,
) -> Markup:
    """Return one dot with the bounds of its confidence interval, for a table's cell.

    Parameters
    ----------
    value, low, high
        The estimate and its bounds; bounds may be absent.
    x_range
        The ends of the axis, the same for every row of a table; what is given where it is not.
    threshold
        Drawn as a dashed upright line.
    label
        What the picture shows, for screen readers.
    width, height
        In pixels.
    """
    x = Scale(*(x_range or extent([value, low, high, threshold])), 5, width - 5)
    text = f"{label} {number(value)}" + (f" ({number(low)} to {number(high)})" if low is not None else "")
    middle = height / 2
    parts = [tag("line", x1=5, x2=width - 5, y1=middle, y2=middle, class_="hr-grid")]
    parts.append(_threshold(x, threshold, 1, height - 1))
    parts.append(_interval(x, Interval(value, low, high), middle))
    return svg(width, height, *parts, label=text.strip(), class_="hr-spark")


def _threshold(x: Scale, value: float | None, top: float, bottom: float) -> Markup:
    if value is None or not math.isfinite(value):
        return Markup()
    at = x(value)
    return tag("line", tag("title", f"threshold {number(value)}"), x1=at, x2=at, y1=top, y2=bottom, class_="hr-limit")


def _interval(x: Scale, one: Interval, y: float, series: int = 0) -> Markup:
    if one.value is None or not math.isfinite(one.value):
        return Markup()
    parts = []
    if one.low is not None and one.high is not None and math.isfinite(one.low) and math.isfinite(one.high):
        a, b = x(one.low), x(one.high)
        style = f"hr-s{series % SERIES} hr-whisker"
        parts.append(tag("line", x1=a, x2=b, y1=y, y2=y, class_=style))
        parts += [tag("line", x1=end, x2=end, y1=y - 3, y2=y + 3, class_=style) for end in (a, b)]
    return join([*parts, marker(series, x(one.value), y, 3.6)])


def intervals(
    labels: Sequence[str],
    values: Sequence[Interval],
    *,
    overlays: Mapping[str, Sequence[Interval]] | None = None,
    name: str = "",
    threshold: float | None = None,
    x_range: tuple[float, float] | None = None,
    label: str = "",
    format: Callable[[float | None], str] = number,  # noqa: A002 - the plain word reads best at the call
    width: int = 560,
) -> Markup:
    """Return dots with confidence intervals, one row a label, on a shared axis: a metric by slice.

    Parameters
    ----------
    labels
        One a row, top to bottom.
    values
        One a label.
    overlays
        Name to values of the series to compare with, as a baseline model's.
    name
        What the first series is called in the legend.
    threshold
        Drawn as a dashed upright line through all rows.
    x_range
        The ends of the axis; what the values span, with a margin, where it is not given.
    label
        What the picture shows, for screen readers.
    format
        How a value is written at the right.
    width
        In pixels.
    """
    series = {name: list(values)} | {key: list(more) for key, more in (overlays or {}).items() if key != name}
    every = [number_ for one in series.values() for item in one for number_ in (item.value, item.low, item.high)]
    if not labels or not finite(every):
        return nothing(width, 60, label)
    low, high = x_range or extent([*every, threshold])
    pad = 0.0 if x_range else (high - low) * 0.06
    left = min(max(text_width(str(text), 12.5) for text in labels) + 12, width * 0.45)
    right = max(text_width(format(item.value)) for item in series[name]) + 14
    x = Scale(low - pad, high + pad, left, max(width - right, left + 20))
    row = 24 if len(series) == 1 else 14 * len(series) + 10
    floor = row * len(labels) + 6
    ticks = x.ticks(5)
    parts: list[Markup] = []
    for value, text in zip(ticks, tick_labels(ticks), strict=True):
        parts.append(tag("line", x1=x(value), x2=x(value), y1=0, y2=floor, class_="hr-grid"))
        parts.append(tag("text", text, x=x(value), y=floor + 14.0, text_anchor="middle", class_="hr-tick"))
    parts.append(_threshold(x, threshold, 0, floor))
    for index, text in enumerate(labels):
        top = 3 + index * row
        parts.append(_label(str(text), left - 10.0, top + row / 2 + 3.5))
        for order, one in enumerate(series.values()):
            if index < len(one):
                shift = (order - (len(series) - 1) / 2) * 13
                parts.append(_interval(x, one[index], top + row / 2 + shift, order))
        if index < len(values):
            shown = format(values[index].value)
            parts.append(tag("text", shown, x=width - right + 10, y=top + row / 2 + 3.5, class_="hr-value"))
    return tag(
        "figure",
        legend(list(series)),
        svg(width, floor + 20, *parts, label=label or name or "intervals"),
        class_="hr-figure",
    )
