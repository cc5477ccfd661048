"""Arrow IPC files and streams, read in shards."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.data.dataset import Dataset
from headrace.data.filesystem import file_at, open_arrow
from headrace.data.one_schema import one_schema, readable
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.data.filesystem import File

__all__ = ["ArrowShard", "foreign", "open_arrow_files", "ranges", "small_batches"]

BATCH_ROWS = 65_536
MOST_SHARDS = 64
_FILE = b"ARROW1"
_OLD_FEATHER = b"FEA1"


@contextmanager
def foreign(file: File, format_name: str) -> Iterator[None]:
    """Turn what a reader of a format says into a DataError that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError("The file does not exist", got=str(file)) from error
    except (pa.ArrowException, OSError, OverflowError, MemoryError, UnicodeDecodeError) as error:
        raise DataError(
            f"The file cannot be read as {format_name}",
            got=(str(error).splitlines() or [type(error).__name__])[0][:200],
            where=str(file),
            fix="It may be cut short or of another format: write it again",
        ) from error


def ranges(count: int) -> list[tuple[int, int]]:
    """Cut numbered pieces into at most 64 ranges, and into one where there is none."""
    step = max(-(-count // MOST_SHARDS), 1)
    return [(first, min(first + step, count)) for first in range(0, max(count, 1), step)]


def small_batches(
    batches: Iterator[pa.RecordBatch], names: Sequence[str], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield checked batches of at most 65,536 rows with the columns ``names``, and at least one."""
    empty = True
    for batch in batches:
        # Offsets that lead out of their buffers are in broken files, and reading through them would end the process.
        batch.validate(full=True)
        chosen = batch.select(list(names))
        for start in range(0, batch.num_rows, BATCH_ROWS):
            empty = False
            yield chosen.slice(start, BATCH_ROWS)
    if empty:
        yield pa.RecordBatch.from_pylist([], schema=schema).select(list(names))


@contextmanager
def _opened(file: File, wanted: Sequence[str] | None = None) -> Iterator[tuple[pa.Schema, Any]]:
    """Yield the whole schema, and the reader of a file or of a stream, whose batches have no numbers."""
    with foreign(file, "Arrow IPC"), open_arrow(file) as stream:
        head = stream.read(8)
        if head.startswith(_OLD_FEATHER):
            raise DataError(
                "Feather of version 2 is read, and this is version 1",
                where=str(file),
                fix="Read it with pandas and write it again",
            )
        stream.seek(0)
        is_file = head.startswith(_FILE)
        reader = pa.ipc.open_file(stream) if is_file else pa.ipc.open_stream(stream)
        schema = readable(reader.schema)
        if wanted is not None and list(wanted) != schema.names:
            # Buffers of other columns are not read at all.
            indices = sorted({schema.get_field_index(name) for name in wanted}) or [0]
            options = pa.ipc.IpcReadOptions(included_fields=indices, use_threads=False)
            stream.seek(0)
            reader = (
                pa.ipc.open_file(stream, options=options) if is_file else pa.ipc.open_stream(stream, options=options)
            )
        yield schema, reader


@dataclass(frozen=True)
class ArrowShard:
    """Batches ``first`` to ``last - 1`` of an Arrow IPC file, or a whole stream where ``last`` is None."""

    path: str
    first: int
    last: int | None

    @property
    def num_rows(self) -> int | None:
        """Rows in the shard: only reading can tell."""
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most 65,536 rows, and at least one batch."""
        file = file_at(self.path)
        with _opened(file, columns) as (schema, reader):
            names = schema.names if columns is None else list(columns)
            if self.last is None:
                batches = iter(reader)
            else:
                batches = (reader.get_batch(index) for index in range(self.first, self.last))
            for batch in small_batches(batches, names, schema):
                yield batch.replace_schema_metadata(None)


def open_arrow_files(files: Sequence[File]) -> Dataset:
    """Open Arrow IPC files.

    Raises
    ------
    DataError
        If one is absent, not Arrow IPC, or they have different columns.
    """
    schemas, shards = [], []
    for file in files:
        with _opened(file) as (schema, reader):
            schemas.append((file, schema))
            count = reader.num_record_batches if isinstance(reader, pa.ipc.RecordBatchFileReader) else None
        parts: Sequence[tuple[int, int | None]] = [(0, None)] if count is None else ranges(count)
        shards += [ArrowShard(str(file), first, last) for first, last in parts]
    return Dataset(one_schema(schemas), tuple(shards))
