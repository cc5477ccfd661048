"""Parquet files as a source: the description only; ``parquet_files`` reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.data.files import PathLike, resolve_files
from headrace.data.spans import spans_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.data.dataset import Dataset
    from headrace.data.spans import Rolling, SpanSelection

__all__ = ["ParquetSource", "parquet"]


@dataclass(frozen=True)
class ParquetSource:
    """Parquet files; made by `parquet`."""

    paths: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    spans: SpanSelection = None

    def files(self) -> tuple[Path, ...]:
        """Return the files that are there now; a folder stands for the Parquet files in it."""
        found: list[Path] = []
        for path in self.paths:
            names = sorted(Path(path).glob("*.parquet")) if Path(path).is_dir() else []
            found += names or resolve_files([path], self.spans)
        return tuple(found)

    def dataset(self) -> Dataset:
        """Open the data: reads the footers only.

        Raises
        ------
        DataError
            If a file is absent or not Parquet, files disagree, or a column is of a type that cannot be used.
        """
        from headrace.data.memory import normalise_dataset
        from headrace.data.parquet_files import open_parquet

        dataset = open_parquet(self.files())
        if self.columns is not None:
            dataset = dataset.select(self.columns)
        return normalise_dataset(dataset)

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        """Return the identity of the files' bytes, their names and all options."""
        files = [[path.name, digest_file(path)] for path in self.files()]
        return json.dumps({"source": "parquet", "files": files, "columns": self.columns})


def parquet(
    path: PathLike | Sequence[PathLike],
    *,
    columns: Sequence[str] | None = None,
    spans: tuple[int, int] | Rolling | None = None,
) -> ParquetSource:
    """Describe Parquet files.

    Parameters
    ----------
    path
        A file, a folder, a glob, a pattern with ``{SPAN}``, or a list of them.
    columns
        Read only these.
    spans
        First and last span, both included, of a ``{SPAN}`` pattern, or ``hr.rolling(…)``; the newest span when None.
    """
    paths = [path] if isinstance(path, (str, Path)) else list(path)
    return ParquetSource(
        tuple(str(item) for item in paths),
        None if columns is None else tuple(columns),
        spans_option(spans),
    )
