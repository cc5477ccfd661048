"""Avro files, read in shards of blocks."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.data.avro_blocks import container, find_blocks, read_header
from headrace.data.avro_types import columns_of, without_logical_types
from headrace.data.dataset import Dataset
from headrace.data.filesystem import file_at, open_file, reading, size_of
from headrace.data.one_schema import one_schema
from headrace.data.source import Unreadable
from headrace.errors import DataError, did_you_mean, import_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.data.avro_blocks import Block, Header
    from headrace.data.avro_types import Column
    from headrace.data.filesystem import File

__all__ = ["AvroShard", "open_avro"]

BATCH_ROWS = 65_536
SHARD_BYTES = 8 << 20
# Records of so many bytes, packed, become one batch.
HELD_BYTES = 1 << 20
# fastavro's own names; what each of the last three needs comes with the extra.
_CODECS = ("null", "deflate", "bzip2", "xz", "zstandard", "snappy", "lz4")
_MISFITS = (pa.ArrowException, OverflowError, ValueError, TypeError)


@dataclass(frozen=True)
class _Rows:
    records: list[dict[str, Any]]
    first: int


@dataclass(frozen=True)
class AvroShard:
    """The blocks of an Avro file between two offsets.

    Parameters
    ----------
    header
        Of the file.
    first_row
        The number of the shard's first row in the file, counted from 1.
    """

    path: str
    header: Header
    start: int
    end: int
    first_row: int

    @property
    def num_rows(self) -> int | None:
        """Rows in the shard: only reading can tell."""
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of blocks that can be read; which they are does not depend on ``columns``."""
        yield from self._batches(columns, None)

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of blocks that can be read, and report the others."""
        yield from self._batches(columns, report)

    def _batches(
        self, columns: Sequence[str] | None, report: Callable[[Unreadable], None] | None
    ) -> Iterator[pa.RecordBatch]:
        known = columns_of(self.header.schema, self.path)
        names = list(known) if columns is None else list(columns)
        out = pa.schema([(name, known[name].type) for name in names])
        needed = {name: column for name, column in known.items() if name in names or column.may_misfit}
        empty = True
        for rows in self._blocks(report):
            arrays, bad = _arrays(rows.records, needed)
            if report is not None:
                for index, reason in sorted(bad.items()):
                    report(Unreadable(self.path, rows.first + index, reason))
            if names:
                batch = pa.RecordBatch.from_arrays([arrays[name] for name in names], schema=out)
            else:
                batch = pa.RecordBatch.from_struct_array(pa.array([{}] * (len(rows.records) - len(bad)), pa.struct([])))
            for start in range(0, batch.num_rows, BATCH_ROWS):
                empty = False
                yield batch.slice(start, BATCH_ROWS)
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=out)

    def _blocks(self, report: Callable[[Unreadable], None] | None) -> Iterator[_Rows]:
        fastavro = import_extra("fastavro", "avro")
        head = container(self.header, without_logical_types(self.header.schema))
        number = self.first_row
        with reading(self.path), open_file(file_at(self.path)) as stream:
            records: list[dict[str, Any]] = []
            first, held = number, 0
            for block in find_blocks(stream, self.header, self.start, self.end):
                found, fault = _decode(fastavro, head, stream, block)
                if fault is None:
                    if not records:
                        first = number
                    records += found
                    number += len(found)
                    held += block.end - block.start
                    if len(records) < BATCH_ROWS // 4 and held < HELD_BYTES:
                        continue
                if records:
                    yield _Rows(records, first)
                    records, held = [], 0
                if fault is not None:
                    if report is not None:
                        rows = block.plausible_rows
                        what = f"the block at byte {block.start} is broken: {fault}"
                        what += "" if rows is not None else "; how many rows it has cannot be told"
                        for row in range(number, number + (rows or 1)):
                            report(Unreadable(self.path, row, what))
                    # As `open_avro` counts, which sees the heads of blocks only.
                    number += 1 if block.rows is None else block.rows
            if records:
                yield _Rows(records, first)


def _decode(fastavro: Any, head: bytes, stream: Any, block: Block) -> tuple[list[dict[str, Any]], str | None]:
    """Return the records of a block, or why there are none."""
    if block.fault is not None:
        return [], block.fault
    stream.seek(block.start)
    data = stream.read(block.end - block.start)
    records: list[dict[str, Any]] = []
    if not block.rows:
        # fastavro steps over a block that says that it has no rows, whatever is in it: now it says that it has one.
        data = b"\x02" + data[1:]
    try:
        for part in fastavro.block_reader(io.BytesIO(head + data)):
            records += list(part) if block.rows else []
            if part.bytes_.read(1):
                return [], f"it has more than the {block.rows} rows that it says"
    except Exception as error:  # noqa: BLE001 - broken bytes make fastavro and the codecs raise whatever they like
        return [], f"{type(error).__name__}: {str(error)[:200]}".rstrip(": ")
    return records, None


def _arrays(records: list[dict[str, Any]], columns: dict[str, Column]) -> tuple[dict[str, pa.Array], dict[int, str]]:
    """Turn records into columns; rows with a value that does not fit are left out, and named by their index."""
    try:
        return {
            name: pa.array(
                [record[name] for record in records]
                if column.convert is None
                else [column.value(record[name]) for record in records],
                column.type,
            )
            for name, column in columns.items()
        }, {}
    except _MISFITS:
        pass
    bad: dict[int, str] = {}
    values: dict[str, list[Any]] = {name: [] for name in columns}
    for index, record in enumerate(records):
        row = {}
        for name, column in columns.items():
            try:
                row[name] = column.value(record[name])
                pa.array([row[name]], column.type)
            except _MISFITS as error:
                bad.setdefault(index, f"column {name!r}: {str(error)[:200]}")
        if index not in bad:
            for name, value in row.items():
                values[name].append(value)
    return {name: pa.array(values[name], column.type) for name, column in columns.items()}, bad


def open_avro(files: Sequence[File]) -> Dataset:
    """Open Avro files: reads the heads of the blocks only.

    Raises
    ------
    DataError
        If one is absent, not Avro, or they have different columns.
    MissingExtraError
        If fastavro is not installed.
    """
    import_extra("fastavro", "avro")
    schemas, shards = [], []
    for file in files:
        where = str(file)
        with reading(file), open_file(file) as stream:
            header = read_header(stream, where)
            if header.codec not in _CODECS:
                raise DataError(
                    "The codec of the file is unknown", got=header.codec, where=where, fix=did_you_mean("", _CODECS)
                )
            columns = columns_of(header.schema, where)
            _check_schema(header, where)
            schemas.append((file, pa.schema([(name, column.type) for name, column in columns.items()])))
            end = _size(file, stream)
            start, first, row = header.end, 1, 1
            for block in find_blocks(stream, header, header.end, end):
                row += 1 if block.rows is None else block.rows
                if block.end - start >= SHARD_BYTES or block.end >= end:
                    shards.append(AvroShard(where, header, start, block.end, first))
                    start, first = block.end, row
            if header.end >= end:
                shards.append(AvroShard(where, header, header.end, header.end, 1))
    return Dataset(one_schema(schemas), tuple(shards))


def _size(file: File, stream: Any) -> int:
    size = size_of(file)
    return int(stream.seek(0, io.SEEK_END)) if size is None else size


def _check_schema(header: Header, where: str) -> None:
    fastavro = import_extra("fastavro", "avro")
    try:
        fastavro.reader(io.BytesIO(container(header, without_logical_types(header.schema))))
    except Exception as error:
        raise DataError(
            "The schema of the file is not Avro", got=f"{type(error).__name__}: {str(error)[:200]}", where=where
        ) from error
