"""Strings as Arrow dictionaries, for those who can use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from headrace.data.dataset import Dataset

if TYPE_CHECKING:
    from headrace.data.dataset import Shard

__all__ = ["EncodingShard", "encoded", "with_dictionaries"]


@runtime_checkable
class EncodingShard(Protocol):
    """A shard that can yield strings as dictionaries where it has them so, which is far less work than decoding."""

    def encoded(self) -> Shard:
        """Return the shard of which a string column may come as a dictionary in some batches or all."""
        ...


def encoded(shard: Shard) -> Shard:
    """Return the shard with dictionaries, where it can."""
    return shard.encoded() if isinstance(shard, EncodingShard) else shard


def with_dictionaries(dataset: Dataset) -> Dataset:
    """Return the dataset whose strings may come as dictionaries; its schema still says strings."""
    return Dataset(dataset.schema, tuple(encoded(shard) for shard in dataset.shards))
