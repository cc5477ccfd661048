"""What commands print: text for people, JSON for machines, errors on standard error."""

from __future__ import annotations

import contextlib
import inspect
import json
import math
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import click

from headrace.data import HeaderWarning, RowsSetAsideWarning
from headrace.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.errors import HeadraceError

__all__ = [
    "SPOOLED",
    "Command",
    "Commands",
    "ago",
    "emit",
    "fail",
    "home_option",
    "json_option",
    "rows_left_out_on_stderr",
    "seconds",
    "table",
    "to_json",
]

# How the folders begin in which standard input is kept while a command runs.
SPOOLED = "headrace-stdin-"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
home_option = click.option(
    "--home", metavar="DIR", help="Where runs, artifacts and models are kept [default: .headrace, or HEADRACE_HOME]."
)


def _verbatim(text: str | None) -> str | None:
    """Mark the lines of examples, so that click leaves them as they are."""
    return text and re.sub(r"^[^\n]+:$(?=\n {2})", "\b\n\\g<0>", inspect.cleandoc(text), flags=re.MULTILINE)


class Command(click.Command):
    """A command whose help ends in examples: indented lines after a line that ends in a colon."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.help = _verbatim(self.help)


class Commands(click.Group):
    """A group of such commands, that names the nearest one where it has none of that name."""

    command_class = Command

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.help = _verbatim(self.help)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with."""
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            raise UsageError("A command that exists is wanted", got=args[0], fix=did_you_mean(args[0], known))
        return super().resolve_command(ctx, args)


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Write a value as JSON, with null for numbers that JSON does not have.

    >>> to_json({"mean": float("nan"), "rows": 2})
    '{"mean": null, "rows": 2}'
    """
    return json.dumps(_finite(value), indent=indent, ensure_ascii=False, default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def emit(value: Any, text: str | Callable[[], str], *, as_json: bool) -> None:
    """Print a result: the value as JSON, or the text."""
    if as_json:
        click.echo(to_json(value, indent=2))
    else:
        click.echo(text if isinstance(text, str) else text())


@contextlib.contextmanager
def rows_left_out_on_stderr() -> Iterator[None]:
    """Print what a library warns of data as one line on standard error, without a place in code."""
    plain = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
        if category in {HeaderWarning, RowsSetAsideWarning}:
            said = str(message).replace("name it in null_values", "name it with --null")
            said = _readable(said.replace("give names=[…]", "give --names"))
            click.echo(f"{click.style('warning:', fg='yellow', bold=True)} {said}", err=True)
        else:
            plain(message, category, *place, **options)

    with warnings.catch_warnings():
        warnings.simplefilter("always", RowsSetAsideWarning)
        warnings.simplefilter("default", HeaderWarning)
        warnings.showwarning = show
        yield


def _readable(text: str) -> str:
    """Return a message with "standard input" for the file in which it is kept."""
    return re.sub(rf"[^\s(]*[/\\]{SPOOLED}\w+[/\\]stdin\.\w+", "standard input", text)


def fail(error: HeadraceError | click.ClickException | OSError, *, as_json: bool) -> NoReturn:
    """Print an error and leave with its exit code: 2 for what click refuses, 1 for what the system does."""
    if isinstance(error, click.ClickException):
        kind, message, code = "UsageError", error.format_message(), 2
        context = getattr(error, "ctx", None)
        parts: dict[str, Any] = {"fix": None if context is None else f"See {context.command_path} --help"}
        text = message if parts["fix"] is None else f"{message} {parts['fix']}."
    elif isinstance(error, OSError):
        kind, message, code = type(error).__name__, error.strerror or str(error), 1
        text = message if error.filename is None else f"{message}: {error.filename}"
        parts = {"where": error.filename}
    else:
        kind, message, code = type(error).__name__, error.rule, error.exit_code
        text = str(error)
        parts = {"got": error.got, "where": error.where, "fix": error.fix}
    text = _readable(text)
    if as_json:
        described = {"kind": kind, "rule": message, "got": None, "where": None, "fix": None} | parts
        click.echo(to_json({"error": described | {"message": text}}))
    else:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {text}", err=True)
    sys.exit(code)


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
        return "-"
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
