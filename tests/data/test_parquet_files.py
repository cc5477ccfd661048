from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.data import ParquetSink, dataset_from_table, open_parquet
from headrace.data.parquet_files import ParquetWriter
from headrace.engines import LocalEngine

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table({"a": pa.array(range(1000), pa.int64()), "b": [f"word {i % 9}" for i in range(1000)]})


def test_three_million_flights_are_read_in_shards(shared_data: Path) -> None:
    path = shared_data / "flights3m" / "flights-3m.parquet"
    dataset = open_parquet(path)
    metadata = pq.read_metadata(path)
    assert dataset.count_rows() == metadata.num_rows
    name = dataset.columns[0]
    assert sum(batch.num_rows for batch in dataset.batches([name])) == metadata.num_rows


def test_batches_without_columns_still_have_rows(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "x.parquet")
    assert sum(batch.num_rows for batch in open_parquet(tmp_path / "x.parquet").batches([])) == 1000


def test_row_groups_make_shards(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(1_000_000)}), tmp_path / "x.parquet", row_group_size=100_000)
    shards = open_parquet(tmp_path / "x.parquet").shards
    assert [shard.num_rows for shard in shards] == [300_000, 300_000, 300_000, 100_000]
    total = LocalEngine().map(shards, lambda batch: batch, ParquetSink(tmp_path / "out")).to_table().column("a")
    assert pc.sum(total).as_py() == sum(range(1_000_000))


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    writer = ParquetSink(tmp_path).open(3, TABLE.schema)
    for batch in TABLE.to_batches(max_chunksize=100) * 400:
        writer.write(batch)
    assert not list(tmp_path.glob("*.parquet"))
    shard = writer.close()
    assert shard is not None
    assert shard.num_rows == 400_000 == sum(batch.num_rows for batch in shard.read())
    assert [path.name for path in tmp_path.iterdir()] == ["part-00003.parquet"]
    aborted = ParquetWriter(tmp_path / "y.parquet", TABLE.schema)
    for batch in TABLE.to_batches() * 200:
        aborted.write(batch)
    aborted.abort()
    assert [path.name for path in tmp_path.iterdir()] == ["part-00003.parquet"]
    assert ParquetSink(tmp_path).open(4, TABLE.schema).close() is None


def test_a_large_batch_becomes_several_row_groups(tmp_path: Path) -> None:
    table = pa.table({"a": range(600_000)})
    dataset = LocalEngine().map(dataset_from_table(table, 600_000).shards, lambda batch: batch, ParquetSink(tmp_path))
    assert dataset.to_table().equals(table)
