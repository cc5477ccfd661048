"""Parquet files as a source: the description only; ``parquet_files`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.data.files import PathLike, file_paths, fingerprint_of, resolve_files
from headrace.data.filesystem import File, file_at, list_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace.data.dataset import Dataset

__all__ = ["ParquetSource", "parquet"]


@dataclass(frozen=True)
class ParquetSource:
    """Parquet files; made by `parquet`."""

    paths: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    spans: tuple[int, int] | None = None

    def files(self) -> tuple[File, ...]:
        """Return the files that are there now; a folder stands for the Parquet files in it."""
        found: list[File] = []
        for path in self.paths:
            inside = list_folder(path, ".parquet")
            found += [file_at(name) for name in inside] if inside else resolve_files([path], self.spans)
        return tuple(found)

    def dataset(self) -> Dataset:
        """Open the data: reads the footers only.

        Raises
        ------
        DataError
            If a file is absent or not Parquet, files disagree, or a column is of a type that cannot be used.
        """
        from headrace.data.normal_types import normalise_dataset
        from headrace.data.parquet_files import open_parquet

        dataset = open_parquet(self.files())
        if self.columns is not None:
            dataset = dataset.select(self.columns)
        return normalise_dataset(dataset)

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        """Return the identity of the files' bytes, their names and all options."""
        return fingerprint_of("parquet", self.files(), digest_file, {"columns": self.columns})


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
    return ParquetSource(
        file_paths(path),
        None if columns is None else tuple(columns),
        None if spans is None else (int(spans[0]), int(spans[1])),
    )
