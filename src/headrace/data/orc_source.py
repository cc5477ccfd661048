"""ORC files as a source: the description only; ``orc_files`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headrace.data.file_source import FileSource, describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.data.dataset import Dataset
    from headrace.data.files import PathLike
    from headrace.data.spans import Rolling

__all__ = ["OrcSource", "orc"]


@dataclass(frozen=True)
class OrcSource(FileSource):
    """ORC files; made by `orc`."""

    kind: ClassVar[str] = "orc"

    def _open(self) -> Dataset:
        from headrace.data.orc_files import open_orc

        return open_orc(self.files())


def orc(
    path: PathLike | Sequence[PathLike],
    *,
    columns: Sequence[str] | None = None,
    spans: tuple[int, int] | Rolling | None = None,
) -> OrcSource:
    """Describe ORC files; their stripes are read in parallel.

    The format has no checksums, and Arrow's reader trusts what a file says of itself: one that was damaged may give
    other values, or end the process.

    Parameters
    ----------
    path
        A file, a URL, a glob, a pattern with ``{SPAN}``, or a list of them. All files have the same columns.
    columns
        Read only these, in this order.
    spans
        First and last span, both included, of a ``{SPAN}`` pattern, or ``hr.rolling(…)``; the newest span when None.
    """
    return describe(OrcSource, path, columns, spans)
