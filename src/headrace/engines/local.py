"""Threads on one machine: Arrow, NumPy and ONNX Runtime release the interpreter's lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from headrace.config import available_cpus
from headrace.data import Dataset
from headrace.data.parallel import in_order
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from headrace.data import Shard
    from headrace.engines.base import Accumulator, Sink

    A = TypeVar("A", bound=Accumulator)

__all__ = ["LocalEngine"]


@dataclass(frozen=True)
class LocalEngine:
    """Runs shards on threads.

    Parameters
    ----------
    workers
        Threads; all processors that this process may use when None.
    """

    workers: int | None = None

    def fold(self, shards: Sequence[Shard], make: Callable[[], A], *, columns: Sequence[str] | None = None) -> A:
        """Fold each shard on a thread and merge in the order of the shards, so that every run gives the same bits."""

        def one(shard: Shard) -> A:
            accumulator = make()
            for batch in shard.read(columns):
                accumulator.update(batch)
            return accumulator

        total = make()
        for part in in_order(one, shards, self._threads(shards)):
            total.merge(part)
        return total

    def map(
        self,
        shards: Sequence[Shard],
        fn: Callable[[pa.RecordBatch], pa.RecordBatch],
        sink: Sink,
        *,
        columns: Sequence[str] | None = None,
    ) -> Dataset:
        """Write ``fn`` of every batch into the sink, one writer a shard.

        Raises
        ------
        DataError
            If there is no batch at all, so that the schema of the result is unknown.
        """

        def one(numbered: tuple[int, Shard]) -> tuple[Shard | None, pa.Schema | None]:
            index, shard = numbered
            writer = None
            schema = None
            try:
                for batch in shard.read(columns):
                    mapped = fn(batch)
                    if writer is None:
                        schema = mapped.schema
                        writer = sink.open(index, schema)
                    writer.write(mapped)
            except BaseException:
                if writer is not None:
                    writer.abort()
                raise
            return (None if writer is None else writer.close()), schema

        written = list(in_order(one, enumerate(shards), self._threads(shards)))
        schemas = [schema for _, schema in written if schema is not None]
        if not schemas:
            raise DataError("At least one batch is needed to know the schema of the result", got="no batches")
        return Dataset(schemas[0], tuple(shard for shard, _ in written if shard is not None))

    def _threads(self, shards: Sequence[Shard]) -> int:
        return max(1, min(self.workers or available_cpus(), len(shards)))
