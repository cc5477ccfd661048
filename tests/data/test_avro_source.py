from __future__ import annotations

import datetime as dt
import decimal
import functools
import io
import sys
import uuid
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import AvroSource, Source, Unreadable, avro
from headrace.data.avro_blocks import find_blocks, read_header
from headrace.errors import DataError, MissingExtraError
from headrace.testing import SourceSuite

if TYPE_CHECKING:
    from pathlib import Path

UTC = dt.UTC
FIELDS: list[tuple[str, Any, list[Any], pa.DataType, list[Any]]] = [
    ("i", "int", [1, -2], pa.int64(), [1, -2]),
    ("o", ["null", "long"], [2**40, None], pa.int64(), [2**40, None]),
    ("f", "float", [0.5, 1.5], pa.float64(), [0.5, 1.5]),
    ("s", ["string", "null"], ["é", None], pa.string(), ["é", None]),
    ("t", "boolean", [True, False], pa.bool_(), [True, False]),
    ("b", "bytes", [b"\xff", b""], pa.binary(), [b"\xff", b""]),
    ("e", {"type": "enum", "name": "E", "symbols": ["A", "B"]}, ["A", "B"], pa.string(), ["A", "B"]),
    ("e2", ["null", "E"], [None, "B"], pa.string(), [None, "B"]),
    ("x", {"type": "fixed", "name": "F", "size": 2}, [b"ab", b"cd"], pa.binary(), [b"ab", b"cd"]),
    ("l", {"type": "array", "items": ["null", "long"]}, [[1, None], []], pa.list_(pa.int64()), [[1, None], []]),
    (
        "m",
        {"type": "map", "values": "double"},
        [{"k": 1.5}, {}],
        pa.list_(pa.struct([("key", pa.string()), ("value", pa.float64())])),
        [[{"key": "k", "value": 1.5}], []],
    ),
    (
        "r",
        {
            "type": "record",
            "name": "In",
            "fields": [
                {"name": "d", "type": {"type": "int", "logicalType": "date"}},
                {
                    "name": "n",
                    "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}],
                },
            ],
        },
        [{"d": dt.date(2020, 1, 1), "n": decimal.Decimal("-1.25")}, {"d": dt.date(1969, 1, 1), "n": None}],
        pa.struct([("d", pa.date32()), ("n", pa.float64())]),
        [{"d": dt.date(2020, 1, 1), "n": -1.25}, {"d": dt.date(1969, 1, 1), "n": None}],
    ),
    (
        "r2",
        ["null", "n.In"],
        [None, {"d": dt.date(2020, 1, 1), "n": None}],
        None,
        [None, {"d": dt.date(2020, 1, 1), "n": None}],
    ),
    (
        "w",
        {"type": "long", "logicalType": "timestamp-millis"},
        [dt.datetime(2020, 1, 1, tzinfo=UTC), dt.datetime(1960, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)],
        pa.timestamp("us"),
        [dt.datetime(2020, 1, 1), dt.datetime(1960, 1, 1, 0, 0, 0, 1000)],  # noqa: DTZ001 - times have no zone
    ),
    ("z", {"type": "int", "logicalType": "time-millis"}, [dt.time(1), dt.time(0)], pa.int64(), [3_600_000_000, 0]),
    ("q", {"type": "string", "logicalType": "uuid"}, [uuid.UUID(int=1)] * 2, pa.string(), [str(uuid.UUID(int=1))] * 2),
    ("un", ["int", "double"], [1, 0.5], pa.float64(), [1.0, 0.5]),
    ("uj", ["null", "string", {"type": "array", "items": "int"}], ["x", [1, 2]], pa.string(), ["x", "[1,2]"]),
    ("nu", "null", [None, None], pa.string(), [None, None]),
]
SCHEMA = {
    "type": "record",
    "name": "R",
    "namespace": "n",
    "fields": [{"name": name, "type": kind} for name, kind, *_ in FIELDS],
}
SMALL = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": ["null", "string"]}],
}


def records(count: int) -> list[dict[str, Any]]:
    return [{name: values[index % 2] for name, _, values, *_ in FIELDS} for index in range(count)]


def written(schema: Any, rows: list[Any], **options: Any) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, schema, rows, **options)
    return out.getvalue()


@functools.cache
def small(codec: str = "null") -> bytes:
    rows = [{"a": index, "b": None if index % 3 else f"word {index}"} for index in range(200)]
    return written(SMALL, rows, sync_interval=200, codec=codec, sync_marker=b"0123456789abcdef")


def read(source: AvroSource) -> tuple[list[dict[str, Any]], list[Unreadable]]:
    unreadable: list[Unreadable] = []
    found = []
    for shard in source.dataset().shards:
        for batch in shard.read_reporting(unreadable.append):  # type: ignore[attr-defined]
            found += batch.to_pylist()
    return found, unreadable


class TestAllTypes(SourceSuite):
    @pytest.fixture(autouse=True)
    def short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("headrace.data.avro_files.SHARD_BYTES", 4_000)

    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        (tmp_path / "x.avro").write_bytes(written(SCHEMA, records(400), codec="deflate", sync_interval=1_000))
        source = avro(tmp_path / "x.avro")
        assert len(source.dataset().shards) > 1
        return source

    @pytest.fixture
    def expected(self) -> pa.Table:
        columns = {}
        for name, _, _, kind, values in FIELDS:
            columns[name] = pa.array(values * 200, kind or pa.struct([("d", pa.date32()), ("n", pa.float64())]))
        return pa.table(columns)

    @pytest.fixture
    def broken(self, tmp_path: Path) -> tuple[Source, int]:
        data = bytearray(small("deflate"))
        data[len(data) // 2] ^= 0xFF
        (tmp_path / "broken.avro").write_bytes(bytes(data))
        return avro(tmp_path / "broken.avro"), 200

    @pytest.fixture
    def others(self, tmp_path: Path, source: Source) -> list[Source]:
        return [avro(tmp_path / "x.avro", columns=["l", "i"]), avro(tmp_path / "x.avro", columns=["i", "l"])]


class TestNoRows(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        (tmp_path / "x.avro").write_bytes(written(SMALL, []))
        return avro(tmp_path / "x.avro")


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz", "zstandard", "snappy", "lz4"])
def test_every_codec(tmp_path: Path, codec: str) -> None:
    (tmp_path / "x.avro").write_bytes(small(codec))
    found, unreadable = read(avro(tmp_path / "x.avro"))
    assert [row["a"] for row in found] == list(range(200))
    assert not unreadable


def blocks(data: bytes) -> list[tuple[int, int, int | None]]:
    stream = io.BytesIO(data)
    header = read_header(stream, "x")
    return [(one.start, one.end, one.rows) for one in find_blocks(stream, header, header.end, len(data))]


@pytest.mark.parametrize("damage", ["rows", "fewer", "none", "size", "text", "marker", "last marker", "cut"])
def test_a_broken_block_is_set_aside_with_its_rows(tmp_path: Path, damage: str) -> None:
    data = bytearray(small())
    all_blocks = blocks(bytes(data))
    number = len(all_blocks) - 1 if damage in {"last marker", "cut"} else 2
    start, end, rows = all_blocks[number]
    assert rows is not None
    before = sum(count or 0 for _, _, count in all_blocks[:number])
    if damage == "rows":
        data[start] = (rows + 5) * 2
    elif damage == "fewer":
        data[start] = (rows - 5) * 2
    elif damage == "size":
        data[start + 1] ^= 0x20
    elif damage == "none":
        data[start] = 0
    elif damage == "text":
        at = data.index(b"word", start)
        data[at] = 0xFF
    elif damage == "cut":
        del data[end - 30 :]
    else:
        data[end - 1] ^= 0xFF
    (tmp_path / "x.avro").write_bytes(bytes(data))
    found, unreadable = read(avro(tmp_path / "x.avro"))
    claimed = {"rows": rows + 5, "fewer": rows - 5, "none": 1}.get(damage, rows)
    assert [row["a"] for row in found] == [*range(before), *range(before + rows, 200)]
    assert [one.row for one in unreadable] == list(range(before + 1, before + claimed + 1))
    assert f"the block at byte {start} is broken: " in unreadable[0].reason


def test_a_number_of_rows_that_cannot_be_believed(tmp_path: Path) -> None:
    data = bytearray(small())
    start, _, _ = blocks(bytes(data))[1]
    rows = blocks(bytes(data))[1][2]
    assert rows is not None
    data[start : start + 1] = b"\xfe\xff\xff\xff\xff\xff\xff\x3f"
    (tmp_path / "x.avro").write_bytes(bytes(data))
    found, unreadable = read(avro(tmp_path / "x.avro"))
    assert len(found) == 200 - rows
    assert len(unreadable) == 1
    assert "how many rows it has cannot be told" in unreadable[0].reason


@pytest.mark.parametrize(("stored", "logical"), [("long", "timestamp-millis"), ("int", "date")])
def test_values_that_no_column_can_hold(tmp_path: Path, stored: str, logical: str) -> None:
    fields = [{"name": "w", "type": {"type": stored, "logicalType": logical}}, {"name": "n", "type": "long"}]
    kind = {"type": "record", "name": "R", "fields": fields}
    plain = {"type": "record", "name": "R", "fields": [{"name": name, "type": "long"} for name in "wn"]}
    rows = [{"w": 1, "n": 1}, {"w": 2**62, "n": 2}, {"w": 3, "n": 3}]
    data = written(plain, rows, sync_marker=b"0123456789abcdef")
    head = written(kind, [], sync_marker=b"0123456789abcdef")
    body = data[read_header(io.BytesIO(data), "x").end :]
    (tmp_path / "x.avro").write_bytes(head + body)
    found, unreadable = read(avro(tmp_path / "x.avro"))
    assert len(found) == 2
    assert [(one.row, one.reason[:10]) for one in unreadable] == [(2, "column 'w'")]
    assert avro(tmp_path / "x.avro").dataset().to_table(["n"]).column("n").to_pylist() == [1, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "not Avro; got it begins with b'a,b"),
        (b"Obj\x01", "ends inside of its header"),
        (small()[:40], "ends inside of its header"),
        (b"Obj\x01\x00" + b"x" * 16, "cannot be read as Avro"),
        (small().replace(b'"record"', b'"rekord"'), "records with fields"),
        (small().replace(b'"long"', b'"lung"'), "Column 'a' is of a type that cannot be used; got the unknown type"),
        (small().replace(b"\x08null", b"\x08nill"), "codec of the file is unknown; got nill"),
        (written({"type": "array", "items": "int"}, [[1]]), "records with fields"),
        (
            written(
                {"type": "record", "name": "T", "fields": [{"name": "next", "type": ["null", "T"]}]}, [{"next": None}]
            ),
            "Column 'next' is of a type that cannot be used; got the record 'T' that holds itself",
        ),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.avro").write_bytes(content)
    with pytest.raises(DataError, match=message):
        avro(tmp_path / "x.avro").dataset()


def test_without_fastavro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.avro").write_bytes(small())
    monkeypatch.setitem(sys.modules, "fastavro", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'headrace\[avro\]'"):
        avro(tmp_path / "x.avro").dataset()


@settings(max_examples=50, deadline=None)
@given(st.data(), st.sampled_from(["null", "deflate"]))
def test_broken_bytes_neither_crash_nor_lose_rows(tmp_path_factory: Any, data: st.DataObject, codec: str) -> None:
    whole = bytearray(small(codec))
    head = read_header(io.BytesIO(small(codec)), "x").end
    in_body = data.draw(st.booleans())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(head if in_body else 0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("avro") / "x.avro"
    path.write_bytes(bytes(whole))
    source = avro(path)
    try:
        found, unreadable = read(source)
    except DataError:
        assert not in_body
        return
    if in_body:
        assert len(found) == 200 or unreadable
    assert source.dataset().count_rows() == len(found)
