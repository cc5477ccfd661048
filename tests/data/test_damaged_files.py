"""Damaged files of every format: a few by seed, as ``benchmarks/fuzz.py`` makes many, and those that once did harm."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fuzzing.avro_cases import block_of, file_of
from tests.fuzzing.avro_cases import number as avro_number
from tests.fuzzing.cases import Case, Finding
from tests.fuzzing.csv_cases import split_records
from tests.fuzzing.messages import message_of
from tests.fuzzing.targets import TARGETS, judged, made
from tests.fuzzing.tfrecord_cases import Truth, framed

from headrace.data import (
    ParquetShard,
    ReportingShard,
    Unreadable,
    avro,
    avro_files,
    csv,
    json_lines,
    normalise,
    open_parquet,
    tfrecord,
    tfrecord_frames,
)
from headrace.data.csv_records import Dialect, cut_chunks, find_records
from headrace.data.json_records import cut_pieces
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headrace.data import Source

PLAIN = Dialect(",", '"', None)
SCHEMA = {"type": "record", "name": "Row", "fields": [{"name": "id", "type": "long"}]}
SYNC = bytes(range(201, 217))


def taken(source: Source) -> tuple[list[dict[str, Any]], list[Unreadable]]:
    """Return the rows of a source, and what is set aside."""
    rows: list[dict[str, Any]] = []
    aside: list[Unreadable] = []
    for shard in source.dataset().shards:
        assert isinstance(shard, ReportingShard)
        for batch in shard.read_reporting(aside.append):
            rows += batch.to_pylist()
    return rows, aside


@pytest.mark.parametrize("target", sorted(TARGETS.keys() - {"yaml", "pbtxt"}))
def test_rows_are_read_or_set_aside(target: str, tmp_path: Path) -> None:
    outcomes = {judged(made(target, seed), seed, tmp_path).outcome for seed in range(25)}
    assert "read" in outcomes
    assert len(outcomes) > 1


def test_the_judge_sees_a_lost_record(tmp_path: Path) -> None:
    records = [framed(struct.pack("<Q", number) + b"..") for number in range(3)]
    options = {"payload": "bytes", "compression": "none"}
    for truth, message in ((Truth((0, 1, 2), None, damaged=True), "not touched"), (Truth((), 3, damaged=True), "of 3")):
        with pytest.raises(Finding, match=message):
            judged(Case("tfrecord", records[0] + records[2], ".tfrecord", options, truth), 0, tmp_path)


def test_the_judge_sees_another_value(tmp_path: Path) -> None:
    case = Case("csv", b"a,b\nx,y\n", ".csv", {"separator": ",", "quote": '"'}, {"mode": "texts", "packed": False})
    assert judged(case, 0, tmp_path).rows == 1
    rows = split_records(case.data)
    assert [(row.line, row.fields) for row in rows] == [(1, (b"a", b"b")), (2, (b"x", b"y"))]


class TestCsv:
    def test_a_header_with_a_quote_that_is_never_closed(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_bytes(b'"a,b\n1,2\n')
        with pytest.raises(DataError, match="The header has a quote that is never closed"):
            csv(path).dataset()
        rows, aside = taken(csv(path, names=["a", "b"]))
        assert rows == [{"a": 1, "b": 2}]
        assert [one.row for one in aside] == [1]

    def test_a_header_whose_quote_is_one_for_another_separator(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_bytes(b'a,"b\n1\n')
        assert taken(csv(path, separator=";"))[0] == [{'a,"b': 1}]

    def test_lines_are_counted_whatever_breaks_they_have(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_bytes(b"\r\n\ra,b\r1,2\r3\n")
        rows, aside = taken(csv(path))
        assert rows == [{"a": 1, "b": 2}]
        assert [one.row for one in aside] == [5]

    def test_a_byte_order_mark_behind_the_first_is_part_of_a_text(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_bytes("\ufeff\ufeffa,b\n\ufeffx,y\n".encode())
        assert taken(csv(path))[0] == [{"\ufeffa": "\ufeffx", "b": "y"}]

    @pytest.mark.parametrize("size", range(1, 12))
    def test_skipped_lines_whose_break_is_cut_in_two(self, size: int) -> None:
        data = b"one\r\ntwo\r\nthree\r\nfour\r\n"
        chunks = list(cut_chunks(io.BytesIO(data), PLAIN, skip_lines=2, size=size))
        assert b"".join(chunk.data for chunk in chunks) == b"three\r\nfour\r\n"
        assert (chunks[0].offset, chunks[0].line) == (10, 3)

    def test_a_record_of_very_many_fields_with_line_breaks(self) -> None:
        # What looked at all fields for each of them took hours.
        data = b"a\n" + b'"\n",' * 100_000 + b"\nb\n"
        chunks = list(cut_chunks(io.BytesIO(data), PLAIN, size=50_000))
        assert b"".join(chunk.data for chunk in chunks) == data
        assert sum(len(find_records(chunk.data, PLAIN)) for chunk in chunks) == 3


def test_a_number_of_json_beyond_float64_is_set_aside_whatever_stands_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for other in (b'{"a":2.5}\n', b'{"a":2.5}\n{"a":\n'):
        path.write_bytes(other + b'{"a":1' + b"0" * 400 + b"}\n")
        rows, aside = taken(json_lines(path))
        assert rows == [{"a": 2.5}]
        assert aside[-1].row == path.read_bytes().count(b"\n")


def test_an_array_that_begins_behind_the_first_piece() -> None:
    pieces = list(cut_pieces(io.BytesIO(b" \n\n  \n [{}, {}]"), "array", 2))
    assert b"".join(piece.data for piece in pieces).replace(b" ", b"") == b"{}{}"
    assert pieces[0].line == 4


class TestAvro:
    def write(self, path: Path, *blocks: bytes) -> Source:
        path.write_bytes(b"".join(file_of(SCHEMA, blocks, "null", SYNC)))
        return avro(path)

    def block(self, *ids: int) -> bytes:
        return block_of(fastavro.parse_schema(SCHEMA), [{"id": one} for one in ids], "null", SYNC)

    def test_rows_are_numbered_alike_however_files_are_cut(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lying = avro_number(0) + self.block(1)[1:]
        cut = self.block(5, 6, 7)[:-1]
        source = self.write(tmp_path / "x.avro", lying, self.block(2, 3), cut)
        whole = taken(source)
        assert [row["id"] for row in whole[0]] == [2, 3]
        assert len(whole[1]) == 4
        monkeypatch.setattr(avro_files, "SHARD_BYTES", 1)
        assert len(source.dataset().shards) == 3
        assert taken(source) == whole

    @pytest.mark.parametrize("off", [-1, 1])
    def test_a_size_that_misses_the_marker_by_a_byte(self, tmp_path: Path, off: int) -> None:
        good = self.block(1, 2)
        wrong = good[:1] + avro_number(len(good) - 18 + off) + good[2:]
        rows, aside = taken(self.write(tmp_path / "x.avro", wrong, self.block(3), self.block(4)))
        assert [row["id"] for row in rows] == [3, 4]
        assert [one.row for one in aside] == [1, 2]
        assert "does not end where it says" in aside[0].reason

    def test_a_number_of_rows_that_cannot_be_believed(self, tmp_path: Path) -> None:
        wrong = avro_number(1_000_000) + self.block(1)[1:]
        rows, aside = taken(self.write(tmp_path / "x.avro", wrong, self.block(2)))
        assert [row["id"] for row in rows] == [2]
        assert len(aside) == 1
        assert "cannot be told" in aside[0].reason

    def read(self, path: Path, kind: Any, *values: Any) -> tuple[list[dict[str, Any]], list[Unreadable]]:
        schema = {**SCHEMA, "fields": [{"name": "a", "type": kind}]}
        plain = kind["type"] if isinstance(kind, dict) and "logicalType" in kind else kind
        rows = [{"a": value} for value in values]
        written = fastavro.parse_schema({**schema, "fields": [{"name": "a", "type": plain}]})
        path.write_bytes(b"".join(file_of(schema, [block_of(written, rows, "null", SYNC)], "null", SYNC)))
        return taken(avro(path))

    def test_a_decimal_that_no_float_holds(self, tmp_path: Path) -> None:
        kind = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 1}
        rows, aside = self.read(tmp_path / "x.avro", kind, b"\x05", b"\x01" * 500)
        assert rows == [{"a": 0.5}]
        assert [one.row for one in aside] == [2]

    @pytest.mark.parametrize("scale", [10**9, -1, "x", 1.5])
    def test_a_scale_that_makes_no_sense(self, tmp_path: Path, scale: Any) -> None:
        kind = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": scale}
        assert self.read(tmp_path / "x.avro", kind, b"\x05") == ([{"a": b"\x05"}], [])

    @pytest.mark.parametrize(
        "item",
        [
            "null",
            {"type": "null"},
            {"type": "fixed", "name": "F", "size": 0},
            {"type": "record", "name": "R", "fields": [{"name": "n", "type": "null"}]},
        ],
    )
    def test_items_of_no_bytes_might_be_any_number(self, tmp_path: Path, item: Any) -> None:
        with pytest.raises(DataError, match="arrays of items that take no bytes"):
            self.read(tmp_path / "x.avro", {"type": "array", "items": item})

    @pytest.mark.parametrize(
        "fields",
        [
            [{"name": "a", "type": "int"}, {"name": "a", "type": "int"}],
            [{"name": 5, "type": "int"}],
            [{"name": "a", "type": {"type": "record", "name": "R", "fields": [{"name": "p", "type": "int"}] * 2}}],
        ],
    )
    def test_names_that_are_there_twice_or_no_text(self, tmp_path: Path, fields: Any) -> None:
        path = tmp_path / "x.avro"
        path.write_bytes(file_of({**SCHEMA, "fields": fields}, [], "null", SYNC)[0])
        with pytest.raises(DataError, match="not Avro"):
            avro(path).dataset()

    def test_a_false_block_inside_of_a_broken_one(self, tmp_path: Path) -> None:
        # It says that it ends in the middle, where other bytes look like a block that ends with a later marker.
        good = self.block(7)
        false = avro_number(1) + avro_number(24 + len(good) - 16)
        broken = avro_number(1) + avro_number(4) + bytes(20) + false + bytes(8) + SYNC
        rows, aside = taken(self.write(tmp_path / "x.avro", broken, good, self.block(8)))
        assert [row["id"] for row in rows] == [7, 8]
        assert len(aside) == 1


class TestTFRecord:
    def frames(self, *records: bytes) -> tuple[list[bytes], list[str]]:
        found, problems = [], []
        for part in tfrecord_frames.read_frames(records, "x"):
            found += [part.data[a:b] for a, b in zip(part.starts, part.ends, strict=True)]
            problems += [one.reason for one in part.unreadable]
        return found, problems

    def test_many_wrong_lengths_are_not_looked_at_again_and_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        followed = 0
        follow = tfrecord_frames._follow

        def counting(*given: Any) -> Any:
            nonlocal followed
            found = follow(*given)
            followed += len(found[0])
            return found

        monkeypatch.setattr(tfrecord_frames, "_follow", counting)
        good = framed(b"good")
        wrong = good[:8] + bytes(4) + good[12:]
        found, problems = self.frames(b"".join([wrong, good] * 300 + [good] * 1000))
        assert (len(found), len(problems)) == (1300, 300)
        assert followed < 30 * 300 + 4 * 1000

    @pytest.mark.parametrize("size", [40, 64, 1000])
    def test_damage_is_told_alike_however_much_is_read_at_once(
        self, size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        frames = [framed(bytes([number]) * 90) for number in range(5)]
        frames[1] = frames[1][:50] + b"x" + frames[1][51:]
        frames[2] = frames[2][:8] + bytes(4) + frames[2][12:]
        data = b"".join(frames)
        whole = self.frames(data)
        monkeypatch.setattr(tfrecord_frames, "CHUNK_BYTES", size)
        pieces: Sequence[bytes] = [data[start : start + size] for start in range(0, len(data), size)]
        assert self.frames(*pieces) == whole
        assert (len(whole[0]), len(whole[1])) == (3, 2)

    def test_what_is_no_message_is_set_aside(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        path.write_bytes(framed(message_of({"a": [1]})) + framed(b"\x0b" * 200))
        rows, aside = taken(tfrecord(path, compression="none"))
        assert rows == [{"a": 1}]
        assert [one.row for one in aside] == [2]


def test_a_parquet_file_with_fewer_rows_than_its_footer_says(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1, 2, 3]}), path)
    [shard] = open_parquet(path).shards
    assert isinstance(shard, ParquetShard)
    with pytest.raises(DataError, match="it says that it has 4 rows, and has 3"):
        list(replace(shard, rows=4).read())


def test_words_that_a_dictionary_does_not_have() -> None:
    words = pa.DictionaryArray.from_arrays(pa.array([0, 7], pa.int32()), pa.array(["a"]), safe=False)
    batch = pa.RecordBatch.from_arrays([words], names=["a"])
    with pytest.raises(DataError, match="A value of column 'a' does not fit string"):
        normalise(batch, pa.schema([("a", pa.string())]))
