"""Arrow IPC files as a source: the description only; ``arrow_files`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headrace.data.file_source import FileSource, describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.data.dataset import Dataset
    from headrace.data.files import PathLike

__all__ = ["ArrowSource", "arrow"]


@dataclass(frozen=True)
class ArrowSource(FileSource):
    """Arrow IPC files; made by `arrow`."""

    kind: ClassVar[str] = "arrow"

    def _open(self) -> Dataset:
        from headrace.data.arrow_files import open_arrow_files

        return open_arrow_files(self.files())


def arrow(
    path: PathLike | Sequence[PathLike],
    *,
    columns: Sequence[str] | None = None,
    spans: tuple[int, int] | None = None,
) -> ArrowSource:
    """Describe Arrow IPC files and streams, which Feather files (version 2) are as well.

    A file is read batch by batch, so memory in use is that of the largest batch in it.

    Parameters
    ----------
    path
        A file, a URL, a glob, a pattern with ``{SPAN}``, or a list of them. All files have the same columns.
    columns
        Read only these, in this order.
    spans
        First and last span, both included, of a ``{SPAN}`` pattern; the newest span when None.
    """
    return describe(ArrowSource, path, columns, spans)
