"""The two ways in which work is run over shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from headrace.data import Dataset, Shard

__all__ = ["Accumulator", "BatchFunction", "Engine", "Sink", "Writer"]


class Accumulator(Protocol):
    """A monoid over record batches: any split of the rows and any order of merging give the same result."""

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of one batch."""
        ...

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen."""
        ...

    def result(self) -> Any:
        """Return the value over all that was seen; may be called at any time."""
        ...


A = TypeVar("A", bound=Accumulator)
BatchFunction = "Callable[[pa.RecordBatch], pa.RecordBatch]"


class Writer(Protocol):
    """Receives one shard's batches; what it wrote becomes visible on ``close``."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch."""
        ...

    def close(self) -> Shard | None:
        """Finish, and return the shard that was written (None where there were no rows)."""
        ...

    def abort(self) -> None:
        """Throw away what was written."""
        ...


class Sink(Protocol):
    """Where ``map`` puts its batches: one writer for each shard that is read."""

    def open(self, index: int, schema: pa.Schema) -> Writer:
        """Return the writer for the shard numbered ``index``."""
        ...


class Engine(Protocol):
    """Runs folds and maps over shards."""

    def fold(self, shards: Sequence[Shard], make: Callable[[], A], *, columns: Sequence[str] | None = None) -> A:
        """Fold all rows into one accumulator; reads only ``columns`` where given."""
        ...

    def map(
        self,
        shards: Sequence[Shard],
        fn: Callable[[pa.RecordBatch], pa.RecordBatch],
        sink: Sink,
        *,
        columns: Sequence[str] | None = None,
    ) -> Dataset:
        """Write ``fn`` of every batch into the sink; rows keep their order."""
        ...
