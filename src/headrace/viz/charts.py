"""Histograms and sparklines."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from headrace.viz.format import number, percent
from headrace.viz.frames import SERIES, Frame, legend, nothing, path, svg
from headrace.viz.html import Markup, join, tag
from headrace.viz.scales import Scale, extent, finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["histogram", "spark"]

_Bins = list[tuple[float, float, float]]


def _bins(edges: Sequence[float], counts: Sequence[float]) -> _Bins:
    """Return (low, high, count) of the bins that can be drawn."""
    if counts and len(edges) != len(counts) + 1:
        raise ValueError(f"a histogram has one more edge than counts; got {len(edges)} edges, {len(counts)} counts")
    return [
        (float(low), float(high), float(count))
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
        if math.isfinite(low) and math.isfinite(high) and math.isfinite(count) and high >= low and count >= 0
    ]


def _is_uneven(bins: _Bins) -> bool:
    widths = [high - low for low, high, _ in bins]
    return max(widths) > min(widths) * 1.02


def _heights(bins: _Bins, *, as_share: bool, as_density: bool, span: float) -> list[float]:
    total = sum(count for _, _, count in bins) if as_share else 1.0
    narrowest = span / 400
    return [
        (count / total if total else 0.0) / (max(high - low, narrowest) / span if as_density else 1.0)
        for low, high, count in bins
    ]


def histogram(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    overlays: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    name: str = "",
    log: bool = False,
    label: str = "",
    x_label: str = "",
    width: int = 420,
    height: int = 190,
) -> Markup:
    """Return a histogram, with other distributions drawn over it as outlines.

    Where there are overlays every distribution is a share of its own total, so that splits of different sizes
    compare. Where bins differ in width the area of a bar, rather than its height, tells the count, and the vertical
    axis carries no numbers.

    Parameters
    ----------
    edges
        Ascending, one more than ``counts``.
    counts
        How many values lie in each bin; not a number and infinity are left out.
    overlays
        Name to (edges, counts) of the distributions to compare with.
    name
        What the filled distribution is called in the legend.
    log
        Whether the vertical axis is logarithmic.
    label
        What the picture shows, for the title and for screen readers.
    x_label
        The name of the horizontal axis.
    width, height
        In pixels.
    """
    named = {name: _bins(edges, counts)} | {
        key: _bins(*value) for key, value in (overlays or {}).items() if key != name
    }
    drawn = {key: bins for key, bins in named.items() if bins}
    if not any(count for bins in drawn.values() for _, _, count in bins):
        return nothing(width, height, label)
    low, high = extent(edge for bins in drawn.values() for bin_ in bins for edge in bin_[:2])
    as_share, as_density = len(drawn) > 1, any(_is_uneven(bins) for bins in drawn.values())
    heights = {
        key: _heights(bins, as_share=as_share, as_density=as_density, span=high - low) for key, bins in drawn.items()
    }
    positive = [value for values in heights.values() for value in values if value > 0]
    # Near the ends of float64 there is no room for half as much, or for more.
    bottom = (min(positive) / 2 or min(positive)) if log else 0.0
    roof = min(max(positive) * (1.6 if log else 1.06), sys.float_info.max)
    frame = Frame(width, height, left=14 if as_density else 44, bottom=42 if x_label else 26)
    x, y = frame.x(low, high), frame.y(bottom, roof, log=log)
    parts = [frame.axes(x, y, x_label=x_label, y_values=not as_density)]
    floor = height - frame.bottom
    for index, key in enumerate(named):
        if key not in drawn:
            continue
        bins, tops = drawn[key], heights[key]
        total = sum(count for _, _, count in bins)
        if index == 0:
            for (left, right, count), top in zip(bins, tops, strict=True):
                if count == 0:
                    continue
                x0, x1, at = x(left), x(right), y(top)
                gap = 0.5 if x1 - x0 > 4 else 0.0
                tip = f"{number(left)} to {number(right)}: {number(count)} ({percent(count / total)})"
                parts.append(
                    tag(
                        "rect",
                        tag("title", tip),
                        x=x0 + gap,
                        y=at,
                        width=max(x1 - x0 - 2 * gap, 0.8),
                        height=max(floor - at, 0.0),
                        class_="hr-s0 hr-area",
                    )
                )
        else:
            points = [(x(bins[0][0]), floor)]
            for (left, right, _), top in zip(bins, tops, strict=True):
                points += [(x(left), y(top)), (x(right), y(top))]
            points.append((x(bins[-1][1]), floor))
            parts.append(tag("path", tag("title", key), d=path(points), class_=f"hr-s{index % SERIES} hr-step"))
    picture = svg(width, height, *parts, label=label or name or "histogram")
    return tag("figure", legend(list(named), "fill"), picture, class_="hr-figure")


def spark(
    values: Sequence[float | None],
    *,
    overlay: Sequence[float | None] | None = None,
    kind: str = "bars",
    label: str = "",
    width: int = 120,
    height: int = 28,
) -> Markup:
    """Return a word-sized chart.

    Parameters
    ----------
    values
        Heights, evenly spaced; None, not a number and infinity leave a gap.
    overlay
        A second series drawn as a stepped outline over bars, each series scaled to its own sum.
    kind
        ``"bars"`` from zero, or ``"line"`` between the least and the greatest value.
    label
        What the picture shows, for screen readers.
    width, height
        In pixels.
    """
    drawable = finite(values)
    if not drawable:
        return svg(
            width,
            height,
            tag("line", x1=0, x2=width, y1=height - 0.5, y2=height - 0.5, class_="hr-axis"),
            label=f"{label}: no data" if label else "no data",
            class_="hr-spark",
        )
    if kind == "line":
        return _spark_line(values, label=label, width=width, height=height)
    sets = [[value if value is not None and math.isfinite(value) else 0.0 for value in values]]
    if overlay:
        sets.append([value if value is not None and math.isfinite(value) else 0.0 for value in overlay])
        sets = [[value / (sum(one) or 1.0) for value in one] for one in sets]
    top = max(0.0, *(value for one in sets for value in one)) or 1.0
    parts: list[Markup] = [tag("line", x1=0, x2=width, y1=height - 0.5, y2=height - 0.5, class_="hr-axis")]
    step = width / len(sets[0])
    gap = 0.5 if step > 3 else 0.0
    for index, value in enumerate(sets[0]):
        if value > 0:
            tall = max(value / top * (height - 2), 1.0)
            parts.append(
                tag(
                    "rect",
                    x=index * step + gap,
                    y=height - tall,
                    width=max(step - 2 * gap, 0.6),
                    height=tall,
                    class_="hr-s0 hr-area",
                )
            )
    if len(sets) > 1:
        step = width / len(sets[1])
        points = [(0.0, height - 0.5)]
        for index, value in enumerate(sets[1]):
            at = height - 0.5 - max(value, 0.0) / top * (height - 2)
            points += [(index * step, at), ((index + 1) * step, at)]
        points.append((float(width), height - 0.5))
        parts.append(tag("path", d=path(points), class_="hr-s1 hr-step"))
    return svg(width, height, *parts, label=label, class_="hr-spark")


def _spark_line(values: Sequence[float | None], *, label: str, width: int, height: int) -> Markup:
    low, high = extent(values)
    x, y = Scale(0, max(len(values) - 1, 1), 2, width - 3), Scale(low, high, height - 3, 3)
    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            runs.append([])
        else:
            runs[-1].append((x(index), y(value)))
    parts = [tag("path", d=path(run), class_="hr-s0 hr-line") for run in runs if len(run) > 1]
    last = next(run[-1] for run in reversed(runs) if run)
    parts.append(tag("circle", cx=last[0], cy=last[1], r=2.2, class_="hr-s0 hr-dot"))
    return svg(width, height, join(parts), label=label, class_="hr-spark")
