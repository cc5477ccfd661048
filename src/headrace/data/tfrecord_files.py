"""The bytes of TFRecord files, unpacked."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Protocol

from headrace.data.filesystem import open_file
from headrace.data.tfrecord_frames import HEADER, CutShortError, is_header
from headrace.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.data.filesystem import File

__all__ = ["COMPRESSIONS", "kind_of_file", "read_blocks"]

COMPRESSIONS = ("infer", "none", "gzip", "zlib")
_BLOCK = 2**20
_PACKED_BLOCK = 2**16
_WINDOW_BITS = {"gzip": 31, "zlib": 15}


class Decompressor(Protocol):
    """What ``zlib.decompressobj`` returns."""

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        """Return what the packed bytes give."""
        ...


def kind_of_file(path: File, compression: str | None) -> str | None:
    """Return gzip, zlib or None; where ``compression`` is "infer", by the first bytes, whatever the file's name.

    Raises
    ------
    DataError
        If the file cannot be opened.
    UsageError
        If the compression is unknown.
    """
    if compression in {None, "none"}:
        return None
    if compression in _WINDOW_BITS:
        return compression
    if compression != "infer":
        fix = did_you_mean(str(compression), COMPRESSIONS)
        raise UsageError("The compression of TFRecord files is unknown", got=compression, fix=fix)
    try:
        with open_file(path) as file:
            head = file.read(HEADER)
    except OSError as error:
        raise DataError("The file cannot be opened", got=str(error), where=str(path)) from error
    if is_header(head):
        return None
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    # RFC 1950: the method is 8 (deflate), and the two bytes as a number are a multiple of 31.
    return "zlib" if len(head) > 1 and head[0] & 0x8F == 8 and int.from_bytes(head[:2], "big") % 31 == 0 else None


def read_blocks(path: File, kind: str | None, start: int = 0, size: int | None = None) -> Iterator[bytes]:
    """Yield the unpacked bytes of a file.

    Parameters
    ----------
    kind
        gzip, zlib or None.
    start, size
        A range of a file that is not packed.

    Raises
    ------
    CutShortError
        After all that can be unpacked, if the packed bytes are damaged or end early.
    DataError
        If the file cannot be read, or has become shorter than ``size``.
    """
    try:
        with open_file(path) as file:
            if kind is not None:
                yield from _unpacked(file, _WINDOW_BITS[kind])
                return
            file.seek(start)
            left = size
            while block := file.read(_BLOCK if left is None else min(_BLOCK, left)):
                left = None if left is None else left - len(block)
                yield block
    except OSError as error:
        raise DataError("The file cannot be read", got=str(error), where=str(path)) from error
    if left:
        raise DataError("The file has changed while it was read", where=str(path), fix="Read it again")


def _unpacked(file: IO[bytes], bits: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(bits)
    packed = file.read(_PACKED_BLOCK)
    while packed:
        before = unpacker.copy()
        try:
            block = unpacker.decompress(packed, _BLOCK)
        except zlib.error as error:
            yield from _up_to_damage(before, packed)
            raise CutShortError(str(error)) from error
        if block:
            yield block
        if unpacker.eof:
            # Packed files may stand one after the other, with zeros between them.
            packed = (unpacker.unused_data or file.read(_PACKED_BLOCK)).lstrip(b"\0")
            while not packed and (more := file.read(_PACKED_BLOCK)):
                packed = more.lstrip(b"\0")
            if packed:
                unpacker = zlib.decompressobj(bits)
        else:
            packed = unpacker.unconsumed_tail or file.read(_PACKED_BLOCK)
    if not unpacker.eof:
        while block := unpacker.decompress(b"", _BLOCK):
            yield block
        raise CutShortError("the packed bytes end early")


def _up_to_damage(unpacker: Decompressor, packed: bytes) -> Iterator[bytes]:
    """Yield what a block gives before the byte at which unpacking fails."""
    with suppress(zlib.error):
        for index in range(len(packed)):
            if block := unpacker.decompress(packed[index : index + 1]):
                yield block
