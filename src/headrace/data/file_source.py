"""What sources of files that carry their own types have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from headrace.data.files import PathLike, file_paths, fingerprint_of, resolve_files
from headrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace.data.dataset import Dataset
    from headrace.data.filesystem import File

__all__ = ["FileSource", "describe"]


@dataclass(frozen=True)
class FileSource(ABC):
    """Files of one format.

    Parameters
    ----------
    paths
        Files, URLs, globs and patterns with ``{SPAN}``.
    columns
        The columns to read, in this order; all when None.
    spans
        First and last span, both included.
    """

    kind: ClassVar[str]

    paths: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    spans: tuple[int, int] | None = None

    def files(self) -> tuple[File, ...]:
        """Return the files that are there now."""
        return resolve_files(self.paths, self.spans)

    @abstractmethod
    def _open(self) -> Dataset:
        """Open all columns of the files, with the types that they have there."""

    def dataset(self) -> Dataset:
        """Open the data.

        Raises
        ------
        DataError
            If a file is absent or of another format, files disagree, or a column is of a type that cannot be used.
        """
        from headrace.data.normal_types import normalise_dataset

        dataset = self._open()
        return normalise_dataset(dataset if self.columns is None else dataset.select(self.columns))

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        """Return the identity of the files' bytes, their names and all options."""
        return fingerprint_of(self.kind, self.files(), digest_file, {"columns": self.columns})


S = TypeVar("S", bound=FileSource)


def describe(
    source: type[S],
    path: PathLike | Sequence[PathLike],
    columns: Sequence[str] | None,
    spans: tuple[int, int] | None,
) -> S:
    """Return a source of files."""
    if isinstance(columns, str) or (columns is not None and len(set(columns)) < len(columns)):
        raise UsageError("columns is a list of distinct names", got=columns)
    return source(
        file_paths(path),
        None if columns is None else tuple(columns),
        None if spans is None else (int(spans[0]), int(spans[1])),
    )
