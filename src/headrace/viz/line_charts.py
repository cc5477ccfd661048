"""Lines: learning curves, ROC, precision and recall, calibration."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headrace.viz.format import number
from headrace.viz.frames import SERIES, Frame, legend, marker, nothing, path, svg
from headrace.viz.html import Markup, join, tag
from headrace.viz.scales import extent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["lines"]


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_label: str = "",
    y_label: str = "",
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    diagonal: bool = False,
    points: bool | None = None,
    label: str = "",
    width: int = 420,
    height: int = 240,
) -> Markup:
    """Return a line chart; each series has its own colour, dash and mark.

    Parameters
    ----------
    series
        Name to (x, y) points in drawing order; a point that is not finite breaks the line.
    x_label, y_label
        The names of the axes.
    x_range, y_range
        The ends of the axes; what the points span, with a margin above and below, where not given.
    diagonal
        Whether to draw y = x, the line of a guess or of perfect calibration.
    points
        Whether to mark the points; up to 24 a series are marked where not given.
    label
        What the picture shows, for screen readers.
    width, height
        In pixels.
    """
    drawn = {
        name: [(float(x), float(y)) for x, y in line if x is not None and y is not None and math.isfinite(x)]
        for name, line in series.items()
    }
    every = [(x, y) for line in drawn.values() for x, y in line if math.isfinite(y)]
    if not every:
        return nothing(width, height, label)
    low, high = y_range or extent(y for _, y in every)
    pad = 0.0 if y_range else (high - low) * 0.06
    frame = Frame(width, height, left=60 if y_label else 44, bottom=42 if x_label else 26)
    x, y = frame.x(*(x_range or extent(x for x, _ in every))), frame.y(low - pad, high + pad)
    whole = not x_range and all(a == round(a) for a, _ in every)
    parts = [frame.axes(x, y, x_label=x_label, y_label=y_label, x_whole=whole)]
    if diagonal:
        start, stop = max(x.low, y.low), min(x.high, y.high)
        if start < stop:
            parts.append(tag("line", x1=x(start), y1=y(start), x2=x(stop), y2=y(stop), class_="hr-diagonal"))
    for index, (name, line) in enumerate(drawn.items()):
        parts.append(_line(index, name, [(x(a), y(b), a, b) for a, b in line], points=points))
    picture = svg(width, height, *parts, label=label or ", ".join(drawn))
    return tag("figure", legend(list(drawn)), picture, class_="hr-figure")


def _line(index: int, name: str, line: list[tuple[float, float, float, float]], *, points: bool | None) -> Markup:
    runs: list[list[tuple[float, float, float, float]]] = [[]]
    for point in line:
        if math.isfinite(point[3]):
            runs[-1].append(point)
        else:
            runs.append([])
    style = f"hr-s{index % SERIES} hr-line"
    parts = [
        tag("path", tag("title", name), d=path([p[:2] for p in run]), class_=style) for run in runs if len(run) > 1
    ]
    marked = len(line) <= 24 if points is None else points
    for run in runs:
        for across, down, a, b in run:
            if marked or len(run) == 1:
                mark = marker(index, across, down, 2.6)
                parts.append(tag("g", tag("title", f"{name}: {number(a)}, {number(b)}"), mark))
    return join(parts)
