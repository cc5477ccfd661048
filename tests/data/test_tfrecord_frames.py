from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headrace.data import tfrecord_frames
from headrace.data.tfrecord_crc import crc32c, mask
from headrace.data.tfrecord_frames import CutShortError, is_header, read_frames
from headrace.data.tfrecord_writer import frame_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.data.source import Unreadable

RECORDS = [b"first", b"", b"third " * 30, b"\x00" * 40, b"fifth"]


def frame(record: bytes) -> bytes:
    """Write a record, one byte after the other as the format says."""
    length = struct.pack("<Q", len(record))
    return length + struct.pack("<I", mask(crc32c(length))) + record + struct.pack("<I", mask(crc32c(record)))


def blocks(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read(data: bytes, *, block: int = 64, chunk: int = 100) -> tuple[list[tuple[int, bytes]], list[Unreadable]]:
    """Read with small buffers, so that every case is met at the end of one."""
    records, unreadable = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfrecord_frames, "CHUNK_BYTES", chunk)
        for frames in read_frames(blocks(data, block), "x"):
            for start, end, number in zip(frames.starts, frames.ends, frames.numbers, strict=True):
                records.append((int(number), frames.data[start:end]))
            unreadable += frames.unreadable
    return records, unreadable


def test_the_writer_writes_the_format() -> None:
    assert frame_records(RECORDS) == b"".join(map(frame, RECORDS))
    assert is_header(frame(b"abc"))
    assert not is_header(frame(b"abc")[:11])


@settings(deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=12), st.integers(1, 200), st.integers(16, 300))
def test_whole_files(records: list[bytes], block: int, chunk: int) -> None:
    got, unreadable = read(frame_records(records), block=block, chunk=chunk)
    assert not unreadable
    assert got == list(enumerate(records, 1))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=8), st.data(), st.integers(16, 300))
def test_one_flipped_bit_costs_one_record(records: list[bytes], data: st.DataObject, chunk: int) -> None:
    whole = bytearray(frame_records(records))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    ends = [sum(16 + len(record) for record in records[: index + 1]) for index in range(len(records))]
    hit = next(index for index, end in enumerate(ends) if place < end)
    got, unreadable = read(bytes(whole), chunk=chunk)
    assert [row.row for row in unreadable] == [hit + 1]
    assert got == [(index + 1, record) for index, record in enumerate(records) if index != hit]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=8), st.data())
def test_a_file_that_is_cut_short(records: list[bytes], data: st.DataObject) -> None:
    whole = frame_records(records)
    length = data.draw(st.integers(0, len(whole)))
    got, unreadable = read(whole[:length])
    ends = [sum(16 + len(record) for record in records[: index + 1]) for index in range(len(records))]
    kept = sum(end <= length for end in ends)
    assert [record for _, record in got] == records[:kept]
    assert len(unreadable) == (0 if length in {0, *ends} else 1)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=6),
    st.lists(st.binary(max_size=40), max_size=6),
    st.binary(max_size=50),
    st.data(),
    st.integers(16, 300),
)
def test_spliced_files(first: list[bytes], second: list[bytes], junk: bytes, data: st.DataObject, chunk: int) -> None:
    one = frame_records(first)
    cut = data.draw(st.integers(0, len(one)))
    whole = one[:cut] + junk + frame_records(second)
    kept = sum(sum(16 + len(record) for record in first[: index + 1]) <= cut for index in range(len(first)))
    # A record that lost its end, and ends by its length where another one ends, is one with wrong data by all that can
    # be seen; one of eight bytes that lost all behind its head has the next one's head for data and checksum.
    start = sum(16 + len(record) for record in first[:kept])
    length = len(first[kept]) if kept < len(first) else 0
    ends = {cut + len(junk) + sum(16 + len(record) for record in second[:index]) for index in range(len(second) + 1)}
    assume(start + 16 + length not in ends or cut - start < 12)
    assume(length != 8 or cut - start != 12 or junk)
    # The junk may be just what was cut off.
    assume(kept == len(first) or whole[: start + 16 + length] != one[: start + 16 + length])
    got, unreadable = read(whole, chunk=chunk)
    # What is whole is read, whatever stands between.
    assert [record for _, record in got] == [*first[:kept], *second]
    there = bool(junk) or cut != sum(16 + len(record) for record in first[:kept])
    assert len(unreadable) == there
    numbers = sorted([number for number, _ in got] + [row.row for row in unreadable])
    assert numbers == list(range(1, len(got) + len(unreadable) + 1))


def test_reasons_say_where() -> None:
    whole = bytearray(frame_records(RECORDS))
    whole[14] ^= 1  # the data of the first
    whole[21 + 8] ^= 1  # the checksum of the second's length
    whole[21 + 16] ^= 1  # the length of the third
    _, unreadable = read(bytes(whole) + b"rest", chunk=1000)
    assert [str(row) for row in unreadable] == [
        "x, row 1: its data do not match their checksum; it begins at byte 0",
        "x, row 2: the checksum of its length, at byte 29, is wrong",
        "x, row 3: bytes 37 to 232 hold no whole record: they are damaged or cut short",
        "x, row 6: bytes 310 to 313 hold no whole record: they are damaged or cut short",
    ]


def test_a_length_that_no_record_has() -> None:
    length = struct.pack("<Q", 2**40)
    lying = length + struct.pack("<I", mask(crc32c(length)))
    got, unreadable = read(lying + frame(b"abc"))
    assert got == [(2, b"abc")]
    assert len(unreadable) == 1
    far = struct.pack("<Q", 10_000)
    got, unreadable = read(far + struct.pack("<I", mask(crc32c(far))) + frame(b"abc"))
    assert got == [(2, b"abc")]
    assert len(unreadable) == 1


def test_records_in_a_damaged_record_are_not_taken_for_records() -> None:
    nested = frame(frame(b"inner"))
    for place in (14, len(nested) - 1, 9):  # the data, their checksum, the length's checksum
        damaged = bytearray(nested)
        damaged[place] ^= 1
        got, unreadable = read(bytes(damaged) + frame(b"next"), chunk=1000)
        assert got == [(2, b"next")]
        assert len(unreadable) == 1


def test_a_header_cut_short_that_the_next_one_completes() -> None:
    """The last byte of a checksum is missing, and the next record begins with just that byte."""
    cut = frame(b"x" * 10)[:11]
    following = b"y" * frame(b"x" * 10)[11]
    assert is_header(cut + frame(following)[:1])
    records, unreadable = read(frame(b"first") + cut + frame(following) + frame(b"last"))
    assert [record for _, record in records] == [b"first", following, b"last"]
    assert len(unreadable) == 1


@pytest.mark.parametrize("inner", [[b"inner"], [b"one", b"", b"three" * 20]])
def test_records_behind_one_that_has_lost_as_many_bytes_as_they_have(inner: list[bytes]) -> None:
    following = b"".join(frame(record) for record in inner)
    lost = frame(b"x" * (len(following) + 40))
    data = frame(b"first") + lost[: len(lost) - len(following)] + following + frame(b"last")
    for chunk in (100, 1000):
        records, unreadable = read(data, chunk=chunk)
        assert [record for _, record in records] == [b"first", *inner, b"last"]
        assert [number for number, _ in records] == [1, *range(3, 4 + len(inner))]
        assert [row.row for row in unreadable] == [2]


def test_what_could_not_be_unpacked_is_lost() -> None:
    def cut() -> Iterator[bytes]:
        yield frame(b"one") + frame(b"two")[:-1]
        raise CutShortError("out of paper")

    [frames] = read_frames(cut(), "x")
    assert frames.starts.tolist() == [12]
    assert [row.row for row in frames.unreadable] == [2, 3]
    assert "from byte 37 of its content on: out of paper" in frames.unreadable[1].reason


def test_noise_ends() -> None:
    noise = random.Random(0).randbytes(300_000) + bytes(100_000)
    got, unreadable = read(noise, block=10_000, chunk=50_000)
    assert not got
    assert len(unreadable) == 1
