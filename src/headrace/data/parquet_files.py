"""Parquet files, read in shards and written whole or not at all."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.data.dataset import Dataset
from headrace.errors import DataError, StorageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ParquetShard", "ParquetSink", "ParquetWriter", "open_parquet", "storage_errors"]

BATCH_ROWS = 65_536
ROW_GROUP_ROWS = 131_072
# Row groups are put together into shards until they hold so many rows.
SHARD_ROWS = 262_144
# Compressed; what is larger has so many distinct strings that a dictionary is no help.
DICTIONARY_BYTES = 65_536


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
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise DataError("The file does not exist", got=str(path)) from error
        raise DataError(
            "The file cannot be read as Parquet",
            got=str(error).splitlines()[0][:200],
            where=str(path),
            fix="It may be cut short or of another format: write it again",
        ) from error


@dataclass(frozen=True)
class ParquetShard:
    """Row groups ``first`` to ``last - 1`` of a file.

    ``dictionaries`` says whether strings of few distinct values are yielded as dictionaries.
    """

    path: str
    first: int
    last: int
    rows: int
    dictionaries: bool = False

    @property
    def num_rows(self) -> int:
        """Rows in the row groups."""
        return self.rows

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most 65,536 rows, and at least one batch."""
        with _reading(Path(self.path)), self._open(columns) as file:
            names = file.schema_arrow.names if columns is None else list(columns)
            for batch in file.iter_batches(
                BATCH_ROWS, row_groups=list(range(self.first, self.last)), columns=names, use_threads=False
            ):
                yield batch.select(names)
            if not self.rows:
                schema = file.schema_arrow.with_metadata(None)
                yield pa.RecordBatch.from_pylist([], schema=schema).select(names)

    def encoded(self) -> ParquetShard:
        """Return the shard that yields strings of few distinct values as dictionaries."""
        return replace(self, dictionaries=True)

    def _open(self, columns: Sequence[str] | None) -> pq.ParquetFile:
        if not self.dictionaries or not self.rows:
            return pq.ParquetFile(self.path, pre_buffer=False)
        metadata = pq.read_metadata(self.path)
        group = metadata.row_group(self.first)
        chosen = []
        for index in range(metadata.num_columns):
            column = group.column(index)
            wanted = columns is None or column.path_in_schema in columns
            if wanted and column.physical_type == "BYTE_ARRAY" and column.has_dictionary_page:
                # A dictionary that has outgrown its page is followed by plain pages.
                size = column.data_page_offset - (column.dictionary_page_offset or 0)
                if 0 < size <= DICTIONARY_BYTES and column.num_values:
                    chosen.append(column.path_in_schema)
        return pq.ParquetFile(self.path, pre_buffer=False, metadata=metadata, read_dictionary=chosen)


def open_parquet(path: str | Path | Sequence[str | Path]) -> Dataset:
    """Open a Parquet file, a folder of them, or a list of files.

    Raises
    ------
    DataError
        If there is no file, one is not Parquet, or they have different columns.
    """
    files: list[Path] = []
    for item in [path] if isinstance(path, (str, Path)) else path:
        if Path(item).is_dir():
            files += sorted(Path(item).glob("*.parquet"))
        else:
            files.append(Path(item))
    if not files:
        raise DataError("There is no Parquet file", got=str(path))
    schema: pa.Schema = None
    shards = []
    for file in files:
        with _reading(file):
            metadata = pq.read_metadata(file)
            own = metadata.schema.to_arrow_schema()
        own = own.with_metadata(None)
        if schema is None:
            schema = own
        elif not own.equals(schema):
            raise _other_schema(files[0], schema, file, own)
        if not metadata.num_rows:
            shards.append(ParquetShard(str(file), 0, 0, 0))
            continue
        first, rows = 0, 0
        for group in range(metadata.num_row_groups):
            rows += metadata.row_group(group).num_rows
            if rows >= SHARD_ROWS or group == metadata.num_row_groups - 1:
                shards.append(ParquetShard(str(file), first, group + 1, rows))
                first, rows = group + 1, 0
    return Dataset(schema, tuple(shards))


def _other_schema(first: Path, schema: pa.Schema, file: Path, own: pa.Schema) -> DataError:
    where = f"{first} and {file}"
    for name in dict.fromkeys([*schema.names, *own.names]):
        if name not in own.names or name not in schema.names:
            here = file if name not in own.names else first
            known = own.names if name not in own.names else schema.names
            return DataError(
                "All files have the same columns",
                got=f"{name!r} is not in {here}",
                where=where,
                fix=did_you_mean(name, known),
            )
        if own.field(name).type != schema.field(name).type:
            types = f"{schema.field(name).type} and {own.field(name).type}"
            return DataError(f"Column {name!r} has the same type in all files", got=types, where=where)
    return DataError("All files have the same columns in the same order", got=own.names, where=where)


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
                self._writer = pq.ParquetWriter(self._temporary, self._schema, compression="zstd")
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


@dataclass(frozen=True)
class ParquetSink:
    """Writes each shard as ``part-<index>.parquet`` in a folder."""

    directory: str | Path

    def open(self, index: int, schema: pa.Schema) -> ParquetWriter:
        """Return the writer of one file."""
        return ParquetWriter(Path(self.directory) / f"part-{index:05d}.parquet", schema)
