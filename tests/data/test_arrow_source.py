from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather

from headrace.data import Source, arrow
from headrace.errors import DataError, UsageError
from headrace.testing import SourceSuite

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table(
    {
        "a": pa.array([None if i % 7 == 0 else i for i in range(1000)], pa.int64()),
        "b": [f"word {i % 9}" for i in range(1000)],
        "c": [[i, None] for i in range(1000)],
    }
)
ODD = TABLE.set_column(0, "a", TABLE.column("a").cast(pa.int16())).set_column(
    1, "b", TABLE.column("b").dictionary_encode()
)


def written(table: pa.Table, *, stream: bool = False, rows: int = 100, **options: Any) -> bytes:
    out = io.BytesIO()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, rows)
    return out.getvalue()


class TestFile(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        (tmp_path / "x.arrow").write_bytes(written(ODD, compression="zstd"))
        source = arrow(tmp_path / "x.arrow")
        assert len(source.dataset().shards) == 10
        return source

    @pytest.fixture
    def expected(self) -> pa.Table:
        return TABLE

    @pytest.fixture
    def others(self, tmp_path: Path, source: Source) -> list[Source]:
        (tmp_path / "y.arrow").write_bytes(written(ODD))
        return [arrow(tmp_path / "y.arrow"), arrow(tmp_path / "x.arrow", columns=["b", "a"])]

    @pytest.fixture
    def alike(self, tmp_path: Path, source: Source) -> list[Source]:
        return [arrow([tmp_path / "x.arrow"]), arrow(f"{tmp_path}/x*.arrow")]


class TestStreamsOfOneBatch(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        for number in range(2):
            (tmp_path / f"{number}.arrows").write_bytes(written(TABLE.slice(number * 500, 500), stream=True))
        return arrow(tmp_path / "*.arrows")

    @pytest.fixture
    def expected(self) -> pa.Table:
        return TABLE


class TestLargeBatches(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        (tmp_path / "x.arrow").write_bytes(written(pa.table({"a": range(150_000)}), rows=150_000))
        return arrow(tmp_path / "x.arrow")


class TestNoRows(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        feather.write_feather(TABLE.slice(0, 0), tmp_path / "x.feather")
        return arrow(tmp_path / "x.feather", columns=["c", "a"])


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n1,2\n", b"ARROW1", written(TABLE)[:-200], written(TABLE)[:500], b"FEA1" + b"\x00" * 100],
    ids=["empty", "csv", "magic", "no footer", "cut", "feather 1"],
)
def test_files_that_are_not_arrow(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.arrow").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.arrow"):
        arrow(tmp_path / "x.arrow").dataset()


def test_a_stream_that_is_cut_is_named_when_it_is_read(tmp_path: Path) -> None:
    data = written(TABLE, stream=True)
    (tmp_path / "x.arrows").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"cannot be read as Arrow IPC.*x\.arrows.*cut short"):
        arrow(tmp_path / "x.arrows").dataset().to_table()


def test_files_that_disagree_and_columns_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "1.arrow").write_bytes(written(TABLE))
    (tmp_path / "2.arrow").write_bytes(written(TABLE.drop_columns(["b"])))
    with pytest.raises(DataError, match=r"same columns; got 'b' is not in .*2\.arrow"):
        arrow(tmp_path / "*.arrow").dataset()
    with pytest.raises(DataError, match="got d"):
        arrow(tmp_path / "1.arrow", columns=["d"]).dataset()
    for columns in ("ab", ["a", "a"]):
        with pytest.raises(UsageError, match="list of distinct names"):
            arrow(tmp_path / "1.arrow", columns=columns)


@functools.cache
def sample(stream: bool) -> bytes:
    return written(TABLE.slice(0, 40), stream=stream, rows=20)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.booleans())
def test_broken_bytes_give_an_error_or_rows(tmp_path_factory: Any, data: st.DataObject, stream: bool) -> None:
    whole = bytearray(sample(stream))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole))) :]
    path = tmp_path_factory.mktemp("arrow") / "x.arrow"
    path.write_bytes(bytes(whole))
    try:
        table = arrow(path).dataset().to_table()
    except DataError:
        return
    table.validate(full=True)
