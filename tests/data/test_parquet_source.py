from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from headrace.data import ParquetSink, ParquetSource, dataset_from_table, open_parquet, parquet
from headrace.data.parquet_files import ParquetWriter
from headrace.engines import LocalEngine
from headrace.errors import DataError
from headrace.testing import SourceSuite
from headrace.testing.sources import digest_file

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table({"a": pa.array(range(1000), pa.int64()), "b": [f"word {i % 9}" for i in range(1000)]})


class TestOneFile(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> ParquetSource:
        pq.write_table(TABLE, tmp_path / "x.parquet", row_group_size=100)
        return parquet(tmp_path / "x.parquet")

    @pytest.fixture
    def expected(self) -> pa.Table:
        return TABLE


class TestFolderOfOddTypes(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> ParquetSource:
        table = pa.table(
            {
                "small": pa.array([1, None, 3], pa.int8()),
                "single": pa.array([0.5, None, 2.5], pa.float32()),
                "large": pa.array(["x", None, "z"], pa.large_string()),
                "words": pa.array(["x", None, "x"]).dictionary_encode(),
                "nanos": pa.array([1_500, None, 0], pa.timestamp("ns")),
            }
        )
        (tmp_path / "in").mkdir()
        for number in range(3):
            pq.write_table(table, tmp_path / "in" / f"{number}.parquet")
        return parquet(tmp_path / "in")

    @pytest.fixture
    def expected(self) -> pa.Table:
        one = pa.table(
            {
                "small": pa.array([1, None, 3], pa.int64()),
                "single": [0.5, None, 2.5],
                "large": ["x", None, "z"],
                "words": ["x", None, "x"],
                "nanos": pa.array([1, None, 0], pa.timestamp("us")),
            }
        )
        return pa.concat_tables([one] * 3).combine_chunks()


class TestColumnsOfAnEmptyFile(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> ParquetSource:
        pq.write_table(TABLE.slice(0, 0), tmp_path / "x.parquet")
        return parquet(tmp_path / "x.parquet", columns=["b"])


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


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 100 + b"PAR1", b"a,b\n1,2\n"])
def test_files_that_are_not_parquet(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read as Parquet.*x\.parquet"):
        parquet(tmp_path / "x.parquet").dataset()


def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(TABLE, path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[4:200] = b"\xff" * 196
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"x\.parquet"):
        parquet(path).dataset().to_table()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        parquet(tmp_path / "x.parquet").dataset()
    with pytest.raises(DataError, match="does not exist"):
        open_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="no Parquet file"):
        open_parquet(tmp_path)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (pa.table({"a": [1]}), "'b' is not in"),
        (pa.table({"a": ["x"], "b": ["x"]}), "Column 'a' has the same type in all files; got int64 and string"),
        (pa.table({"b": ["x"], "a": [1]}), "same order"),
    ],
)
def test_files_that_disagree(tmp_path: Path, other: pa.Table, message: str) -> None:
    pq.write_table(TABLE, tmp_path / "1.parquet")
    pq.write_table(other, tmp_path / "2.parquet")
    with pytest.raises(DataError, match=message):
        parquet(tmp_path / "*.parquet").dataset()


def test_an_unknown_column_and_a_nested_one(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [[1]], "b": [dt.time(1)]}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="Column 'a' is of a type that cannot be used; got list"):
        parquet(tmp_path / "x.parquet").dataset()
    with pytest.raises(DataError, match="got c"):
        parquet(tmp_path / "x.parquet", columns=["c"]).dataset()


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


def test_the_fingerprint_depends_on_content_and_columns(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "x.parquet")
    prints = {parquet(tmp_path / "x.parquet", columns=columns).fingerprint(digest_file) for columns in (None, ["a"])}
    pq.write_table(TABLE.slice(1), tmp_path / "x.parquet")
    assert len(prints | {parquet(tmp_path / "x.parquet").fingerprint(digest_file)}) == 3
