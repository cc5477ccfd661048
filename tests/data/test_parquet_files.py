from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from headrace.data import ParquetSink, counted, dataset_from_table, open_parquet
from headrace.data.dataset import known_nulls
from headrace.data.parquet_files import ParquetWriter
from headrace.engines import LocalEngine

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table({"a": pa.array(range(1000), pa.int64()), "b": [f"word {i % 9}" for i in range(1000)]})


def test_footers_tell_of_nulls(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = pa.table({"a": [1, None, 3, None], "b": ["x", None, "y", "z"], "c": [[1], None, [2], []], "d": [1.0] * 4})
    pq.write_table(table, path, row_group_size=2)
    dataset = open_parquet(path)
    assert known_nulls(dataset.shards[0], ["a", "b", "d"]) == {"a": 2, "b": 1, "d": 0}
    # What lies in lists has nulls of its own.
    assert known_nulls(dataset.shards[0], ["c"]) == {}
    assert known_nulls(counted(dataset.select(["b"])).shards[0], ["b"]) == {"b": 1}
    pq.write_table(table, path, write_statistics=["a"])
    assert known_nulls(open_parquet(path).shards[0], ["a", "b"]) == {"a": 2}
    pq.write_table(table.rename_columns(["a", "b", "c", "a.b"]), path)
    assert known_nulls(open_parquet(path).shards[0], ["a"]) == {}
    pq.write_table(table.slice(0, 0), path)
    assert known_nulls(open_parquet(path).shards[0], ["a"]) == {"a": 0}


def test_dictionaries_are_of_texts_only(tmp_path: Path) -> None:
    table = pa.table(
        {
            "number": [1, 1, 2],
            "text": ["a", "a", "b"],
            "list": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float32(), 2)),
        }
    )
    writer = ParquetSink(tmp_path).open(0, table.schema)
    writer.write(table.to_batches()[0])
    shard = writer.close()
    assert shard is not None
    group = pq.ParquetFile(shard.path).metadata.row_group(0)
    with_dictionary = {
        group.column(number).path_in_schema for number in range(3) if group.column(number).has_dictionary_page
    }
    assert with_dictionary == {"text"}
    assert pa.Table.from_batches(shard.read()).equals(table)


@pytest.mark.parametrize("names", [("number", "text", "list"), ("a.b", "text", "list")])
def test_numbers_and_texts_are_packed_each_in_its_way(tmp_path: Path, names: tuple[str, ...]) -> None:
    lists = pa.array([[1, 2], [3, 4]], pa.list_(pa.int64(), 2))
    table = pa.table([pa.array([1.0, 2.0]), pa.array(["a", "b"]), lists], names=list(names))
    writer = ParquetSink(tmp_path).open(0, table.schema)
    writer.write(table.to_batches()[0])
    shard = writer.close()
    assert shard is not None
    group = pq.ParquetFile(shard.path).metadata.row_group(0)
    codecs = [group.column(number).compression for number in range(3)]
    # Parquet takes the dot in a name for a path, so that no column can be told from others.
    assert codecs == (["LZ4", "ZSTD", "LZ4"] if names[0] == "number" else ["ZSTD"] * 3)
    assert pa.Table.from_batches(shard.read()).equals(table)


def test_nested_numbers_are_packed_too(tmp_path: Path) -> None:
    pairs = pa.list_(pa.int64(), 2)
    table = pa.table(
        {
            "lists": pa.array([[1, 2, 3] * 50] * 200, pa.list_(pa.int64())),
            "structs": pa.array([{"a": 1, "b": 2.0}] * 200),
            "matrices": pa.array([[[1, 2], [3, 4]]] * 200, pa.list_(pairs, 2)),
            "number": [1.0] * 200,
        }
    )
    for names in (["lists"], ["structs"], ["matrices"], table.column_names):
        writer = ParquetSink(tmp_path).open(0, table.select(names).schema)
        writer.write(table.select(names).to_batches()[0])
        shard = writer.close()
        assert shard is not None
        group = pq.ParquetFile(shard.path).metadata.row_group(0)
        assert {group.column(number).compression for number in range(group.num_columns)} == {"ZSTD"}
        assert pa.Table.from_batches(shard.read()).equals(table.select(names))


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
