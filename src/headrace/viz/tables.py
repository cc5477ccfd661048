"""Tables that can be sorted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from headrace.viz.format import ABSENT, number
from headrace.viz.html import Markup, escape, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Cell", "Column", "table"]

# A table of so few columns is as wide as what it says; wider ones fill the page.
_FEW = 4


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    title
        The head.
    kind
        ``"number"`` stands to the right, in digits of one width; ``"text"`` and ``"markup"`` to the left.
    format
        How a value that is not markup is written; numbers by `headrace.viz.number` where it is not given.
    help
        Shown when the pointer rests on the head.
    """

    title: str
    kind: Literal["text", "number", "markup"] = "text"
    format: Callable[[Any], Any] | None = None
    help: str | None = None


@dataclass(frozen=True)
class Cell:
    """A cell that shows one thing and sorts by another.

    Parameters
    ----------
    content
        Markup or text.
    sort
        A number or a text; None sorts last.
    kind
        ``"good"``, ``"bad"``, ``"warn"`` or ``"muted"`` tints the cell.
    """

    content: Any
    sort: float | str | None = None
    kind: Literal["", "good", "bad", "warn", "muted"] = ""


def _cell(column: Column, value: Any) -> Markup:
    classes = ["hr-num"] if column.kind == "number" else []
    shown, key = value, value
    if isinstance(value, Cell):
        shown, key = value.content, value.sort
        if value.kind:
            classes.append(f"hr-{value.kind}")
    if not isinstance(shown, Markup):
        if column.format is not None:
            shown = column.format(shown)
        elif shown is None:
            shown = ABSENT
        elif isinstance(shown, (int, float)) and not isinstance(shown, bool):
            shown = number(shown)
    order: str | None = None
    if isinstance(key, (bool, int, float)) and math.isfinite(key):
        order = repr(float(key))
    elif isinstance(key, str) and not isinstance(key, Markup) and isinstance(value, Cell):
        order = key
    elif column.kind == "number":
        order = ""
    attributes = {"data_sort": order} if order is not None else {}
    return tag("td", escape(shown), class_=" ".join(classes) or None, **attributes)


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    *,
    sortable: bool = True,
    caption: str = "",
    empty: str = "nothing to show",
) -> Markup:
    """Return a table: numbers to the right, a head that stays in sight, rows that sort by a click on a head.

    Without a script it is a plain table in the order given.

    Parameters
    ----------
    columns
        Titles and kinds.
    rows
        As many cells each as there are columns: plain values, markup, or `Cell`.
    sortable
        Whether heads are buttons.
    caption
        What the table holds, for screen readers and above it.
    empty
        What to say where there are no rows.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are columns.
    """
    columns = [column if isinstance(column, Column) else Column(str(column)) for column in columns]
    heads = []
    for column in columns:
        head: Any = column.title
        if sortable and len(rows) > 1 and column.title:
            head = tag("button", column.title, tag("span", class_="hr-arrow", aria_hidden="true"), type="button")
        heads.append(
            tag("th", head, scope="col", title=column.help, class_="hr-num" if column.kind == "number" else None)
        )
    body = []
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row has as many cells as the table has columns; got {len(row)} for {len(columns)}")
        body.append(tag("tr", [_cell(column, value) for column, value in zip(columns, row, strict=True)]))
    if not rows:
        body.append(tag("tr", tag("td", empty, colspan=len(columns), class_="hr-muted")))
    content = tag(
        "table",
        tag("caption", caption) if caption else None,
        tag("thead", tag("tr", heads)),
        tag("tbody", body),
        class_="hr-table" + (" hr-sortable" if sortable else "") + (" hr-few" if len(columns) <= _FEW else ""),
    )
    return tag("div", content, class_="hr-scroll", tabindex="0", role="region", aria_label=caption or "table")
