"""The words of text columns, kept on disk so that several passes over the same data split the texts once."""

from __future__ import annotations

import shutil
import tempfile
import threading
import uuid
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["WordStore", "WordWriter"]

# So much goes to disk at most where the words serve one analysis.
TEMPORARY_BYTES = 1 << 30
_FREE_SHARE = 0.25


class WordStore:
    """Columns of words by name, each in an Arrow stream of its own.

    Threads and processes may use it at once. Nothing in it is needed: what is not there, or cannot be written, is made
    anew.

    Parameters
    ----------
    directory
        A folder, made where it is absent.
    compression
        "lz4" where files are to stay; None where they are read in a moment.
    most
        How many bytes may be written.
    """

    def __init__(
        self, directory: str | os.PathLike[str], *, compression: str | None = "lz4", most: int | None = None
    ) -> None:
        self.directory = Path(directory)
        self._compression = compression
        self._most = most
        self._written = 0
        self._lock = threading.Lock()

    @classmethod
    def temporary(cls) -> WordStore:
        """Return a store of which the files go when nobody holds it, or with the process."""
        try:
            folder = tempfile.mkdtemp(prefix="headrace-")
            free = shutil.disk_usage(folder).free
        except OSError:
            # Where nothing may be written, nothing is kept.
            return cls(Path(tempfile.gettempdir()) / "headrace-nowhere", most=0)
        made = cls(folder, compression=None, most=min(TEMPORARY_BYTES, int(free * _FREE_SHARE)))
        weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
        return made

    def read(self, name: str) -> Iterator[pa.Array] | None:
        """Return a column, batch by batch; None where it is not there."""
        try:
            source = pa.memory_map(str(self._path(name)))
            reader = pa.ipc.open_stream(source)
        except (OSError, pa.ArrowInvalid):
            return None
        return (batch.column(0) for batch in reader)

    def writer(self, name: str) -> WordWriter:
        """Return what writes a column, which is there once the writer is closed."""
        return WordWriter(self, self._path(name))

    def _path(self, name: str) -> Path:
        return self.directory / name[:2] / f"{name}.words"

    def take_room(self, size: int) -> bool:
        """Say whether so many bytes more may be written, and count them."""
        with self._lock:
            if self._most is not None and self._written + size > self._most:
                return False
            self._written += size
            return True

    def open(self, path: Path, kind: pa.DataType) -> tuple[pa.NativeFile, pa.RecordBatchWriter]:
        """Open a file for a column."""
        path.parent.mkdir(parents=True, exist_ok=True)
        file = pa.OSFile(str(path), "wb")
        options = pa.ipc.IpcWriteOptions(compression=self._compression)
        return file, pa.ipc.new_stream(file, pa.schema([("words", kind)]), options=options)

    def __reduce__(self) -> tuple[type[WordStore], tuple[Path]]:
        return WordStore, (self.directory,)


class WordWriter:
    """Writes a column to a store. What fails for lack of room is given up without a word."""

    def __init__(self, store: WordStore, path: Path) -> None:
        self._store = store
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
        self._file: pa.NativeFile | None = None
        self._stream: pa.RecordBatchWriter | None = None
        self._given_up = False

    def write(self, column: pa.Array) -> None:
        """Write the next batch of the column."""
        if self._given_up:
            return
        if not self._store.take_room(column.nbytes):
            self.give_up()
            return
        try:
            if self._stream is None:
                self._file, self._stream = self._store.open(self._temporary, column.type)
            self._stream.write_batch(pa.RecordBatch.from_arrays([column], ["words"]))
        except OSError:
            self.give_up()

    def close(self) -> None:
        """Put the column in its place."""
        if self._stream is None:
            return
        try:
            self._shut()
            self._temporary.replace(self._path)
        except OSError:
            self.give_up()

    def give_up(self) -> None:
        """Leave nothing behind, unless it was closed before."""
        self._given_up = True
        with suppress(OSError):
            self._shut()
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def _shut(self) -> None:
        if self._stream is not None and self._file is not None:
            stream, file, self._stream, self._file = self._stream, self._file, None, None
            stream.close()
            file.close()
