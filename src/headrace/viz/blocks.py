"""Small parts of a page: badges, facts, folds, cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from headrace.viz.format import number
from headrace.viz.html import Markup, tag

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Kind", "badge", "card", "cards", "code", "details", "key_values", "meter", "note"]

Kind = Literal["good", "bad", "warn", "info", "muted"]

# Shapes that differ, so that a verdict reads without colour.
_SIGNS: dict[str, str] = {"good": "✓", "bad": "✕", "warn": "!", "info": "i", "muted": "·"}


def _value(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, (int, float)):
        return number(value)
    return value


def badge(text: str, kind: Kind = "info", *, title: str | None = None) -> Markup:
    """Return a word with a sign and a tint: good, bad, warn, info or muted."""
    sign = tag("span", _SIGNS[kind], class_="hr-sign", aria_hidden="true")
    return tag("span", sign, text, class_=f"hr-badge hr-{kind}", title=title)


def key_values(mapping: Mapping[str, Any]) -> Markup:
    """Return facts as a list of names and values; numbers are formatted, markup stays."""
    pairs = [tag("div", tag("dt", key), tag("dd", _value(value))) for key, value in mapping.items()]
    return tag("dl", pairs, class_="hr-facts")


def details(summary: Any, body: Any, *, open: bool = False) -> Markup:  # noqa: A002 - the attribute's own name
    """Return a part that unfolds on a click; printing unfolds it too."""
    return tag("details", tag("summary", summary), tag("div", body, class_="hr-fold"), class_="hr-details", open=open)


def note(text: Any, kind: Kind = "info") -> Markup:
    """Return a remark set apart from the text around it."""
    sign = tag("span", _SIGNS[kind], class_="hr-sign", aria_hidden="true")
    return tag("div", sign, tag("div", text), class_=f"hr-note hr-{kind}", role="note")


def code(text: Any, *, block: bool = False) -> Markup:
    """Return text in letters of one width; as a block it keeps its lines and scrolls."""
    inner = tag("code", text)
    return tag("pre", inner, class_="hr-pre", tabindex="0") if block else inner


def card(title: Any, *body: Any) -> Markup:
    """Return a titled box."""
    return tag("section", tag("h3", title) if title else None, *body, class_="hr-card")


def cards(*items: Any) -> Markup:
    """Return boxes side by side, as many as fit."""
    return tag("div", *items, class_="hr-cards")


def meter(share: float | None, text: str, kind: Kind = "info") -> Markup:
    """Return a text over a bar that fills a share, from 0 to 1, of its cell."""
    filled = min(max(share, 0.0), 1.0) * 100 if share is not None and share == share else 0.0  # noqa: PLR0124 - NaN
    bar = tag("span", class_=f"hr-fill hr-{kind}", style=f"width:{filled:.1f}%")
    return tag("span", bar, tag("span", text, class_="hr-meter-text"), class_="hr-meter")
