"""What a source of data is, and the rows that it could not read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from headrace.data.dataset import Dataset

__all__ = ["ReportingShard", "Source", "Unreadable"]


@runtime_checkable
class Source(Protocol):
    """Describes data and reads nothing before it is opened; small and picklable."""

    def dataset(self) -> Dataset:
        """Open the data.

        Raises
        ------
        DataError
            If the data is absent or cannot be read; the message names the file, and the row and column where it can.
        """
        ...

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        """Return the identity of the content and of all options.

        Parameters
        ----------
        digest_file
            Returns the digest of a file's bytes; the caller may remember digests.
        """
        ...


@dataclass(frozen=True)
class Unreadable:
    """One row that could not be read.

    Parameters
    ----------
    file
        The file it is in.
    row
        The line it begins on, or where a file has no lines its number among the rows, counted from 1.
    reason
        Why, as a sentence.
    text
        The row as it stands in the file, cut after 1,000 characters.
    """

    file: str
    row: int
    reason: str
    text: str | None = None

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.reason}"


@runtime_checkable
class ReportingShard(Protocol):
    """A shard that may hold rows that cannot be read, and says which."""

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield what ``read(columns)`` yields, and hand every row that is left out to ``report``."""
        ...
