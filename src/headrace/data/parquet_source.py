"""Parquet files as a source: the description only; ``parquet_files`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headrace.data.file_source import FileSource, describe
from headrace.data.files import PathLike, resolve_files
from headrace.data.filesystem import File, file_at, list_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.data.dataset import Dataset

__all__ = ["ParquetSource", "parquet"]


@dataclass(frozen=True)
class ParquetSource(FileSource):
    """Parquet files; made by `parquet`."""

    kind: ClassVar[str] = "parquet"

    def files(self) -> tuple[File, ...]:
        """Return the files that are there now; a folder stands for the Parquet files in it."""
        found: list[File] = []
        for path in self.paths:
            inside = list_folder(path, ".parquet")
            found += [file_at(name) for name in inside] if inside else resolve_files([path], self.spans)
        return tuple(found)

    def _open(self) -> Dataset:
        from headrace.data.parquet_files import open_parquet

        return open_parquet(self.files())


def parquet(
    path: PathLike | Sequence[PathLike],
    *,
    columns: Sequence[str] | None = None,
    spans: tuple[int, int] | None = None,
) -> ParquetSource:
    """Describe Parquet files.

    Parameters
    ----------
    path
        A file, a folder, a URL, a glob, a pattern with ``{SPAN}``, or a list of them.
    columns
        Read only these.
    spans
        First and last span, both included, of a ``{SPAN}`` pattern; the newest span when None.
    """
    return describe(ParquetSource, path, columns, spans)
