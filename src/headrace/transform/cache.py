"""What analyzers have gathered, kept by part of the data, so that a new day of data costs one day of work."""

from __future__ import annotations

import dataclasses
import pickle
import re
import time
from contextlib import suppress
from functools import partial
from itertools import groupby, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import msgspec

from headrace._version import __version__
from headrace.data.parallel import in_order
from headrace.engines import Accumulator
from headrace.metadata import StoredFileDigest
from headrace.pipeline.files import FileDigests
from headrace.storage import write_atomic
from headrace.transform.shard_identity import digest_of, file_of, identity
from headrace.transform.word_store import StoredWords, note_use

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from headrace.data import Dataset, Shard
    from headrace.engines import Engine

__all__ = ["AnalysisCache"]

A = TypeVar("A", bound=Accumulator)

_INDEX = b"headrace.shard"
_FORMAT = b"headrace analysis 1\n"
# Names of files that are kept here, and of those that were left half-written; the folder may have others of its owner.
_KEPT = re.compile(r"\.?[0-9a-f]{32}\.(state|together|words)(\.[^.]+\.tmp)?")


class AnalysisCache:
    """States of analyzers on disk, one for each file that was analyzed.

    A state is found again while the file's content, the way it is read, and what is computed of it are the same. What
    an analyzer computes of another analyzer's value, as the variance of a column that was scaled, changes with every
    new day, and is computed anew over all days.

    Parameters
    ----------
    directory
        A folder, made where it is absent. It may be deleted at any time; nothing in it is needed. States are pickles:
        keep it where only those write who may run code here.
    keep_days
        What no analysis has used for so many days is removed at the end of one; nothing ever is when None.

    Attributes
    ----------
    hits, misses
        Files, counted once for each pass over the data, whose state was found, and was not.
    words
        The words of text columns, for analyzers of which every new day changes what they look at.
    """

    def __init__(self, directory: str | os.PathLike[str], *, keep_days: float | None = 30.0) -> None:
        self.directory = Path(directory)
        self.keep_days = keep_days
        self.hits = 0
        self.misses = 0
        self.words = StoredWords(self.directory / "words")
        self._known = self._read_digests()

    def look_at(self, dataset: Dataset) -> None:
        """Find out on threads which content files have, where that is not known."""
        files = dict.fromkeys(file for shard in dataset.shards if (file := file_of(shard)) and Path(file).is_file())
        digests = FileDigests(self._known)
        unknown = [file for file in files if digests.seen(file) is None]
        seen = FileDigests(self._known)
        for one in in_order(_digested, unknown):
            seen.new |= one.new
        self._write_digests(seen)

    def fold(
        self,
        engine: Engine,
        dataset: Dataset,
        make: Callable[[], A],
        *,
        columns: Sequence[str] | None = None,
        key: Sequence[bytes],
        grows: bool = True,
    ) -> A:
        """Fold a dataset as ``engine.fold`` does, reading only the files whose states are not there.

        The shards of a file are merged first, and files in their order: with few files of many shards that is far less
        work. Counts, vocabularies and the bounds of quantiles are those of a fold without a cache, sums but for the
        last bits.

        Parameters
        ----------
        key
            What the state depends on besides the data.
        grows
            Whether the same is likely to be asked of these files and more: the state of all of them is kept too.
        """
        digests = FileDigests(self._known)
        about = digest_of(_FORMAT, __version__.encode(), *key, repr(columns).encode())
        groups = [list(shards) for _, shards in groupby(dataset.shards, file_of)]
        paths = [self._path(about, shards, digests) for shards in groups]
        chain = self._chain(paths)
        # Of days that follow each other, those before the new one are one state.
        found, before = _longest(chain)
        states: dict[int, A] = {}
        for number, path in enumerate(paths[before:], before):
            state = None if path is None else _read(path)
            if state is not None:
                states[number] = state
        open_shards = tuple(
            _Numbered(shard, number)
            for number, shards in enumerate(groups)
            if number >= before and number not in states
            for shard in shards
        )
        known = len(states)
        self.hits += before + known
        self.misses += len(groups) - before - known
        if open_shards:
            made = engine.fold(open_shards, partial(_ByShard, make), columns=columns).result()
            for number, state in made.items():
                states[number] = state
                path = paths[number]
                if path is not None:
                    write_atomic(path, _FORMAT + pickle.dumps(state, protocol=5))
        self._write_digests(digests)
        total: A = make() if found is None else found
        for number in sorted(states):
            total.merge(states[number])
        # Days that are known one by one and have no state together are those of a window that moves on.
        if grows and 1 < len(groups) == len(chain) > before and (before or not known):
            write_atomic(chain[-1], _FORMAT + pickle.dumps(total, protocol=5))
            if before:
                chain[before - 1].unlink(missing_ok=True)
        return total

    def key_of(self, shard: Shard) -> bytes | None:
        """Return what tells the rows of a shard of a file from others; None for data that is in no file."""
        file = file_of(shard)
        if file is None or not Path(file).is_file():
            return None
        digests = FileDigests(self._known)
        key = digest_of(digests(file).encode(), identity(shard).encode())
        self._write_digests(digests)
        return key

    def known_key_of(self, shard: Shard) -> bytes | None:
        """Return the same for a shard of a file that was analyzed, and has not changed; None for others."""
        file = file_of(shard)
        digest = None if file is None else FileDigests(self._known).seen(file)
        return None if digest is None else digest_of(digest.encode(), identity(shard).encode())

    def sweep(self) -> int:
        """Remove what was not used for ``keep_days``; return how many files that were."""
        if self.keep_days is None:
            return 0
        # Uses are noted once a day.
        latest = time.time() - (self.keep_days + 1) * 86_400.0
        swept = 0
        for path in (*self.directory.glob("??/*"), *self.words.directory.glob("??/*")):
            # Another process may sweep at the same time.
            with suppress(OSError):
                if _KEPT.fullmatch(path.name) and path.stat().st_mtime < latest:
                    path.unlink()
                    swept += 1
        return swept

    def _chain(self, paths: Sequence[Path | None]) -> list[Path]:
        """Return where the state of the first file is kept together with those behind it, one, two, … of them."""
        found: list[Path] = []
        about = b""
        for path in takewhile(bool, paths):
            assert path is not None
            about = digest_of(about, path.stem.encode())
            found.append(self.directory / about.hex()[:2] / f"{about.hex()}.together")
        return found

    def _path(self, about: bytes, shards: Sequence[Shard], digests: FileDigests) -> Path | None:
        file = file_of(shards[0])
        if file is None or not Path(file).is_file():
            return None
        name = digest_of(about, digests(file).encode(), *(identity(shard).encode() for shard in shards)).hex()
        return self.directory / name[:2] / f"{name}.state"

    @property
    def _digest_file(self) -> Path:
        return self.directory / "files.json"

    def _read_digests(self) -> dict[str, StoredFileDigest]:
        try:
            content = self._digest_file.read_bytes()
            known = msgspec.json.decode(content, type=list[StoredFileDigest])
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            return {}
        return {one.path: one for one in known}

    def _write_digests(self, digests: FileDigests) -> None:
        if digests.new:
            self._known |= digests.new
            write_atomic(self._digest_file, msgspec.json.encode(list(self._known.values())))


def _digested(file: str) -> FileDigests:
    digests = FileDigests()
    digests(file)
    return digests


def _longest(chain: Sequence[Path]) -> tuple[Any, int]:
    """Return the state of as many first files as are kept together, and their number; None and 0 where none are."""
    for count in range(len(chain), 1, -1):
        state = _read(chain[count - 1])
        if state is not None:
            return state, count
    return None, 0


def _read(path: Path) -> Any:
    """Return the state in a file; None where there is none that can be read."""
    try:
        content = path.read_bytes()
        if not content.startswith(_FORMAT):
            return None
        state = pickle.loads(content[len(_FORMAT) :])  # noqa: S301 - documented
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError):
        # Cut short, or written by another version: what it held is computed again.
        return None
    note_use(path)
    return state


@dataclasses.dataclass(frozen=True)
class _Numbered:
    """A shard whose batches say which shard they are of, whatever an engine does with them."""

    shard: Shard
    number: int

    @property
    def num_rows(self) -> int | None:
        return self.shard.num_rows

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        for batch in self.shard.read(columns):
            metadata = dict(batch.schema.metadata or {}) | {_INDEX: str(self.number).encode()}
            yield batch.replace_schema_metadata(metadata)


class _ByShard(Generic[A]):
    def __init__(self, make: Callable[[], A]) -> None:
        self._make = make
        self._states: dict[int, A] = {}

    def update(self, batch: pa.RecordBatch) -> None:
        number = int(batch.schema.metadata[_INDEX])
        if number not in self._states:
            self._states[number] = self._make()
        self._states[number].update(batch)

    def merge(self, other: Self) -> None:
        for number, state in other._states.items():
            if number in self._states:
                self._states[number].merge(state)
            else:
                self._states[number] = state

    def result(self) -> dict[int, A]:
        return self._states
