"""Threads on one machine: Arrow, NumPy and ONNX Runtime release the interpreter's lock."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.data import Dataset
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from headrace.data import Shard
    from headrace.engines.base import Accumulator, Sink

    A = TypeVar("A", bound=Accumulator)

T = TypeVar("T")

__all__ = ["LocalEngine", "available_cpus"]


def available_cpus() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
        for part in self._in_order([(one, shard) for shard in shards]):
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

        written = list(self._in_order([(one, numbered) for numbered in enumerate(shards)]))
        schemas = [schema for _, schema in written if schema is not None]
        if not schemas:
            raise DataError("At least one batch is needed to know the schema of the result", got="no batches")
        return Dataset(schemas[0], tuple(shard for shard, _ in written if shard is not None))

    def _in_order(self, calls: Sequence[tuple[Callable[[Any], T], Any]]) -> Iterator[T]:
        workers = min(self.workers or available_cpus(), len(calls))
        if workers <= 1:
            for function, argument in calls:
                yield function(argument)
            return
        # Only a few results wait to be merged at a time, so memory does not grow with the number of shards.
        with ThreadPoolExecutor(workers, thread_name_prefix="headrace-engine") as pool:
            pending: deque[Future[T]] = deque()
            rest = iter(calls)
            try:
                for function, argument in rest:
                    pending.append(pool.submit(function, argument))
                    if len(pending) >= 2 * workers:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()
