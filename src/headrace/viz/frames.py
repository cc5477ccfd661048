"""The frame that every chart is drawn in: title for screen readers, grid, axes, legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.viz.html import Markup, coordinate, join, tag
from headrace.viz.scales import Scale, tick_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Frame", "legend", "nothing", "path", "shorten", "svg", "text_width"]

SERIES = 6
# Widths of letters in em that are far from the mean, as in DejaVu Sans.
_LETTERS = dict.fromkeys("iIjl.,:;'!| ", 0.33) | dict.fromkeys("frt-()[]/\\", 0.4) | dict.fromkeys("mwMW%@…", 0.93)
_WIDE = 1.05


def svg(width: float, height: float, *children: Any, label: str, class_: str = "hr-chart") -> Markup:
    """Return an inline picture that shrinks with its column and says what it shows."""
    return tag(
        "svg",
        tag("title", label) if label else None,
        *children,
        class_=class_,
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        width=float(width),
        height=float(height),
        role="img",
        aria_label=label or None,
    )


def path(points: Sequence[tuple[float, float]], *, close: bool = False) -> str:
    """Return an SVG path through points."""
    steps = " ".join(f"{'L' if i else 'M'}{coordinate(x)} {coordinate(y)}" for i, (x, y) in enumerate(points))
    return steps + ("Z" if close and steps else "")


def text_width(text: str, size: float = 11) -> float:
    """Return about how wide a text is, in pixels, in the wider of the common fonts."""
    return sum(_WIDE if ord(letter) >= 0x1100 else _LETTERS.get(letter, 0.62) for letter in text) * size


def shorten(text: str, room: float, size: float = 12.5) -> str:
    """Return a text with its end cut where it is wider than the room it has, in pixels."""
    if text_width(text, size) <= room:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > room:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def nothing(width: float, height: float, label: str) -> Markup:
    """Return a picture that says that there is nothing to draw."""
    return svg(
        width,
        height,
        tag("rect", x=0.5, y=0.5, width=float(width - 1), height=float(height - 1), rx=6, class_="hr-empty"),
        tag("text", "no data", x=width / 2, y=height / 2 + 4, text_anchor="middle", class_="hr-tick"),
        label=f"{label}: no data" if label else "no data",
    )


def legend(names: Sequence[str], kind: str = "line") -> Markup:
    """Return the key of a chart with several series; nothing for one or none.

    Parameters
    ----------
    names
        The series, in the order in which they are drawn.
    kind
        ``"line"`` for lines, ``"fill"`` for a filled first series and outlined others.
    """
    if len([name for name in names if name]) < 2:
        return Markup()
    items = []
    for index, name in enumerate(names):
        style = f"hr-s{index % SERIES}"
        mark = (
            tag("rect", x=1, y=2, width=14, height=8, rx=1.5, class_=f"{style} hr-{'area' if index == 0 else 'step'}")
            if kind == "fill"
            else join(
                [
                    tag("line", x1=0, y1=6, x2=18, y2=6, class_=f"{style} hr-line"),
                    marker(index, 9, 6),
                ]
            )
        )
        key = tag("svg", mark, viewBox="0 0 18 12", width=18, height=12, aria_hidden="true")
        items.append(tag("span", key, name, class_="hr-key"))
    return tag("div", items, class_="hr-legend")


def marker(index: int, x: float, y: float, size: float = 3.2) -> Markup:
    """Return the point mark of a series; each series has its own shape."""
    style = f"hr-s{index % SERIES} hr-dot"
    shape = index % 4
    if shape == 0:
        return tag("circle", cx=float(x), cy=float(y), r=size, class_=style)
    if shape == 1:
        return tag("rect", x=x - size * 0.9, y=y - size * 0.9, width=size * 1.8, height=size * 1.8, class_=style)
    if shape == 2:
        corners = [(x, y - size * 1.2), (x + size * 1.2, y + size), (x - size * 1.2, y + size)]
    else:
        corners = [(x, y - size * 1.35), (x + size * 1.35, y), (x, y + size * 1.35), (x - size * 1.35, y)]
    return tag("path", d=path(corners, close=True), class_=style)


@dataclass(frozen=True)
class Frame:
    """A plot area with margins for its axes, in pixels."""

    width: float
    height: float
    left: float = 44
    right: float = 12
    top: float = 10
    bottom: float = 26

    def x(self, low: float, high: float) -> Scale:
        """Return the horizontal scale."""
        return Scale(low, high, self.left, self.width - self.right)

    def y(self, low: float, high: float, *, log: bool = False) -> Scale:
        """Return the vertical scale, growing upwards."""
        return Scale(low, high, self.height - self.bottom, self.top, log)

    def axes(
        self, x: Scale, y: Scale, *, x_label: str = "", y_label: str = "", y_values: bool = True, x_whole: bool = False
    ) -> Markup:
        """Return grid lines, tick labels and axis labels; ``x_whole`` leaves out fractions on the horizontal axis."""
        floor, right = self.height - self.bottom, self.width - self.right
        parts: list[Markup] = []
        y_ticks = y.ticks(4) if y_values else []
        for value, text in zip(y_ticks, tick_labels(y_ticks), strict=True):
            at = y(value)
            parts.append(tag("line", x1=float(self.left), x2=float(right), y1=at, y2=at, class_="hr-grid"))
            parts.append(tag("text", text, x=self.left - 7.0, y=at + 3.5, text_anchor="end", class_="hr-tick"))
        parts.append(tag("line", x1=float(self.left), x2=float(right), y1=floor, y2=floor, class_="hr-axis"))
        x_ticks = x.ticks(max(2, min(6, int((right - self.left) / 64))))
        if x_whole:
            x_ticks = [tick for tick in x_ticks if tick == round(tick)]
        for value, text in zip(x_ticks, tick_labels(x_ticks), strict=True):
            at = x(value)
            parts.append(tag("line", x1=at, x2=at, y1=floor, y2=floor + 4, class_="hr-axis"))
            parts.append(tag("text", text, x=at, y=floor + 16, text_anchor="middle", class_="hr-tick"))
        if x_label:
            middle = (self.left + right) / 2
            parts.append(
                tag("text", x_label, x=middle, y=self.height - 4.0, text_anchor="middle", class_="hr-axis-label")
            )
        if y_label:
            middle = (self.top + floor) / 2
            turn = f"rotate(-90 11 {coordinate(middle)})"
            parts.append(
                tag("text", y_label, x=11.0, y=middle, transform=turn, text_anchor="middle", class_="hr-axis-label")
            )
        return join(parts)
