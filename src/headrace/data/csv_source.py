"""CSV files as a source: the description only; ``csv_dataset`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.data.files import PathLike, compression_of, file_paths, fingerprint_of, resolve_files
from headrace.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.data.dataset import Dataset
    from headrace.data.filesystem import File

__all__ = ["CSV_TYPES", "CsvSource", "csv"]

CSV_TYPES = {
    "int64": "int64",
    "int": "int64",
    "float64": "float64",
    "float": "float64",
    "double": "float64",
    "string": "string",
    "str": "string",
    "bool": "bool",
    "timestamp": "timestamp",
    "timestamp[us]": "timestamp",
    "date32": "date32",
    "date32[day]": "date32",
    "date": "date32",
}


@dataclass(frozen=True)
class CsvSource:
    """CSV files and how to read them; made by `csv`."""

    paths: tuple[str, ...]
    names: tuple[str, ...] | None = None
    separator: str = ","
    quote: str | None = '"'
    null_values: tuple[str, ...] = ("",)
    comment: str | None = None
    skip_rows: int = 0
    encoding: str = "utf-8"
    types: tuple[tuple[str, str], ...] = ()
    strip: bool = False
    compression: str | None = "infer"
    spans: tuple[int, int] | None = None

    def files(self) -> tuple[File, ...]:
        """Return the files that are there now."""
        return resolve_files(self.paths, self.spans)

    def dataset(self) -> Dataset:
        """Find the types of the columns by reading everything once, and open the data.

        Raises
        ------
        DataError
            If a file is absent or cannot be read as a table at all.
        """
        from headrace.data.csv_dataset import open_csv

        return open_csv(self)

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        """Return the identity of the files' bytes, their names and all options."""
        options = {
            name: getattr(self, name) for name in sorted(self.__dataclass_fields__) if name not in {"paths", "spans"}
        }
        return fingerprint_of("csv", self.files(), digest_file, options)


def csv(
    path: PathLike | Sequence[PathLike],
    *,
    names: Sequence[str] | None = None,
    separator: str = ",",
    quote: str | None = '"',
    null_values: Sequence[str] = ("",),
    comment: str | None = None,
    skip_rows: int = 0,
    encoding: str = "utf-8",
    types: Mapping[str, str] | None = None,
    strip: bool = False,
    compression: str | None = "infer",
    spans: tuple[int, int] | None = None,
) -> CsvSource:
    """Describe CSV files.

    Parameters
    ----------
    path
        A file, a URL, a glob, a pattern with ``{SPAN}``, or a list of them. Every file has the same columns.
    names
        The columns, for files without a header.
    separator
        One character. For files that write ``", "`` leave it at ``","`` and give ``strip=True``.
    quote
        The quoting character; twice means itself. None where quotes are ordinary characters.
    null_values
        Texts that mean missing, compared after stripping.
    comment
        Lines that begin with this character are skipped. Blank lines always are.
    skip_rows
        Lines to skip at the top of each file, before the header.
    encoding
        Any that Python knows.
    types
        Types of columns that are not to be found out: int64, float64, string, bool, timestamp, date32.
    strip
        Remove whitespace around every value.
    compression
        gzip, bz2, zstd, zip, None, or "infer": by the suffix.
    spans
        First and last span, both included, of a ``{SPAN}`` pattern; the newest span when None.

    Examples
    --------
    >>> csv("adult.data", names=["age", "workclass"], strip=True, null_values=["?"]).names
    ('age', 'workclass')
    """
    for option, value in (("separator", separator), ("quote", quote), ("comment", comment)):
        if value is not None and (len(value) != 1 or not value.isascii() or value in "\r\n"):
            fix = "For files that write ', ' give separator=',' and strip=True" if value.strip() == "," else None
            raise UsageError(f"{option} is one ASCII character", got=value, fix=fix)
    if separator in {quote, comment}:
        raise UsageError("separator, quote and comment must differ", got=separator)
    if isinstance(null_values, str):
        raise UsageError("null_values is a list of texts", got=null_values, fix=f"Write null_values=[{null_values!r}]")
    if skip_rows < 0:
        raise UsageError("skip_rows is a number of lines", got=skip_rows)
    known = {}
    for name, kind in (types or {}).items():
        if kind not in CSV_TYPES:
            raise UsageError(f"The type of {name!r} is unknown", got=kind, fix=did_you_mean(str(kind), CSV_TYPES))
        known[name] = CSV_TYPES[kind]
    compression_of(Path(), compression)
    if names is not None:
        if isinstance(names, str):
            raise UsageError("names is a list of columns", got=names)
        twice = sorted({name for name in names if list(names).count(name) > 1})
        if twice or not all(names) or not names:
            raise UsageError("names are distinct and not empty", got=twice or list(names))
        for name in known:
            if name not in names:
                raise UsageError("types name a column that is not in names", got=name, fix=did_you_mean(name, names))
    return CsvSource(
        paths=file_paths(path),
        names=None if names is None else tuple(names),
        separator=separator,
        quote=quote,
        null_values=tuple(null_values),
        comment=comment,
        skip_rows=skip_rows,
        encoding=encoding,
        types=tuple(sorted(known.items())),
        strip=strip,
        compression=compression,
        spans=None if spans is None else (int(spans[0]), int(spans[1])),
    )
