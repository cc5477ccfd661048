"""Options that describe data on the command line."""

from __future__ import annotations

import atexit
import functools
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.output import SPOOLED
from headrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.data import Source

__all__ = ["Described", "source_options"]

_FORMATS = ("csv", "tsv", "jsonl", "json", "parquet", "arrow", "avro", "orc", "tfrecord")
_OPTIONS = [
    click.argument("path"),
    click.option(
        "--format", "kind", type=click.Choice(_FORMATS), help="Where the name does not say it  [default for -: csv]."
    ),
    click.option("--names", metavar="A,B,…", help="Column names of CSV files without a header."),
    click.option("--separator", metavar="CHAR", help="Of CSV files  [default: ',', for .tsv a tab]."),
    click.option("--null", "nulls", multiple=True, metavar="TEXT", help="Stands for a missing value; may be repeated."),
    click.option("--strip", is_flag=True, help="Take white space off both ends of strings."),
    click.option("--comment", metavar="CHAR", help="Lines that begin with it are left out."),
    click.option("--skip-rows", type=click.IntRange(min=0), default=0, help="Lines to leave out at the top."),
    click.option("--encoding", default="utf-8", show_default=True, help="Of CSV and JSON files."),
]


@dataclass(frozen=True)
class Described:
    """Data as the command line describes it: PATH (a file, a glob, a URL, or - for standard input), and its format."""

    path: str
    kind: str | None
    names: str | None
    separator: str | None
    nulls: tuple[str, ...]
    strip: bool
    comment: str | None
    skip_rows: int
    encoding: str

    def source(self, path: str | None = None) -> Source:
        """Return the source of PATH, or of another path that is described alike.

        Raises
        ------
        UsageError
            If options of CSV files are given for files of another kind.
        """
        from headrace.data import CsvSource, JsonSource, csv, json_lines

        place = self.path if path is None else path
        kind = self.kind
        if place == "-":
            kind = kind or "csv"
            place = _spooled(kind)
        said = self.names or self.separator or self.nulls or self.strip or self.comment or self.skip_rows
        if not said and self.encoding == "utf-8":
            return _source_of(place, kind)
        try:
            usual = _source_of(place, kind)
        except UsageError:
            # With options of CSV files, what the name does not say is CSV.
            usual = csv(place)
        if isinstance(usual, JsonSource) and not said:
            return json_lines(place, encoding=self.encoding)
        if not isinstance(usual, CsvSource):
            raise UsageError("The options of CSV files are for CSV files", got=place, fix="Leave them out")
        tab = "\t" if kind == "tsv" or (kind is None and ".tsv" in place) else ","
        return csv(
            place,
            names=[name.strip() for name in self.names.split(",")] if self.names else None,
            separator=self.separator.replace("\\t", "\t") if self.separator else tab,
            null_values=self.nulls or ("",),
            strip=self.strip,
            comment=self.comment,
            skip_rows=self.skip_rows,
            encoding=self.encoding,
        )


def _source_of(place: str, kind: str | None) -> Source:
    from headrace.data import as_source
    from headrace.data.memory import SUFFIXES

    if kind is not None:
        make: Callable[[list[str]], Source] = SUFFIXES[f".{kind}"]
        return make([place])
    try:
        return as_source(place)
    except UsageError as error:
        raise UsageError(error.rule, got=error.got, where=error.where, fix="Say it with --format") from error


@functools.cache
def _spooled(kind: str) -> str:
    """Keep standard input in a file until the command ends: data are read more than once."""
    folder = tempfile.mkdtemp(prefix=SPOOLED)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / f"stdin.{kind}"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return str(path)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument PATH and the options of CSV files; it receives them as one ``data``."""

    @functools.wraps(command)
    def with_data(**options: Any) -> Any:
        described = {name: options.pop(name) for name in Described.__dataclass_fields__}
        return command(data=Described(**described), **options)

    for option in reversed(_OPTIONS):
        with_data = option(with_data)
    return with_data
