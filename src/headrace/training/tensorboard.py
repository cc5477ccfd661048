"""Event files that TensorBoard reads: TFRecord frames of ``Event`` protocol buffers.

Sources: the frame is that of ``tensorflow/core/lib/io/record_writer.cc``, the messages are those of
``tensorflow/core/util/event.proto`` and ``tensorflow/core/framework/summary.proto``, the checksum is CRC-32C of
RFC 3720.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["EventWriter", "crc32c", "frame", "scalar_event"]

FILE_NAME = "events.out.tfevents.headrace"


def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of some bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    value = crc32c(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def frame(data: bytes) -> bytes:
    """Return a TFRecord: length, its checksum, the data, their checksum."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _header(wall_time: float) -> bytes:
    return struct.pack("<Bd", 1 << 3 | 1, wall_time)


def scalar_event(step: int, values: Mapping[str, float], wall_time: float) -> bytes:
    """Return an ``Event`` with a scalar for every name.

    Parameters
    ----------
    step
        Not negative.
    wall_time
        Seconds since 1970.
    """
    summary = b"".join(
        _message(1, _message(1, tag.encode()) + struct.pack("<Bf", 2 << 3 | 5, value)) for tag, value in values.items()
    )
    return _header(wall_time) + _varint(2 << 3) + _varint(step) + _message(5, summary)


class EventWriter:
    """Appends events to ``events.out.tfevents.headrace`` in a folder, which TensorBoard may watch meanwhile."""

    def __init__(self, directory: Path, wall_time: float) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / FILE_NAME).open("wb")
        self._write(_header(wall_time) + _message(3, b"brain.Event:2"))

    def scalars(self, step: int, values: Mapping[str, float], wall_time: float) -> None:
        """Write one event."""
        self._write(scalar_event(step, values, wall_time))

    def _write(self, event: bytes) -> None:
        self._file.write(frame(event))
        self._file.flush()

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
