from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.data import ParquetSource, open_parquet, parquet
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


def test_an_unknown_column_and_one_that_cannot_be_used(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": pa.array([None], pa.list_(pa.null()))}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="got c"):
        parquet(tmp_path / "x.parquet", columns=["c"]).dataset()
    assert [str(kind) for kind in parquet(tmp_path / "x.parquet").dataset().schema.types] == [
        "int64",
        "list<item: string>",
    ]


def test_the_fingerprint_depends_on_content_and_columns(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "x.parquet")
    prints = {parquet(tmp_path / "x.parquet", columns=columns).fingerprint(digest_file) for columns in (None, ["a"])}
    pq.write_table(TABLE.slice(1), tmp_path / "x.parquet")
    assert len(prints | {parquet(tmp_path / "x.parquet").fingerprint(digest_file)}) == 3
