"""Parquet files, read in shards and written whole or not at all."""

from __future__ import annotations

import errno
import math
import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.data.dataset import Dataset
from headrace.data.filesystem import File, RemoteFile, file_at, list_folder, open_arrow, open_file
from headrace.data.one_schema import one_schema, readable
from headrace.errors import DataError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ParquetShard", "ParquetSink", "ParquetWriter", "dictionary_columns", "open_parquet", "storage_errors"]

BATCH_ROWS = 65_536
ROW_GROUP_ROWS = 131_072
# Row groups are put together into shards until they hold so many rows.
SHARD_ROWS = 262_144
# Dictionaries of more distinct texts, or of every fourth row's, cost more than they save.
DICTIONARY_VALUES = 10_000


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an operating system's error into a StorageError that names the path."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise StorageError(
            "The disk is full" if full else "The file cannot be written",
            got=str(error),
            where=str(path),
            fix="Free some space there, or write to another disk; what was written in part has been removed"
            if full
            else "Check the folder and its permissions",
        ) from error


@contextmanager
def _opened(file: File, dictionaries: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
    try:
        with open_arrow(file) as stream:
            yield pq.ParquetFile(stream, pre_buffer=not isinstance(file, Path), read_dictionary=list(dictionaries))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, FileNotFoundError):
            raise DataError("The file does not exist", got=str(file)) from error
        raise DataError(
            "The file cannot be read as Parquet",
            got=str(error).splitlines()[0][:200],
            where=str(file),
            fix="It may be cut short or of another format: write it again",
        ) from error


@dataclass(frozen=True)
class ParquetShard:
    """Row groups ``first`` to ``last - 1`` of a file.

    Parameters
    ----------
    dictionaries
        Columns of texts that are read as dictionaries.
    """

    path: str
    first: int
    last: int
    rows: int
    dictionaries: tuple[str, ...] = ()

    @property
    def num_rows(self) -> int:
        """Rows in the row groups."""
        return self.rows

    def null_counts(self, columns: Sequence[str]) -> dict[str, int]:
        """Return the nulls that the footer tells of, which is those of plain columns as most programs write them."""
        if not self.rows:
            return dict.fromkeys(columns, 0)
        wanted = set(columns)
        found: dict[str, int] = {}
        with _opened(file_at(self.path)) as file:
            # With a dot in a name, a column's path may be another one's.
            if any("." in name for name in file.schema_arrow.names):
                return {}
            for number in range(self.first, self.last):
                group = file.metadata.row_group(number)
                for index in range(group.num_columns):
                    chunk = group.column(index)
                    name = chunk.path_in_schema
                    if name not in wanted:
                        continue
                    known = chunk.statistics
                    if known is None or not known.has_null_count:
                        wanted.discard(name)
                    else:
                        found[name] = found.get(name, 0) + known.null_count
        return {name: count for name, count in found.items() if name in wanted}

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most 65,536 rows, twice as many where there are dictionaries, and at least one batch."""
        # Dictionaries are small, and larger batches cost less.
        most = 2 * BATCH_ROWS if self.dictionaries else BATCH_ROWS
        with _opened(file_at(self.path), self.dictionaries) as file:
            names = file.schema_arrow.names if columns is None else list(columns)
            missing = self.rows
            for batch in file.iter_batches(
                most,
                row_groups=list(range(self.first, self.last)),
                columns=_leaves(file, names),
                use_threads=False,
            ):
                missing -= batch.num_rows
                yield batch.select(names)
            if missing:
                # Arrow ends without a word where pages have fewer rows than the footer says.
                raise pa.ArrowInvalid(f"it says that it has {self.rows:,} rows, and has {self.rows - missing:,}")
            if not self.rows:
                schema = file.schema_arrow.with_metadata(None)
                yield pa.RecordBatch.from_pylist([], schema=schema).select(names)


def _leaves(file: pq.ParquetFile, names: Sequence[str]) -> list[str] | None:
    # Parquet takes the dot in a column's name for a path to what is inside, and none of its names as all of them.
    known = file.schema_arrow.names
    if list(names) == known or any("." in name for name in known):
        return None
    return list(names)


def open_parquet(path: str | Path | File | Sequence[str | Path | File]) -> Dataset:
    """Open a Parquet file, a folder of them, or a list of files.

    Raises
    ------
    DataError
        If there is no file, one is not Parquet, or they have different columns.
    """
    files: list[File] = []
    for item in [path] if isinstance(path, (str, Path, RemoteFile)) else path:
        inside = list_folder(str(item), ".parquet")
        files += [file_at(str(item))] if inside is None else [file_at(name) for name in inside]
    if not files:
        raise DataError("There is no Parquet file", got=str(path))
    schemas, shards = [], []
    for file in files:
        with _opened(file) as opened:
            metadata = opened.metadata
            own = readable(opened.schema_arrow)
        schemas.append((file, own))
        if not metadata.num_rows:
            shards.append(ParquetShard(str(file), 0, 0, 0))
            continue
        first, rows = 0, 0
        for group in range(metadata.num_row_groups):
            rows += metadata.row_group(group).num_rows
            if rows >= SHARD_ROWS or group == metadata.num_row_groups - 1:
                shards.append(ParquetShard(str(file), first, group + 1, rows))
                first, rows = group + 1, 0
    return Dataset(one_schema(schemas), tuple(shards))


def dictionary_columns(shard: ParquetShard) -> tuple[str, ...]:
    """Return the columns of texts that have a small dictionary in the shard's first row group."""
    if not shard.rows:
        return ()
    file = file_at(shard.path)
    with _opened(file) as opened, open_file(file) as stream:
        texts = {
            field.name
            for field in opened.schema_arrow
            if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        }
        group = opened.metadata.row_group(shard.first)
        chunks = [group.column(index) for index in range(group.num_columns)]
        most = min(DICTIONARY_VALUES, group.num_rows // 4)
        return tuple(
            chunk.path_in_schema
            for chunk in chunks
            if chunk.path_in_schema in texts and _dictionary_values(chunk, stream) <= most
        )


def _dictionary_values(chunk: Any, stream: IO[bytes]) -> float:
    """Return the values in a chunk's dictionary; infinity where it has none.

    The page's header, a Thrift struct in the compact protocol, begins with three numbers, of which the first says that
    the page is a dictionary, perhaps has a checksum, and goes on with a struct whose first number it is.
    """
    if chunk.dictionary_page_offset is None:
        return math.inf
    stream.seek(chunk.dictionary_page_offset)
    header = stream.read(64)
    numbers, at, field = {}, 0, 0
    try:
        while True:
            field += header[at] >> 4
            kind, at = header[at] & 15, at + 1
            if (field, kind) == (7, 12):
                field = 10
                continue
            if kind != 5:
                return math.inf
            value = shift = 0
            while True:
                byte, at = header[at], at + 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            numbers[field] = (value >> 1) ^ -(value & 1)
            if field == 11:
                return numbers[11] if numbers.get(1) == 2 else math.inf
    except IndexError:
        return math.inf


class ParquetWriter:
    """Writes one Parquet file, which has its name only once it is whole."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self._schema = schema
        self._temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
        self._writer: Any = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._groups = 0
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch."""
        if not batch.num_rows:
            return
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        if self._waiting_rows >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        with storage_errors(self.path):
            if self._writer is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                repeating = _repeating(self._schema)
                self._writer = pq.ParquetWriter(
                    self._temporary,
                    self._schema,
                    compression="zstd" if repeating is True else _codecs(self._schema),
                    use_dictionary=repeating,
                    column_encoding=None if repeating is True else _encodings(self._schema),
                )
            if self._waiting:
                table = pa.Table.from_batches(self._waiting, self._schema)
                self._writer.write_table(table, row_group_size=2 * ROW_GROUP_ROWS)
                self._groups += -(-table.num_rows // (2 * ROW_GROUP_ROWS))
        self._waiting, self._waiting_rows = [], 0

    def close(self) -> ParquetShard | None:
        """Finish the file; writes none where there were no rows."""
        if not self.rows:
            return None
        return self.finish()

    def finish(self) -> ParquetShard:
        """Finish the file, even one without rows."""
        try:
            self._flush()
            with storage_errors(self.path):
                self._writer.close()
                os.replace(self._temporary, self.path)  # noqa: PTH105 - says what it is: atomic
        except BaseException:
            self.abort()
            raise
        return ParquetShard(str(self.path), 0, self._groups, self.rows)

    def abort(self) -> None:
        """Remove what was written."""
        self._waiting = []
        if self._writer is not None:
            try:
                self._writer.close()
            except (OSError, pa.ArrowException):  # closing writes, which may be what failed
                self._writer = None
        self._temporary.unlink(missing_ok=True)


def _repeating(schema: pa.Schema) -> list[str] | bool:
    """Return the columns of texts and bytes: a dictionary of numbers takes longer to make, and is seldom smaller."""
    if all(_is_flat(field.type) for field in schema) and not any("." in name for name in schema.names):
        return [field.name for field in schema if _has_texts(field.type)]
    return any(_has_texts(field.type) for field in schema)


def _codecs(schema: pa.Schema) -> dict[str, str] | str:
    """Return codecs: numbers take a sixth less to write as lz4, and a tenth less to read, in a sixth more space."""
    if any("." in name for name in schema.names) or not all(_is_one_leaf(field.type) for field in schema):
        # Of columns that are not named by their path Arrow packs none.
        return "zstd"
    return {_leaf(field): "zstd" if _has_texts(field.type) else "lz4" for field in schema}


def _leaf(field: pa.Field) -> str:
    return f"{field.name}.list.element" if pa.types.is_fixed_size_list(field.type) else str(field.name)


def _encodings(schema: pa.Schema) -> dict[str, str] | None:
    """Return encodings of whole numbers: differences take a fifth less to write, and half as much to read."""
    if any("." in name for name in schema.names):
        return None
    found = {}
    for field in schema:
        kind = field.type.value_type if pa.types.is_fixed_size_list(field.type) else field.type
        if pa.types.is_integer(kind) or pa.types.is_temporal(kind):
            found[_leaf(field)] = "DELTA_BINARY_PACKED"
    return found or None


def _is_one_leaf(kind: pa.DataType) -> bool:
    return not pa.types.is_nested(kind) or (
        pa.types.is_fixed_size_list(kind) and not pa.types.is_nested(kind.value_type)
    )


def _is_flat(kind: pa.DataType) -> bool:
    return not pa.types.is_nested(kind) or (pa.types.is_fixed_size_list(kind) and not _has_texts(kind))


def _has_texts(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_has_texts(kind.field(index).type) for index in range(kind.num_fields))
    return not pa.types.is_primitive(kind) and not pa.types.is_boolean(kind) and not pa.types.is_null(kind)


@dataclass(frozen=True)
class ParquetSink:
    """Writes each shard as ``part-<index>.parquet`` in a folder."""

    directory: str | Path

    def open(self, index: int, schema: pa.Schema) -> ParquetWriter:
        """Return the writer of one file."""
        return ParquetWriter(Path(self.directory) / f"part-{index:05d}.parquet", schema)
