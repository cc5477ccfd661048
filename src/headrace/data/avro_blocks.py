"""The container of Avro files: its header, and where its blocks are (as the specification of Apache Avro has it)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Block", "Header", "container", "find_blocks", "read_header"]

MAGIC = b"Obj\x01"
SYNC_BYTES = 16
MAX_HEADER_BYTES = 64 << 20
# A block that ends with its marker may say that it has so many rows, or so many to a byte of it, and a broken block so
# many to a byte: more is a sign that the number itself is broken.
PLAUSIBLE_ROWS = 1 << 20
PLAUSIBLE_ROWS_A_BYTE = 2_000
PLAUSIBLE_ROWS_A_BROKEN_BYTE = 100
_SEARCH_BYTES = 1 << 20


@dataclass(frozen=True)
class Header:
    """The head of a file.

    Parameters
    ----------
    schema
        As JSON has it.
    codec
        How blocks are packed.
    sync
        The 16 bytes after each block.
    end
        The offset of the first block.
    """

    schema: Any
    codec: str
    sync: bytes
    end: int


@dataclass(frozen=True)
class Block:
    """A block of rows, or what stands where one should.

    Parameters
    ----------
    start, end
        Offsets in the file; the end is after the sync marker.
    rows
        How many it says that it has; None where that cannot be believed.
    fault
        Why it cannot be read.
    """

    start: int
    end: int
    rows: int | None
    fault: str | None = None

    @property
    def plausible_rows(self) -> int | None:
        """How many rows a block that cannot be decoded has, where what it says can be believed."""
        most = PLAUSIBLE_ROWS_A_BROKEN_BYTE * (self.end - self.start)
        return self.rows if self.rows is not None and 0 < self.rows <= most else None


class _Short(Exception):  # noqa: N818 - there are fewer bytes than wanted; never leaves this module
    pass


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Read a zig-zag number of variable length; return it, and the offset after it."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise _Short
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _take(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _number(data, at)
    if size < 0:
        raise ValueError("a negative length")
    if at + size > len(data):
        raise _Short
    return data[at : at + size], at + size


def _parse(data: bytes) -> Header:
    at = len(MAGIC)
    facts: dict[bytes, bytes] = {}
    while True:
        count, at = _number(data, at)
        if count == 0:
            break
        if count < 0:
            count = -count
            _, at = _number(data, at)
        for _ in range(count):
            key, at = _take(data, at)
            facts[key], at = _take(data, at)
    if at + SYNC_BYTES > len(data):
        raise _Short
    codec = facts.get(b"avro.codec", b"null").decode() or "null"
    return Header(json.loads(facts[b"avro.schema"]), codec, data[at : at + SYNC_BYTES], at + SYNC_BYTES)


def read_header(stream: IO[bytes], where: str) -> Header:
    """Read the head of a file.

    Raises
    ------
    DataError
        If the file is not Avro.
    """
    data = stream.read(_SEARCH_BYTES)
    if not data:
        raise DataError("The file is empty", where=where, fix="An Avro file has at least a header")
    if not data.startswith(MAGIC):
        raise DataError("The file is not Avro", got=f"it begins with {data[:8]!r}", where=where)
    while True:
        try:
            return _parse(data)
        except _Short:
            more = stream.read(len(data)) if len(data) < MAX_HEADER_BYTES else b""
            if not more:
                raise DataError("The file ends inside of its header", where=where, fix="Copy it again") from None
            data += more
        except (ValueError, KeyError, RecursionError) as error:
            raise DataError(
                "The header of the file cannot be read as Avro", got=f"{type(error).__name__}: {error}", where=where
            ) from error


def container(header: Header, schema: Any) -> bytes:
    """Return the head of a file with the same blocks and another schema."""
    facts = {b"avro.schema": json.dumps(schema).encode(), b"avro.codec": header.codec.encode()}
    out = MAGIC + _written(len(facts))
    for key, value in facts.items():
        out += _written(len(key)) + key + _written(len(value)) + value
    return out + _written(0) + header.sync


def _written(number: int) -> bytes:
    rest, out = number << 1, b""
    while rest > 0x7F:
        out += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    return out + bytes([rest])


def find_blocks(stream: IO[bytes], header: Header, start: int, end: int) -> Iterator[Block]:
    """Yield the blocks between two offsets, reading the head and the sync marker of each.

    Where a block does not end with the marker, it ends after the next one: what stands between is one broken block.
    """
    at = start
    while at < end:
        rows, stop, whole = _claim(stream, header, at, end)
        if whole:
            believed = rows <= max(PLAUSIBLE_ROWS, (stop - at) * PLAUSIBLE_ROWS_A_BYTE)
            yield Block(at, stop, rows) if believed else Block(at, stop, None, f"it says that it has {rows:,} rows")
            at = stop
            continue
        fault, after = "it does not end where it says", _next_sync(stream, header.sync, at, end)
        # The next marker is the next block's, if that begins where this one says that it ends; else it is this one's.
        if stop == after == end or (stop < after and _claim(stream, header, stop, end)[1:] == (after, True)):
            fault, after = "its sync marker is broken", stop
        believed = 0 < rows <= PLAUSIBLE_ROWS_A_BROKEN_BYTE * (after - at)
        yield Block(at, after, rows if believed else None, fault)
        at = after


def _claim(stream: IO[bytes], header: Header, at: int, end: int) -> tuple[int, int, bool]:
    """Return how many rows a block says that it has, where it says that it ends, and whether the marker is there."""
    stream.seek(at)
    head = stream.read(20)
    try:
        rows, place = _number(head, 0)
        size, place = _number(head, place)
    except (_Short, ValueError):
        return -1, end + 1, False
    stop = at + place + size + SYNC_BYTES
    if min(rows, size) < 0 or stop > end:
        return rows, end + 1, False
    stream.seek(stop - SYNC_BYTES)
    return rows, stop, stream.read(SYNC_BYTES) == header.sync


def _next_sync(stream: IO[bytes], sync: bytes, at: int, end: int) -> int:
    """Return the offset after the next sync marker, or the end."""
    stream.seek(at)
    held = b""
    while at < end:
        more = stream.read(min(_SEARCH_BYTES, end - at))
        if not more:
            break
        found = (held + more).find(sync)
        if found >= 0:
            return at - len(held) + found + SYNC_BYTES
        at += len(more)
        held = (held + more)[-(SYNC_BYTES - 1) :]
    return end
