"""Record batches that cost much to make, kept on disk for the next reading."""

from __future__ import annotations

import mmap
import shutil
import tempfile
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from headrace.data.filesystem import file_at

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Keeper", "Kept", "Piece", "stamp_of"]

# No more than this much goes to disk, nor more than this share of what is free there.
DISK_BYTES = 1 << 30
_FREE_SHARE = 0.25


@dataclass(frozen=True)
class Piece:
    """Where in a keeper's file a batch is."""

    start: int
    size: int


class Keeper:
    """Writes batches to a file without a name, which goes when nobody holds the keeper, or with the process.

    Threads may use it at once. Pickled, it keeps nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end = 0
        try:
            free = shutil.disk_usage(tempfile.gettempdir()).free
            self._file = tempfile.TemporaryFile(prefix="headrace-")  # noqa: SIM115 it lives as long as the keeper
        except OSError:
            # Where nothing may be written, nothing is kept.
            self._most = 0
        else:
            self._most = min(DISK_BYTES, int(free * _FREE_SHARE))
            weakref.finalize(self, _close, self._file)

    def add(self, batch: pa.RecordBatch) -> Piece | None:
        """Write a batch, if there is room for it."""
        with self._lock:
            # Mapping into memory begins at a page.
            start = -(-self._end // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
            if not self._most or start + batch.nbytes > self._most:
                return None
            try:
                self._file.seek(start)
                with pa.ipc.new_stream(pa.PythonFile(self._file, "w"), batch.schema) as writer:
                    writer.write_batch(batch)
                self._file.flush()
            except OSError:
                # A full disk is no error here: what is not kept is read again.
                self._most = 0
                return None
            self._end = self._file.tell()
            return Piece(start, self._end - start)

    def read(self, piece: Piece) -> pa.RecordBatch:
        """Return a batch; its bytes stay on disk until they are looked at."""
        content = mmap.mmap(self._file.fileno(), piece.size, offset=piece.start, access=mmap.ACCESS_READ)
        with pa.ipc.open_stream(pa.py_buffer(content)) as reader:
            return reader.read_next_batch()

    def __reduce__(self) -> tuple[type[_Nothing], tuple[()]]:
        return _Nothing, ()


def _close(file: IO[bytes]) -> None:
    # What a full disk has not taken cannot be flushed, nor need it be.
    with suppress(OSError):
        file.close()


class _Nothing:
    """What is left of a keeper in another process."""


@dataclass(frozen=True)
class Kept:
    """What a keeper has of the rows of a file.

    Parameters
    ----------
    keeper
        The keeper.
    pieces
        Where, in the order of the rows.
    stamp
        Of the file when it was read.
    """

    keeper: Keeper | _Nothing
    pieces: tuple[Piece, ...]
    stamp: tuple[int, ...]

    def batches(self, path: str) -> Iterator[pa.RecordBatch] | None:
        """Return the batches; None in another process than that which keeps them, or if the file has changed."""
        keeper = self.keeper
        if isinstance(keeper, _Nothing) or stamp_of(path) != self.stamp:
            return None
        return (keeper.read(piece) for piece in self.pieces)


def stamp_of(path: str) -> tuple[int, ...] | None:
    """Return inode, size and times of change of a file; None where it is not on this machine's disks."""
    file = file_at(path)
    if not isinstance(file, Path):
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    # Whoever writes may set the one time, but not the other.
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
