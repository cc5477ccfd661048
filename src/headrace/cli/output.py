"""What commands print: text for people, JSON for machines, errors on standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.errors import HeadraceError

__all__ = ["ago", "emit", "fail", "home_option", "json_option", "seconds", "table"]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
home_option = click.option(
    "--home", metavar="DIR", help="Where runs, artifacts and models are kept [default: .headrace, or HEADRACE_HOME]."
)


def emit(value: Any, text: str | Callable[[], str], *, as_json: bool) -> None:
    """Print a result: the value as JSON, or the text."""
    if as_json:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
    else:
        click.echo(text if isinstance(text, str) else text())


def fail(error: HeadraceError, *, as_json: bool) -> NoReturn:
    """Print an error and leave with its exit code."""
    if as_json:
        described = {"kind": type(error).__name__, "rule": error.rule, "got": error.got, "where": error.where}
        click.echo(json.dumps({"error": described | {"fix": error.fix, "message": str(error)}}, default=str))
    else:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
    sys.exit(error.exit_code)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[int] = ()) -> str:
    """Lay out rows under a head; columns numbered in ``right`` are aligned on the right.

    >>> print(table(["name", "rows"], [["train", 10], ["test", 5]], right=[1]))
    name   rows
    train    10
    test      5
    """
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = []
    for row in cells:
        laid = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(laid).rstrip())
    return "\n".join(lines)


def seconds(value: float | None) -> str:
    """Write a duration.

    >>> seconds(0.0123), seconds(4.2), seconds(125)
    ('12 ms', '4.2 s', '2 min 5 s')
    """
    if value is None:
        return "–"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 100:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def ago(then: float, now: float) -> str:
    """Write how long ago something was (both in seconds since the epoch).

    >>> ago(0, 30), ago(0, 7200), ago(0, 200000)
    ('30 s ago', '2 h ago', '2 d ago')
    """
    gone = max(0, int(now - then))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if gone >= size:
            return f"{gone // size} {unit} ago"
    return f"{gone} s ago"
