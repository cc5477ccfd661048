"""JSON files as a source: the description only; ``json_dataset`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.data.csv_source import CSV_TYPES
from headrace.data.files import PathLike, compression_of, file_paths, fingerprint_of, is_utf8, resolve_files
from headrace.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.data.dataset import Dataset
    from headrace.data.filesystem import File

__all__ = ["JsonSource", "json_lines"]


@dataclass(frozen=True)
class JsonSource:
    """JSON files and how to read them; made by `json_lines`."""

    paths: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    types: tuple[tuple[str, str], ...] = ()
    compression: str | None = "infer"
    encoding: str = "utf-8"
    spans: tuple[int, int] | None = None

    def files(self) -> tuple[File, ...]:
        """Return the files that are there now."""
        return resolve_files(self.paths, self.spans)

    def dataset(self) -> Dataset:
        """Find the columns and their types by reading everything once, and open the data.

        Raises
        ------
        DataError
            If a file is absent, or no line of the files is a JSON object.
        """
        from headrace.data.json_dataset import open_json

        return open_json(self)

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        """Return the identity of the files' bytes, their names and all options."""
        options = {
            name: getattr(self, name) for name in sorted(self.__dataclass_fields__) if name not in {"paths", "spans"}
        }
        return fingerprint_of("json", self.files(), digest_file, options)


def json_lines(
    path: PathLike | Sequence[PathLike],
    *,
    columns: Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    compression: str | None = "infer",
    encoding: str = "utf-8",
    spans: tuple[int, int] | None = None,
) -> JsonSource:
    """Describe JSON files: one object a line, or one array of objects.

    Types are found out from all rows. Whole numbers become ``int64``, or ``float64`` where others have fractions;
    arrays become lists and objects structs, at any depth; a column whose texts are all dates or times becomes
    ``date32`` or ``timestamp``. A column has the type that at least 95 % of its values have, and rows with another
    value are set aside; where no type has so many, it is a string, and values that are no texts are in it as JSON.
    A key that is absent is null.

    Parameters
    ----------
    path
        A file, a URL, a glob, a pattern with ``{SPAN}``, or a list of them.
    columns
        Read only these keys, in this order. What the others hold does not matter then.
    types
        Types of columns that are not to be found out: int64, float64, string, bool, timestamp, date32. Texts are read
        as the type too; in a string, whatever is no text is kept as JSON.
    compression
        gzip, bz2, zstd, zip, None, or "infer": by the suffix.
    encoding
        Any that Python knows.
    spans
        First and last span, both included, of a ``{SPAN}`` pattern; the newest span when None.

    Examples
    --------
    >>> json_lines("people.jsonl", types={"zip": "string"}).types
    (('zip', 'string'),)
    """
    known = {}
    for name, kind in (types or {}).items():
        if kind not in CSV_TYPES:
            raise UsageError(f"The type of {name!r} is unknown", got=kind, fix=did_you_mean(str(kind), CSV_TYPES))
        known[name] = CSV_TYPES[kind]
    compression_of(Path(), compression)
    is_utf8(encoding)
    if columns is not None:
        if isinstance(columns, str) or not columns or len(set(columns)) < len(columns):
            raise UsageError("columns is a list of distinct names", got=columns)
        for name in known:
            if name not in columns:
                raise UsageError("types name a column that is not read", got=name, fix=did_you_mean(name, columns))
    return JsonSource(
        paths=file_paths(path),
        columns=None if columns is None else tuple(columns),
        types=tuple(sorted(known.items())),
        compression=compression,
        encoding=encoding,
        spans=None if spans is None else (int(spans[0]), int(spans[1])),
    )
