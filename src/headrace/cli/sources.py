"""Options that describe data on the command line."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.data import Source

__all__ = ["source_options"]

_OPTIONS = [
    click.argument("path"),
    click.option("--names", metavar="A,B,…", help="Column names of CSV files without a head."),
    click.option("--separator", help="Of CSV files  [default: ',', for .tsv a tab]."),
    click.option("--null", "nulls", multiple=True, metavar="TEXT", help="What stands for a missing value; may be repeated."),
    click.option("--strip", is_flag=True, help="Take white space off both ends of strings."),
    click.option("--comment", metavar="CHAR", help="Lines that begin with it are left out."),
    click.option("--skip-rows", type=click.IntRange(min=0), default=0, help="Lines to leave out at the top."),
    click.option("--encoding", default="utf-8", show_default=True, help="Of CSV files."),
]


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument PATH and the options of CSV files; it receives one ``source``."""

    @functools.wraps(command)
    def with_source(path: str, **options: Any) -> Any:
        described = {name: options.pop(name) for name in _NAMES}
        return command(source=_source(path, **described), **options)

    for option in reversed(_OPTIONS):
        with_source = option(with_source)
    return with_source


_NAMES = ("names", "separator", "nulls", "strip", "comment", "skip_rows", "encoding")


def _source(
    path: str,
    *,
    names: str | None,
    separator: str | None,
    nulls: tuple[str, ...],
    strip: bool,
    comment: str | None,
    skip_rows: int,
    encoding: str,
) -> Source:
    from headrace.data import as_source, csv

    said = names or separator or nulls or strip or comment or skip_rows or encoding != "utf-8"
    if not said:
        return as_source(path)
    tabs = ".tsv" in path
    return csv(
        path,
        names=[name.strip() for name in names.split(",")] if names else None,
        separator=separator.replace("\\t", "\t") if separator else "\t" if tabs else ",",
        null_values=nulls or ("",),
        strip=strip,
        comment=comment,
        skip_rows=skip_rows,
        encoding=encoding,
    )
