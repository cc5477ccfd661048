"""Avro files as a source: the description only; ``avro_files`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headrace.data.file_source import FileSource, describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.data.dataset import Dataset
    from headrace.data.files import PathLike

__all__ = ["AvroSource", "avro"]


@dataclass(frozen=True)
class AvroSource(FileSource):
    """Avro files; made by `avro`."""

    kind: ClassVar[str] = "avro"

    def _open(self) -> Dataset:
        from headrace.data.avro_files import open_avro

        return open_avro(self.files())


def avro(
    path: PathLike | Sequence[PathLike],
    *,
    columns: Sequence[str] | None = None,
    spans: tuple[int, int] | None = None,
) -> AvroSource:
    """Describe Avro object container files; their blocks are read in parallel. Needs the extra ``avro``.

    A union with null is its other type, where that may be missing. Unions of numbers are ``float64``, other unions
    strings, in which values that are no texts are JSON. Enumerations and UUIDs are strings, decimals ``float64``. A
    block that cannot be decoded is set aside with all its rows, and reading goes on behind the next sync marker.

    Parameters
    ----------
    path
        A file, a URL, a glob, a pattern with ``{SPAN}``, or a list of them. All files have the same columns.
    columns
        Read only these, in this order.
    spans
        First and last span, both included, of a ``{SPAN}`` pattern; the newest span when None.
    """
    return describe(AvroSource, path, columns, spans)
