"""What a fuzzed file is, how it is judged, and how bytes are changed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import pyarrow as pa

from headrace.data import ReportingShard, parallel
from headrace.errors import HeadraceError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from headrace.data import Dataset, Source, Unreadable

__all__ = ["Case", "Finding", "Reading", "Verdict", "examine", "mutated", "threads", "token_soup"]

BATCH_ROWS = 65_536


class Finding(AssertionError):  # noqa: N818 - what is looked for
    """The reader did what it must not do."""


@dataclass(frozen=True)
class Case:
    """One fuzzed file.

    Parameters
    ----------
    target
        The format.
    data
        The bytes of the file.
    suffix
        Of the file's name.
    options
        How it is read.
    truth
        What is known of its rows; each format says what it means.
    """

    target: str
    data: bytes
    suffix: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    truth: Any = None


@dataclass(frozen=True)
class Verdict:
    """How a case went: what the reader did, and how many rows it read and set aside."""

    outcome: str
    rows: int = 0
    aside: int = 0


@dataclass(frozen=True)
class Reading:
    """What a reader gave, or its refusal."""

    table: pa.Table | None
    aside: tuple[Unreadable, ...] = ()
    refusal: HeadraceError | None = None
    opened: bool = False

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [] if self.table is None else rows_of(self.table)

    @property
    def count(self) -> int:
        return 0 if self.table is None else self.table.num_rows

    def verdict(self) -> Verdict:
        if self.refusal is not None:
            return Verdict(f"refused: {type(self.refusal).__name__}: {self.refusal.rule[:60]}")
        return Verdict("read", self.count, len(self.aside))


def _read(dataset: Dataset, columns: Sequence[str] | None, *, reporting: bool) -> Reading:
    schema = dataset.schema if columns is None else pa.schema([dataset.schema.field(name) for name in columns])
    batches: list[pa.RecordBatch] = []
    aside: list[Unreadable] = []
    try:
        for shard in dataset.shards:
            before = len(batches)
            if reporting and isinstance(shard, ReportingShard):
                batches += shard.read_reporting(aside.append, columns)
            else:
                batches += shard.read(columns)
            if len(batches) == before:
                raise Finding("a shard without a batch")
            rows = sum(batch.num_rows for batch in batches[before:])
            if shard.num_rows not in {None, rows}:
                raise Finding(f"a shard says that it has {shard.num_rows} rows, and gives {rows}")
    except HeadraceError as error:
        str(error)
        return Reading(None, refusal=error, opened=True)
    for batch in batches:
        if batch.num_rows > BATCH_ROWS:
            raise Finding(f"a batch of {batch.num_rows} rows")
        if not batch.schema.equals(schema):
            raise Finding(f"a batch of {batch.schema}, and the dataset has {schema}")
        batch.validate(full=True)
    if not schema.names:
        count = sum(batch.num_rows for batch in batches)
        table = pa.Table.from_struct_array(pa.array([{}] * count, pa.struct([])))
    else:
        table = pa.Table.from_batches(batches, schema)
    return Reading(table, tuple(aside), opened=True)


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows; dates that Python does not have as numbers."""
    try:
        found: list[dict[str, Any]] = table.to_pylist()
    except (OverflowError, ValueError):
        kinds = [pa.int64() if pa.types.is_temporal(kind) else kind for kind in table.schema.types]
        narrow = [
            pa.int32() if pa.types.is_date32(kind) else to for kind, to in zip(table.schema.types, kinds, strict=True)
        ]
        columns = [column.cast(kind) for column, kind in zip(table.columns, narrow, strict=True)]
        found = pa.table(columns, names=table.column_names).to_pylist()
    return found


def same(one: pa.Table, other: pa.Table) -> bool:
    # Not-a-number differs from itself.
    return one.equals(other) or (one.schema.equals(other.schema) and repr(rows_of(one)) == repr(rows_of(other)))


def _compare(what: str, one: Reading, other: Reading) -> None:
    if (one.refusal is None) != (other.refusal is None):
        raise Finding(f"{what}: {one.refusal or 'read'} or {other.refusal or 'read'}")
    if one.refusal is not None or one.table is None or other.table is None:
        return
    if not same(one.table, other.table):
        raise Finding(f"{what}: other rows ({one.count} and {other.count})")


@contextmanager
def threads(count: int) -> Iterator[None]:
    with mock.patch.object(parallel, "available_cpus", return_value=count):
        yield


def _size(rng: random.Random, least: int) -> int:
    return max(rng.choice([4, 7, 40, 300, 2_000]), least)


def examine(
    source: Source,
    rng: random.Random,
    small: Callable[[int], AbstractContextManager[None]] | None = None,
    *,
    least: int = 4,
    whole_only: bool = False,
    packed: bool = False,
) -> Reading:
    """Read a file in every way, which must all give the same.

    Parameters
    ----------
    small
        Makes pieces and shards so small.
    least
        The least size that it is asked for.
    whole_only
        A damaged file is refused as a whole, so that reading other columns may well succeed.
    packed
        What can be unpacked before the damage depends on how much is read at once.
    """
    with threads(1):
        try:
            dataset = source.dataset()
        except HeadraceError as error:
            str(error)
            if small is not None:
                with threads(2), small(_size(rng, least)):
                    try:
                        source.dataset()
                    except HeadraceError as again:
                        if again.rule != error.rule and not packed:
                            raise Finding(f"refused for another reason in small pieces: {error} or {again}") from error
                    else:
                        raise Finding(f"refused as a whole, read in small pieces: {error}") from error
            return Reading(None, refusal=error)
        whole = _read(dataset, None, reporting=True)
        _compare("with and without a report", whole, _read(dataset, None, reporting=False))
        names = dataset.columns
        chosen = rng.sample(names, rng.randint(0, len(names)))
        part = _read(dataset, chosen, reporting=True)
    if whole.table is not None and (part.table is not None or not whole_only):
        if part.table is None:
            raise Finding(f"columns {chosen} cannot be read, and all can: {part.refusal}")
        if part.count != whole.count or (chosen and not same(part.table, whole.table.select(chosen))):
            raise Finding(f"columns {chosen}: other rows ({whole.count} and {part.count})")
        if [(one.row, one.file) for one in part.aside] != [(one.row, one.file) for one in whole.aside]:
            raise Finding(f"columns {chosen}: other rows set aside: {whole.aside[:5]} or {part.aside[:5]}")
    if small is not None:
        size = _size(rng, least)
        with threads(2), small(size):
            try:
                pieces = source.dataset()
            except HeadraceError as error:
                raise Finding(f"read as a whole, refused in pieces of {size}: {error}") from error
            if not pieces.schema.equals(dataset.schema):
                raise Finding(f"other types in pieces of {size}: {dataset.schema} or {pieces.schema}")
            cut = _read(pieces, None, reporting=True)
        _compare(f"pieces of {size}", whole, cut)
        if [one.row for one in whole.aside] != [one.row for one in cut.aside]:
            raise Finding(f"pieces of {size}: other rows set aside: {whole.aside[:5]} or {cut.aside[:5]}")
    return whole


def _spot(rng: random.Random, data: bytearray) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + int(2 ** rng.uniform(0, 7)))


def mutated(rng: random.Random, data: bytes, tokens: Sequence[bytes], most: int = 6) -> bytes:
    """Change some bytes: mostly few, now and then many."""
    out = bytearray(data)
    times = min(rng.choice([1, 1, 1, 2, 2, 3, 6]), most)
    for _ in range(times):
        start, stop = _spot(rng, out)
        what = rng.choice(["flip", "set", "drop", "twice", "token", "token", "token", "noise", "cut", "move", "many"])
        if what == "flip" and start < len(out):
            out[start] ^= 1 << rng.randrange(8)
        elif what == "set" and start < len(out):
            out[start] = rng.choice([0, 1, 10, 13, 34, 127, 128, 255, rng.randrange(256)])
        elif what == "drop":
            del out[start:stop]
        elif what == "twice":
            out[start:start] = out[start:stop]
        elif what == "token":
            out[start:start] = rng.choice(tokens)
        elif what == "noise":
            out[start:start] = rng.randbytes(rng.randint(1, 20))
        elif what == "cut" and rng.random() < 0.3:
            del out[start:]
        elif what == "move":
            piece = out[start:stop]
            del out[start:stop]
            place = rng.randint(0, len(out))
            out[place:place] = piece
        elif what == "many" and rng.random() < 0.2:
            repeated = bytes(out[start:stop]) if rng.random() < 0.5 else rng.choice(tokens)
            out[start:start] = repeated * int(2 ** rng.uniform(1, 13))
    return bytes(out[: 1 << 20])


def token_soup(rng: random.Random, tokens: Sequence[bytes]) -> bytes:
    """Return tokens in any order."""
    return b"".join(rng.choices(tokens, k=int(2 ** rng.uniform(0, 7))))
