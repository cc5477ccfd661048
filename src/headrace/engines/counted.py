"""A fold that also counts the rows that cannot be read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from headrace.data.set_aside import SetAside, counted, set_aside_in
from headrace.engines.base import Accumulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from headrace.data import Dataset
    from headrace.engines.base import Engine

__all__ = ["Counting", "fold_counted"]

A = TypeVar("A", bound=Accumulator)


class Counting(Generic[A]):
    """An accumulator of the rows of a counted dataset, and what its shards have left out."""

    def __init__(self, make: Callable[[], A]) -> None:
        self.inner = make()
        self.aside = SetAside()

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in rows, or a shard's word on what it left out."""
        found = set_aside_in(batch)
        if found is None:
            self.inner.update(batch)
        else:
            self.aside += found

    def merge(self, other: Self) -> None:
        """Take in what another one has seen."""
        self.inner.merge(other.inner)
        self.aside += other.aside

    def result(self) -> tuple[A, SetAside]:
        """Return the accumulator of the rows, and what was left out."""
        return self.inner, self.aside


def fold_counted(
    engine: Engine, dataset: Dataset, make: Callable[[], A], *, columns: Sequence[str] | None = None
) -> tuple[A, SetAside]:
    """Fold all rows of a dataset into one accumulator, and return with it what could not be read."""
    return engine.fold(counted(dataset).shards, partial(Counting, make), columns=columns).result()
