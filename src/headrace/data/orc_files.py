"""ORC files, read in shards."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.data.arrow_files import foreign, ranges, small_batches
from headrace.data.dataset import Dataset
from headrace.data.filesystem import file_at, open_arrow
from headrace.data.one_schema import one_schema, readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from headrace.data.filesystem import File

__all__ = ["OrcShard", "open_orc"]


@contextmanager
def _opened(file: File) -> Iterator[Any]:
    from pyarrow import orc

    with foreign(file, "ORC"), open_arrow(file) as stream:
        yield orc.ORCFile(stream)


@dataclass(frozen=True)
class OrcShard:
    """Stripes ``first`` to ``last - 1`` of an ORC file."""

    path: str
    first: int
    last: int

    @property
    def num_rows(self) -> int | None:
        """Rows in the stripes: only reading can tell."""
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield batches of at most 65,536 rows, and at least one batch."""
        with _opened(file_at(self.path)) as file:
            schema = readable(file.schema)
            names = schema.names if columns is None else list(columns)
            # ORC takes the dot in a column's name for a path to what is inside.
            wanted = None if any("." in name for name in schema.names) else names or schema.names[:1]
            stripes = (file.read_stripe(index, columns=wanted) for index in range(self.first, self.last))
            for batch in small_batches(stripes, names, schema):
                yield batch.replace_schema_metadata(None)


def open_orc(files: Sequence[File]) -> Dataset:
    """Open ORC files: reads the footers only.

    Raises
    ------
    DataError
        If one is absent, not ORC, or they have different columns.
    """
    schemas, shards = [], []
    for file in files:
        with _opened(file) as opened:
            schemas.append((file, readable(opened.schema)))
            count = opened.nstripes
        shards += [OrcShard(str(file), first, last) for first, last in ranges(count)]
    return Dataset(one_schema(schemas), tuple(shards))
