"""The words of text columns, kept so that several passes over the same data split the texts once."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from headrace.data.kept_batches import Keeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.data.kept_batches import Piece

__all__ = ["StoredWords", "TemporaryWords", "WordStore", "WordWriter", "note_use"]

_NAME = "words"
# Behind the stream; a file that was cut short does not end in it.
_END = b"headrace words"
_DAY = 86_400.0


def note_use(path: Path) -> None:
    """Let the time of a kept file say on which day it was used last."""
    # Of others than its owner's it cannot be said, and then whoever owns it sweeps it too early, no more.
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > _DAY:
            os.utime(path)


class WordWriter(Protocol):
    """Writes a column, which is there once it was closed."""

    def write(self, column: pa.Array) -> None:
        """Write the next batch."""
        ...

    def close(self) -> None:
        """Put the column in its place."""
        ...

    def give_up(self) -> None:
        """Leave nothing behind, unless it was closed before."""
        ...


class WordStore(Protocol):
    """Columns of words by name. Nothing in it is needed: what is not there, or cannot be written, is made anew."""

    def read(self, name: str) -> Iterator[pa.Array] | None:
        """Return a column, batch by batch; None where it is not there."""
        ...

    def writer(self, name: str) -> WordWriter:
        """Return what writes a column."""
        ...


class TemporaryWords:
    """Words on disk, up to 1 GB, that go when nobody holds the store, or with the process; threads may share it.

    Pickled, it keeps nothing.
    """

    def __init__(self) -> None:
        self._keeper = Keeper()
        self._columns: dict[str, list[Piece]] = {}

    def read(self, name: str) -> Iterator[pa.Array] | None:
        """Return a column, batch by batch; None where it is not there."""
        pieces = self._columns.get(name)
        return None if pieces is None else (self._keeper.read(piece).column(0) for piece in pieces)

    def writer(self, name: str) -> WordWriter:
        """Return what writes a column."""
        return _TemporaryWriter(self._keeper, self._columns, name)

    def __reduce__(self) -> tuple[type[_NoWords], tuple[()]]:
        return _NoWords, ()


class _TemporaryWriter:
    def __init__(self, keeper: Keeper, columns: dict[str, list[Piece]], name: str) -> None:
        self._keeper = keeper
        self._columns = columns
        self._name = name
        self._pieces: list[Piece] | None = []

    def write(self, column: pa.Array) -> None:
        if self._pieces is None:
            return
        piece = self._keeper.add(pa.RecordBatch.from_arrays([column], [_NAME]))
        if piece is None:
            self._pieces = None
        else:
            self._pieces.append(piece)

    def close(self) -> None:
        if self._pieces:
            self._columns[self._name] = self._pieces

    def give_up(self) -> None:
        self._pieces = None


class _NoWords:
    """What is left of temporary words in another process."""

    def read(self, _: str) -> None:
        return None

    def writer(self, _: str) -> WordWriter:
        return _NoWriter()


class _NoWriter:
    def write(self, _: pa.Array) -> None: ...

    def close(self) -> None: ...

    def give_up(self) -> None: ...


class StoredWords:
    """Words in a folder, a file for each column; threads and processes may use it at once.

    Parameters
    ----------
    directory
        Made where it is absent.
    writes
        Whether columns are added to it.
    """

    def __init__(self, directory: str | os.PathLike[str], *, writes: bool = True) -> None:
        self.directory = Path(directory)
        self._writes = writes

    def for_reading(self) -> StoredWords:
        """Return the store as one that nothing is added to."""
        return StoredWords(self.directory, writes=False)

    def read(self, name: str) -> Iterator[pa.Array] | None:
        """Return a column, batch by batch; None where it is not there as a whole."""
        try:
            source = pa.memory_map(str(self._path(name)))
            size = source.size()
            if size < len(_END) or source.read_at(len(_END), size - len(_END)) != _END:
                return None
            reader = pa.ipc.open_stream(source)
        except (OSError, pa.ArrowInvalid):
            return None
        note_use(self._path(name))
        return (batch.column(0) for batch in reader)

    def writer(self, name: str) -> WordWriter:
        """Return what writes a column."""
        return _FileWriter(self._path(name)) if self._writes else _NoWriter()

    def _path(self, name: str) -> Path:
        return self.directory / name[:2] / f"{name}.words"


class _FileWriter:
    """What fails for lack of room is given up without a word."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
        self._file: pa.NativeFile | None = None
        self._stream: pa.RecordBatchWriter | None = None
        self._given_up = False

    def write(self, column: pa.Array) -> None:
        if self._given_up:
            return
        try:
            if self._stream is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = pa.OSFile(str(self._temporary), "wb")
                schema = pa.schema([(_NAME, column.type)])
                # Not compressed, which codes hardly can be: what is not looked at need not be read.
                self._stream = pa.ipc.new_stream(self._file, schema)
            self._stream.write_batch(pa.RecordBatch.from_arrays([column], [_NAME]))
        except OSError:
            self.give_up()

    def close(self) -> None:
        if self._stream is None or self._file is None:
            return
        try:
            self._stream.close()
            self._file.write(_END)
            self._file.close()
            self._stream = self._file = None
            with self._temporary.open("rb") as written:
                os.fsync(written.fileno())
            self._temporary.replace(self._path)
        except OSError:
            self.give_up()

    def give_up(self) -> None:
        self._given_up = True
        for part in (self._stream, self._file):
            if part is not None:
                with suppress(OSError):
                    part.close()
        self._stream = self._file = None
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)
