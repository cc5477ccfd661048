from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import orc as paorc

from headrace.data import Source, orc
from headrace.errors import DataError
from headrace.testing import SourceSuite

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 30_000
TABLE = pa.table(
    {
        "a": pa.array([None if i % 7 == 0 else i * 7919 % ROWS for i in range(ROWS)], pa.int64()),
        "b": [f"word {i * 7919 % ROWS}" for i in range(ROWS)],
        "c": [{"d": [i, None]} for i in range(ROWS)],
        "e": pa.array([0] * ROWS, pa.date32()),
    }
)


def written(table: pa.Table, **options: object) -> bytes:
    out = io.BytesIO()
    paorc.write_table(table, out, **options)
    return out.getvalue()


class TestStripes(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        (tmp_path / "x.orc").write_bytes(written(TABLE, stripe_size=10_000, compression="zstd"))
        source = orc(tmp_path / "x.orc")
        assert len(source.dataset().shards) > 2
        return source

    @pytest.fixture
    def expected(self) -> pa.Table:
        return TABLE

    @pytest.fixture
    def others(self, tmp_path: Path, source: Source) -> list[Source]:
        return [orc(tmp_path / "x.orc", columns=["a"]), orc(tmp_path / "x.orc", columns=["a", "c"])]


class TestNoRowsAndDotsInNames(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        (tmp_path / "1.orc").write_bytes(written(pa.table({"a.b": [1, 2], "a": ["x", "y"]})))
        (tmp_path / "2.orc").write_bytes(written(pa.table({"a.b": pa.array([], pa.int64()), "a": pa.array([], "str")})))
        return orc(tmp_path / "*.orc")


@pytest.mark.parametrize(
    "content", [b"", b"ORC", b"a,b\n1,2\n", written(TABLE)[:-300]], ids=["", "magic", "csv", "cut"]
)
def test_files_that_are_not_orc(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.orc").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read as ORC.*x\.orc"):
        orc(tmp_path / "x.orc").dataset()


def test_a_damaged_stripe_is_named(tmp_path: Path) -> None:
    data = bytearray(written(TABLE, compression="zlib"))
    data[100:400] = b"\xff" * 300
    (tmp_path / "x.orc").write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"cannot be read as ORC.*x\.orc"):
        orc(tmp_path / "x.orc").dataset().to_table()


def test_files_that_disagree(tmp_path: Path) -> None:
    (tmp_path / "1.orc").write_bytes(written(TABLE))
    (tmp_path / "2.orc").write_bytes(written(TABLE.rename_columns(["a", "b", "c", "f"])))
    with pytest.raises(DataError, match=r"got 'e' is not in .*2\.orc"):
        orc(tmp_path / "*.orc").dataset()
