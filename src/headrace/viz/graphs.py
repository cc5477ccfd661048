"""Directed graphs drawn in layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headrace.viz.frames import nothing, shorten, svg, text_width
from headrace.viz.html import Markup, coordinate, tag
from headrace.viz.layers import Layout, lay_out

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DagNode", "State", "dag", "tone_of"]

State = Literal[
    "done", "cached", "failed", "refused", "running", "waiting", "skipped", "cancelled", "blessed", "input", "output"
]

BOX_HEIGHT = 50
_ICON_ROOM = 34
# The size in pixels at which bold letters of 13 pixels are measured.
_TITLE = 14.2
_WIDEST = 250.0
_PAGE_WIDTH = 1050.0

# Each state has its own shape, so that it can be told without colour: paths in a square of 16 by 16.
_ICONS: dict[str, tuple[str, str]] = {
    "done": ("good", "M3.5 8.5 6.7 11.7 12.8 4.8"),
    "cached": ("info", "M12.6 6.2A5 5 0 1 0 13 8.6M12.9 3.2V6.4H9.7"),
    "failed": ("bad", "M4.2 4.2 11.8 11.8M11.8 4.2 4.2 11.8"),
    "refused": ("warn", "M8 3.2V9M8 12V12.2"),
    "running": ("info", "M5.5 3.8 12 8 5.5 12.2Z"),
    "waiting": ("muted", "M8 4.6V8.2L10.4 9.8M13 8A5 5 0 1 1 3 8A5 5 0 1 1 13 8Z"),
    "skipped": ("muted", "M4 4.2 8 8 4 11.8M9 4.2 13 8 9 11.8"),
    "cancelled": ("warn", "M3.8 8A4.6 4.6 0 1 0 12.9 8A4.6 4.6 0 1 0 3.8 8ZM5 11.4 11.6 4.8"),
    "blessed": ("good", "M8 2.8 9.6 6.2 13.3 6.6 10.5 9.1 11.3 12.8 8 10.9 4.7 12.8 5.5 9.1 2.7 6.6 6.4 6.2Z"),
    "input": ("muted", "M8 3V11M4.6 7.8 8 11.2 11.4 7.8M3.5 13.2H12.5"),
    "output": ("info", "M8 11.4V3.4M4.6 6.6 8 3.2 11.4 6.6M3.5 13.2H12.5"),
}
_UNKNOWN = ("muted", "M11 8A3 3 0 1 1 5 8A3 3 0 1 1 11 8Z")


@dataclass(frozen=True)
class DagNode:
    """One box of a graph.

    Parameters
    ----------
    id
        What edges name it by.
    title
        The first line.
    subtitle
        The second line: a time, "cached", a type.
    state
        Gives the icon and its colour; a word that is not among `State` gives a plain dot.
    href
        Where a click leads, mostly ``#section`` of the same page.
    """

    id: str
    title: str
    subtitle: str = ""
    state: State | str = ""
    href: str | None = None


def tone_of(state: str) -> str:
    """Return the tone in which a state is coloured."""
    return _ICONS.get(state, _UNKNOWN)[0]


def _box_width(node: DagNode) -> float:
    text = max(text_width(node.title, _TITLE), text_width(node.subtitle))
    return min(max(112.0, text + _ICON_ROOM + 16), _WIDEST)


def _box(node: DagNode, x: float, y: float, width: float) -> Markup:
    left, top = x - width / 2, y - BOX_HEIGHT / 2
    tone, icon = _ICONS.get(node.state, _UNKNOWN)
    words = ", ".join(part for part in (node.title, node.state, node.subtitle) if part)
    at = y - 3.5 if node.subtitle else y + 4.5
    drawn = tag(
        "g",
        tag("title", words),
        tag("rect", x=left, y=top, width=width, height=BOX_HEIGHT, rx=9, class_="hr-box"),
        tag(
            "g",
            tag("circle", cx=8, cy=8, r=10, class_="hr-halo"),
            tag("path", d=icon, class_="hr-icon"),
            transform=f"translate({coordinate(left + 11)} {coordinate(y - 8)})",
        ),
        tag(
            "text",
            shorten(node.title, width - _ICON_ROOM - 12, _TITLE),
            x=left + _ICON_ROOM + 3,
            y=at,
            class_="hr-node-title",
        ),
        tag(
            "text",
            shorten(node.subtitle, width - _ICON_ROOM - 12, 11),
            x=left + _ICON_ROOM + 3,
            y=y + 13.5,
            class_="hr-node-sub",
        )
        if node.subtitle
        else None,
        class_=f"hr-node hr-{tone}",
    )
    return tag("a", drawn, href=node.href, aria_label=words) if node.href else drawn


def _edge(points: list[tuple[float, float]], *, down: bool) -> str:
    """Return a curve that leaves and enters every point along the direction of the graph."""
    x, y = points[0]
    steps = [f"M{coordinate(x)} {coordinate(y)}"]
    for to_x, to_y in points[1:]:
        if down:
            half = (to_y - y) / 2
            bend = (x, y + half, to_x, to_y - half)
        else:
            half = (to_x - x) / 2
            bend = (x + half, y, to_x - half, to_y)
        steps.append("C" + " ".join(coordinate(number) for number in (*bend, to_x, to_y)))
        x, y = to_x, to_y
    return " ".join(steps)


def dag(
    nodes: Sequence[DagNode],
    edges: Sequence[tuple[str, str]],
    *,
    direction: Literal["down", "right"] | None = None,
    label: str = "",
) -> Markup:
    """Return a directed graph: layers by longest path, few crossings, smooth edges.

    Edges that name an unknown node, or lead from a node to itself, are left out; edges that close a circle are drawn
    against the direction.

    Parameters
    ----------
    nodes
        With ids that differ.
    edges
        (from, to) pairs of ids.
    direction
        Where the edges lead; down unless that is too wide for a page and right is less so.
    label
        What the picture shows, for screen readers.
    """
    if not nodes:
        return nothing(240, 60, label)
    drawing = _Drawing(nodes, edges, down=direction != "right")
    if direction is None and drawing.size[0] > _PAGE_WIDTH:
        other = _Drawing(nodes, edges, down=False)
        drawing = min(drawing, other, key=lambda one: one.size[0])
    wide, high = drawing.size
    said = label or f"graph of {len(nodes)} nodes and {len(drawing.layout.routes)} edges"
    picture = svg(wide, high, *drawing.edges(), *drawing.boxes(), label=said, class_="hr-chart hr-dag")
    # Below this size the words in the boxes can no longer be read, and the picture scrolls instead.
    least = f"min-width:{0.7 * wide:.0f}px"
    return tag("div", tag("div", picture, style=least), class_="hr-scroll", tabindex="0", role="group", aria_label=said)


class _Drawing:
    """A graph that is laid out in one direction."""

    def __init__(self, nodes: Sequence[DagNode], edges: Sequence[tuple[str, str]], *, down: bool) -> None:
        self.nodes, self.down = nodes, down
        self.widths = {node.id: _box_width(node) for node in nodes}
        if not down:
            self.widths = dict.fromkeys(self.widths, max(self.widths.values()))
        sizes = self.widths if down else dict.fromkeys(self.widths, float(BOX_HEIGHT))
        self.layout: Layout = lay_out([node.id for node in nodes], edges, sizes, gap=22 if down else 12)
        self.half_box = BOX_HEIGHT / 2 if down else max(self.widths.values()) / 2
        self.along = 2 * self.half_box + (40 if down else 56)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        deep = self.half_box * 2 + (self.layout.layers - 1) * self.along + 16
        wide = self.layout.width + 16
        return (wide, deep) if self.down else (deep, wide)

    def _place(self, across: float, layer: float) -> tuple[float, float]:
        depth = 8 + self.half_box + layer * self.along
        return (across + 8, depth) if self.down else (depth, across + 8)

    def boxes(self) -> list[Markup]:
        """Return the nodes."""
        places = self.layout.places
        return [_box(node, *self._place(*places[node.id]), self.widths[node.id]) for node in self.nodes]

    def edges(self) -> list[Markup]:
        """Return the edges, from border to border."""
        reach = self.half_box / self.along
        drawn = []
        for route in self.layout.routes:
            points: list[tuple[float, float]] = []
            for order, (across, layer) in enumerate(route):
                offsets = [reach] if order == 0 else [-reach] if order == len(route) - 1 else [-reach, reach]
                points += [self._place(across, layer + offset) for offset in offsets]
            drawn.append(tag("path", d=_edge(points, down=self.down), class_="hr-edge"))
        return drawn
