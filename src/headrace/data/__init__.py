"""Datasets, shards and the sources that they come from."""

from headrace.data.dataset import Dataset, Shard, TableShard, dataset_from_table

__all__ = ["Dataset", "Shard", "TableShard", "dataset_from_table"]
