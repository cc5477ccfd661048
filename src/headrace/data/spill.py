"""What can be read only once, kept so that it can be read again: in memory, or on disk where it is large."""

from __future__ import annotations

import tempfile
import uuid
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from headrace.data.arrow_source import arrow
from headrace.data.parquet_files import storage_errors

if TYPE_CHECKING:
    from headrace.data.arrow_source import ArrowSource

__all__ = ["kept"]

# So much stays in memory.
MEMORY_BYTES = 256 << 20


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    # It goes when the process ends: shards know a file by its name alone.
    return tempfile.TemporaryDirectory(prefix="headrace-")


def kept(reader: pa.RecordBatchReader) -> pa.Table | ArrowSource:
    """Read a stream to its end.

    Returns
    -------
    Table or ArrowSource
        The table, where it has at most 256 MB; else a temporary Arrow file that lasts as long as the process.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in reader:
        held.append(batch)
        size += batch.nbytes
        if size > MEMORY_BYTES:
            return _written(reader, held)
    return pa.Table.from_batches(held, reader.schema)


def _written(reader: pa.RecordBatchReader, held: list[pa.RecordBatch]) -> ArrowSource:
    # The name of a file is in the fingerprint, so it is always the same.
    path = Path(_folder().name) / uuid.uuid4().hex / "stream.arrow"
    path.parent.mkdir()
    with storage_errors(path), pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, reader.schema) as writer:
        for batch in held:
            writer.write_batch(batch)
        held.clear()
        for batch in reader:
            writer.write_batch(batch)
    return arrow(path)
