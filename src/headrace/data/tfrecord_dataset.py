"""TFRecord files as a dataset: a first pass finds the features, their types, and where the shards begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headrace.data.dataset import Dataset
from headrace.data.filesystem import file_at
from headrace.data.parallel import in_order
from headrace.data.source import Unreadable
from headrace.data.tf_example_batch import Names
from headrace.data.tf_example_columns import ACCEPTED, Column, Seen, decode, observe
from headrace.data.tf_example_wire import BYTES, FLOAT, INT64
from headrace.data.tfrecord_files import kind_of_file, read_blocks
from headrace.data.tfrecord_frames import HEADER, Frames, read_frames
from headrace.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headrace.data.filesystem import File
    from headrace.data.tf_example_batch import Ints
    from headrace.data.tfrecord_source import TFRecordSource

__all__ = ["RECORD", "TFRecordShard", "open_tfrecord"]

RECORD = "record"
BATCH_ROWS = 65_536
SHARD_BYTES = 32 * 2**20
_Key = tuple[str, bool]


@dataclass(frozen=True)
class _Piece:
    """Where a shard is: a range of a file, or, of a packed one, all of it."""

    path: str
    kind: str | None
    start: int
    size: int | None
    number: int
    rows: int


@dataclass(frozen=True)
class TFRecordShard:
    """Some records of a TFRecord file.

    Parameters
    ----------
    path
        The file.
    kind
        Its compression: gzip, zlib or None.
    payload
        What a record is.
    schema
        The columns of the dataset.
    columns
        How to read them; empty for records that are not examples.
    unclean
        Features of which some value does not fit its column.
    start, size
        The range of bytes; a size of None is the whole file.
    number
        The number of the first record in the file.
    rows
        How many rows there are, where that is known without reading.
    """

    path: str
    kind: str | None
    payload: str
    schema: pa.Schema
    columns: tuple[Column, ...]
    unclean: tuple[str, ...]
    start: int
    size: int | None
    number: int
    rows: int | None

    @property
    def num_rows(self) -> int | None:
        """Rows in the shard; None where some records cannot be read."""
        return self.rows

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the records that can be read; which they are does not depend on ``columns``."""
        yield from self._batches(columns, None)

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the records that can be read, and report the others."""
        yield from self._batches(columns, report)

    def _batches(
        self, columns: Sequence[str] | None, report: Callable[[Unreadable], None] | None
    ) -> Iterator[pa.RecordBatch]:
        wanted = self.schema.names if columns is None else list(columns)
        schema = pa.schema([self.schema.field(name) for name in wanted])
        of_name = dict(zip(self.schema.names, self.columns, strict=False))
        reading = {name: of_name[name] for name in dict.fromkeys([*wanted, *self.unclean]) if name in of_name}
        names = Names(column.feature.encode() for column in self.columns)
        empty = True
        blocks = read_blocks(file_at(self.path), self.kind, self.start, self.size)
        for frames in read_frames(blocks, self.path, offset=self.start, number=self.number):
            problems = list(frames.unreadable)
            for first in range(0, len(frames.starts), BATCH_ROWS):
                part = slice(first, first + BATCH_ROWS)
                starts, ends = frames.starts[part], frames.ends[part]
                arrays, errors = self._arrays(frames, starts, ends, names, reading)
                batch = _record_batch([arrays[name] for name in wanted], schema, len(starts))
                if errors:
                    problems += [_bad(self.path, frames, first + row, reason) for row, reason in sorted(errors.items())]
                    good = np.ones(len(starts), bool)
                    good[list(errors)] = False
                    batch = batch.filter(pa.array(good))
                if batch.num_rows:
                    empty = False
                    yield batch
            if report is not None:
                for problem in sorted(problems, key=lambda problem: problem.row):
                    report(problem)
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=schema)

    def _arrays(
        self,
        frames: Frames,
        starts: Ints,
        ends: Ints,
        names: Names,
        reading: Mapping[str, Column],
    ) -> tuple[dict[str, pa.Array], dict[int, str]]:
        if self.payload == "bytes":
            view = memoryview(frames.data)
            records = [view[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
            return {RECORD: pa.array(records, pa.binary())}, {}
        arrays, errors = decode(
            frames.data, starts, ends, names, list(reading.values()), sequence=self.payload == "sequence_example"
        )
        return dict(zip(reading, arrays, strict=True)), errors


def _bad(path: str, frames: Frames, row: int, reason: str) -> Unreadable:
    begin = frames.offset + int(frames.starts[row]) - HEADER
    return Unreadable(path, int(frames.numbers[row]), f"{reason}; it begins at byte {begin:,}")


def _record_batch(arrays: list[pa.Array], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    if not arrays:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def open_tfrecord(source: TFRecordSource) -> Dataset:
    """Find the features and their types, and return the dataset."""
    files = [(path, kind_of_file(path, source.compression)) for path in source.files()]
    examples = source.payload != "bytes"
    names = Names()

    def tally(item: tuple[_Piece, bool, Frames]) -> tuple[_Piece, bool, dict[_Key, Seen], list[Unreadable], int]:
        piece, cut, frames = item
        if not examples:
            return piece, cut, {}, frames.unreadable[:3], len(frames.unreadable)
        sequence = source.payload == "sequence_example"
        seen, errors = observe(frames.data, frames.starts, frames.ends, names, sequence=sequence)
        bad = [_bad(piece.path, frames, row, reason) for row, reason in sorted(errors.items())]
        bad = sorted([*frames.unreadable, *bad], key=lambda one: one.row)
        return piece, cut, seen, bad[:3], len(bad)

    total: dict[_Key, Seen] = {}
    pieces: list[_Piece] = []
    unreadable: list[Unreadable] = []
    lost = 0
    for piece, cut, seen, bad, count in in_order(tally, _work(files)):
        for key, one in seen.items():
            total.setdefault(key, Seen()).merge(one)
        unreadable = (unreadable + bad)[:3]
        lost += count
        if cut:
            pieces.append(piece)
    rows = sum(piece.rows for piece in pieces) - lost
    if unreadable and rows <= 0:
        raise DataError(
            "Not one record can be read",
            got="; ".join(map(str, unreadable)),
            fix="Check that the files are TFRecord files, and the payload",
        )
    columns, unclean = _columns(source, total, rows) if examples else ((), ())
    schema = (
        pa.schema([pa.field(name, column.arrow_type) for name, column in columns])
        if examples
        else pa.schema([pa.field(RECORD, pa.binary())])
    )
    known = not lost and not unclean
    shards = tuple(
        TFRecordShard(
            piece.path,
            piece.kind,
            source.payload,
            schema,
            tuple(column for _, column in columns),
            unclean,
            piece.start,
            piece.size,
            piece.number,
            piece.rows if known else None,
        )
        for piece in pieces
    )
    dataset = Dataset(schema, shards)
    return dataset if source.columns is None else dataset.select(source.columns)


def _work(files: Sequence[tuple[File, str | None]]) -> Iterator[tuple[_Piece, bool, Frames]]:
    """Yield what is read of the files, with the shard that it is in, and whether it is the shard's last."""
    for path, kind in files:
        start, number, rows = 0, 1, 0
        before: tuple[_Piece, bool, Frames] | None = None
        for frames in read_frames(read_blocks(path, kind), str(path)):
            if before is not None:
                yield before
            rows += len(frames.starts) + len(frames.unreadable)
            end = frames.end
            cut = kind is None and end is not None and end - start >= SHARD_BYTES
            size = end - start if kind is None and end is not None else None
            piece = _Piece(str(path), kind, start, size, number, rows)
            before = piece, cut, frames
            if cut:
                assert end is not None
                start, number, rows = end, frames.next_number, 0
        assert before is not None
        piece, cut, frames = before
        if piece.rows or not piece.start:
            yield piece, True, frames


def _columns(
    source: TFRecordSource, total: Mapping[_Key, Seen], rows: int
) -> tuple[tuple[tuple[str, Column], ...], tuple[str, ...]]:
    """Decide the columns: by name, and those of which some value may not fit."""
    given = dict(source.types)
    named: dict[str, _Key] = {}
    for feature, in_sequence in sorted(total):
        clash = in_sequence and (feature, False) in total
        named[f"sequence.{feature}" if clash else feature] = feature, in_sequence
    if not named:
        raise DataError(
            "There is no feature in the records",
            got=f"{rows:,} records",
            where=", ".join(source.paths),
            fix='Check the files, and payload= ("example", "sequence_example" or "bytes")',
        )
    for name in given:
        if name not in named:
            fix = did_you_mean(name, named)
            raise DataError("types name a feature that no record has", got=name, fix=fix)
    columns, unclean = [], []
    for name, (feature, in_sequence) in sorted(named.items()):
        seen = total[feature, in_sequence]
        kind = given.get(name) or _type_of(seen)
        once = seen.shortest == seen.longest == 1 or not sum(seen.kinds[1:])
        scalar = not in_sequence and (once if source.scalars == "infer" else bool(source.scalars))
        columns.append((name, Column(feature, kind, scalar, in_sequence)))
        misfit = any(seen.kinds[number] for number in (BYTES, FLOAT, INT64) if number not in ACCEPTED[kind])
        if misfit or seen.odd or (kind == "string" and not seen.text) or (scalar and seen.longest > 1):
            unclean.append(name)
    return tuple(columns), tuple(unclean)


def _type_of(seen: Seen) -> str:
    """Return the type that most records have; of equals bytes before floats before ints."""
    _, as_bytes, as_floats, as_ints = seen.kinds
    if as_bytes >= max(as_floats, as_ints):
        return "string" if seen.text else "bytes"
    return "float64" if as_floats >= as_ints else "int64"
