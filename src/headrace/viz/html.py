"""Markup that escapes what it is given."""

from __future__ import annotations

import html
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Markup", "escape", "join", "tag"]

_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})
# Characters that XML forbids and lone surrogates that UTF-8 cannot write; data has them, pages must not.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """HTML that is safe as it stands; every other string is escaped when it enters a tag.

    >>> Markup("<b>safe</b>") + " & more"
    Markup('<b>safe</b> &amp; more')
    """

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        # A plain string, whatever the subclass.
        return str.__str__(self)

    def __repr__(self) -> str:
        return f"Markup({str(self)!r})"

    def __add__(self, other: str) -> Markup:
        return Markup(str.__add__(self, escape(other)))

    def __radd__(self, other: str) -> Markup:
        return Markup(str.__add__(escape(other), self))

    def _repr_html_(self) -> str:
        from headrace.viz.pages import embed

        return embed(self)


def escape(value: Any) -> Markup:
    """Return a value as markup: markup as it is, None as nothing, all else as escaped text.

    Characters that XML does not allow become U+FFFD.

    >>> escape("<a>")
    Markup('&lt;a&gt;')
    """
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup()
    return Markup(html.escape(_UNPRINTABLE.sub("\ufffd", str(value)), quote=True))


def join(parts: Iterable[Any], separator: str = "") -> Markup:
    """Return the parts one after another, each escaped unless it is markup.

    >>> join(["a", Markup("<br>"), "<"])
    Markup('a<br>&lt;')
    """
    return Markup(str(escape(separator)).join(str(escape(part)) for part in parts))


def tag(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """Return one element.

    Parameters
    ----------
    name
        The element's name.
    children
        Markup, text (escaped), None (left out), or lists of these.
    attributes
        ``class_`` becomes ``class`` and ``aria_label`` becomes ``aria-label``. None and False leave the attribute
        out, True writes it empty, floats are rounded to hundredths.

    >>> tag("a", "R & D", href="?q=1&r=2", class_="x")
    Markup('<a href="?q=1&amp;r=2" class="x">R &amp; D</a>')
    """
    pieces = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        if value is True:
            pieces.append(f' {attribute}=""')
        else:
            text = coordinate(value) if isinstance(value, float) else escape(str(value) if value == "" else value)
            pieces.append(f' {attribute}="{text}"')
    if name in _VOID:
        return Markup("".join(pieces) + ">")
    pieces.append(">")
    pieces.extend(str(_child(child)) for child in children)
    pieces.append(f"</{name}>")
    return Markup("".join(pieces))


def _child(child: Any) -> Markup:
    return join(map(_child, child)) if isinstance(child, (list, tuple)) else escape(child)


def coordinate(value: float) -> str:
    """Return a number for an SVG attribute: at most two decimals, and 0 where there is no number."""
    if not math.isfinite(value):
        return "0"
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
