from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from headrace.data import Dataset, Shard, TableShard, dataset_from_table
from headrace.errors import DataError

TABLE = pa.table({"a": range(10), "b": list("abcdefghij")})


@pytest.mark.parametrize("rows", [1, 3, 10, 100])
def test_a_table_is_cut_into_shards(rows: int) -> None:
    dataset = dataset_from_table(TABLE, rows)
    assert len(dataset.shards) == -(-10 // rows)
    assert all(isinstance(shard, Shard) for shard in dataset.shards)
    assert dataset.to_table().equals(TABLE)
    assert dataset.count_rows() == 10
    assert pickle.loads(pickle.dumps(dataset)).to_table().equals(TABLE)


def test_columns_are_chosen() -> None:
    dataset = dataset_from_table(TABLE, 4)
    assert dataset.to_table(["b"]).column_names == ["b"]
    selected = dataset.select(["b", "a"])
    assert selected.columns == ["b", "a"]
    assert selected.to_table().equals(TABLE.select(["b", "a"]))
    assert selected.to_table(["a"]).equals(TABLE.select(["a"]))
    assert selected.count_rows() == 10


def test_an_unknown_column_suggests_the_near_one() -> None:
    table = TABLE.rename_columns(["age", "name"])
    for call in (lambda d: d.to_table(["agee"]), lambda d: d.select(["agee"]), lambda d: list(d.batches(["agee"]))):
        with pytest.raises(DataError, match=r"got agee.*Did you mean 'age'\?"):
            call(dataset_from_table(table))


def test_a_shard_without_rows_still_yields_its_schema() -> None:
    (batch,) = TableShard(TABLE.slice(0, 0)).read(["b"])
    assert (batch.num_rows, batch.schema.names) == (0, ["b"])


def test_rows_are_counted_by_reading_where_nothing_else_tells() -> None:
    class Unknown:
        num_rows = None

        def read(self, columns: object = None) -> list[pa.RecordBatch]:
            batches: list[pa.RecordBatch] = TABLE.to_batches()
            return batches

    assert Dataset(TABLE.schema, (Unknown(), TableShard(TABLE))).count_rows() == 20  # type: ignore[arg-type]
