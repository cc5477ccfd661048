"""Texts that stay dictionary-encoded, for those who count them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from headrace.data.csv_shards import CsvShard
from headrace.data.dataset import Dataset, SelectedShard
from headrace.data.normal_types import NormalisedShard
from headrace.data.parquet_files import ParquetShard, dictionary_columns
from headrace.data.set_aside import CountedShard

if TYPE_CHECKING:
    from headrace.data.dataset import Shard

__all__ = ["dictionary_encoded"]


def dictionary_encoded(dataset: Dataset) -> Dataset:
    """Return the dataset with texts left as dictionaries where the files hold few distinct ones.

    Batches of Parquet and CSV shards then have ``dictionary<int32, string>`` arrays in such columns, which skips most
    of the decoding. Other columns and shards are as they were, and so is ``schema``: what a batch holds, its own
    schema says. Reads the footers of Parquet files.

    Parameters
    ----------
    dataset
        Any; what has no such shards is returned as it is.
    """
    return Dataset(dataset.schema, tuple(_encoded(shard) for shard in dataset.shards))


def _encoded(shard: Shard) -> Shard:
    if isinstance(shard, ParquetShard):
        return replace(shard, dictionaries=dictionary_columns(shard))
    if isinstance(shard, CsvShard):
        return replace(shard, dictionaries=True)
    if isinstance(shard, NormalisedShard):
        return replace(shard, shard=_encoded(shard.shard), keep_dictionaries=True)
    if isinstance(shard, SelectedShard | CountedShard):
        return cast("Shard", replace(shard, shard=_encoded(shard.shard)))
    return shard
