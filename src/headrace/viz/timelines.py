"""What happened when: one row a thing, one bar a span of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.viz.format import duration
from headrace.viz.frames import nothing, shorten, svg, text_width
from headrace.viz.graphs import tone_of
from headrace.viz.html import Markup, tag
from headrace.viz.scales import Scale, nice_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.viz.graphs import State

__all__ = ["Span", "timeline"]

_ROW = 26


@dataclass(frozen=True)
class Span:
    """From when to when something went on, in seconds on any clock; None where it did not."""

    name: str
    start: float | None
    stop: float | None
    state: State | str = ""
    text: str = ""


def timeline(spans: Sequence[Span], *, label: str = "", width: int = 900) -> Markup:
    """Return bars on a shared axis of time that begins with the first of them.

    Parameters
    ----------
    spans
        One a row, top to bottom.
    label
        What the picture shows, for screen readers.
    width
        In pixels.
    """
    known = [
        (span.start, span.stop)
        for span in spans
        if span.start is not None and span.stop is not None and math.isfinite(span.start + span.stop)
    ]
    if not known:
        return nothing(width, 60, label)
    first, last = min(start for start, _ in known), max(stop for _, stop in known)
    left = min(max(text_width(span.name, 12.5) for span in spans) + 16, width * 0.35)
    right = max(text_width(span.text) for span in spans) + 12
    x = Scale(0, max(last - first, 1e-6), left, max(width - right, left + 40))
    floor = _ROW * len(spans) + 4
    parts: list[Markup] = []
    for tick in nice_ticks(0, x.high, 6):
        at = x(tick)
        parts.append(tag("line", x1=at, x2=at, y1=0, y2=floor, class_="hr-grid"))
        parts.append(tag("text", duration(tick), x=at, y=floor + 15, text_anchor="middle", class_="hr-tick"))
    for row, span in enumerate(spans):
        middle = _ROW * row + _ROW / 2 + 2
        name = shorten(span.name, left - 14)
        parts.append(tag("text", name, x=left - 12, y=middle + 4, text_anchor="end", class_="hr-label"))
        end = left
        if span.start is not None and span.stop is not None and math.isfinite(span.start + span.stop):
            start, end = x(span.start - first), x(span.stop - first)
            tip = f"{span.name}: {duration(span.stop - span.start)} from {duration(span.start - first)}"
            parts.append(
                tag(
                    "rect",
                    tag("title", tip),
                    x=start,
                    y=middle - 7,
                    width=max(end - start, 2.0),
                    height=14,
                    rx=3,
                    class_=f"hr-span hr-{tone_of(span.state)}",
                )
            )
        if span.text:
            parts.append(tag("text", span.text, x=end + 7, y=middle + 4, class_="hr-value"))
    return tag("figure", svg(width, floor + 22, *parts, label=label or "timeline"), class_="hr-figure")
