"""The checksum of TFRecord files, of many records at once.

CRC-32C is the cyclic redundancy check of RFC 3720, appendix B.4, with the polynomial 0x1EDC6F41, bit-reflected. A
TFRecord file holds it masked: rotated right by 15 bits, plus 0xA282EAD8.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Crcs = npt.NDArray[np.uint32]

__all__ = ["crc32c", "headers_at", "mask", "masked_crcs"]

_REFLECTED = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_ALL = 0xFFFFFFFF


def _make_tables() -> tuple[Crcs, Crcs]:
    byte = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        byte = np.where(byte & 1, (byte >> 1) ^ np.uint32(_REFLECTED), byte >> 1)
    word = np.arange(65_536, dtype=np.uint32)
    for _ in range(2):
        word = byte[word & 0xFF] ^ (word >> 8)
    return byte, word


_BYTE, _WORD = _make_tables()
_BYTE_LIST = _BYTE.tolist()


def crc32c(data: bytes) -> int:
    """Return the checksum of a few bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = _ALL
    for byte in data:
        crc = _BYTE_LIST[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ _ALL


def mask(crc: int) -> int:
    """Return the checksum as a file holds it."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & _ALL


def masked_crcs(data: Any, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Crcs:
    """Return the masked checksum of each range of ``data``.

    The library google-crc32c does it where it is installed (extra ``tfx``). Otherwise all ranges go forward together,
    two bytes a step; long ones are cut into blocks, whose checksums are put together by the linearity of the code.

    Parameters
    ----------
    data
        Bytes, or an array of uint8.
    starts, lengths
        The ranges; they may overlap and be empty.

    Returns
    -------
    array of uint32, one for each range
    """
    value = _native()
    if value is None:
        crc = _crcs(np.frombuffer(data, np.uint8), starts, lengths)
    else:
        # The library reads nothing but bytes.
        ends = (starts + lengths).tolist()
        crc = np.array([value(bytes(data[a:b])) for a, b in zip(starts.tolist(), ends, strict=True)], np.uint32)
    return _masked(crc)


def headers_at(data: Any, places: npt.NDArray[np.int64]) -> Crcs:
    """Return the masked checksum of the eight bytes at each place."""
    return _masked(_crcs(np.frombuffer(data, np.uint8), places, np.full(len(places), 8)))


def _masked(crc: Crcs) -> Crcs:
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(_MASK_DELTA)


@lru_cache(maxsize=1)
def _native() -> Any:
    """Return the library's function; None where it is not installed or is Python itself."""
    try:
        import google_crc32c
    except ModuleNotFoundError:
        return None
    return google_crc32c.value if google_crc32c.implementation == "c" else None


def _crcs(data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Crcs:
    longest = int(lengths.max(initial=0))
    block = 512
    while block * block < longest:
        block *= 2
    # All blocks but a range's first are of full length, so that one operator shifts what stands before a block.
    blocks = np.maximum(-(-lengths // block), 1)
    firsts = np.cumsum(blocks) - blocks
    place = np.arange(int(blocks.sum())) - np.repeat(firsts, blocks)
    head = lengths - (blocks - 1) * block
    begin = np.repeat(starts, blocks) + np.where(place > 0, np.repeat(head, blocks) + (place - 1) * block, 0)
    size = np.where(place > 0, block, np.repeat(head, blocks))
    parts = _states(data, begin, size, np.where(place > 0, 0, _ALL).astype(np.uint32))
    crc = parts[firsts]
    for step in range(1, int(blocks.max(initial=1))):
        longer = np.flatnonzero(blocks > step)
        crc[longer] = _shifted(crc[longer], block) ^ parts[firsts[longer] + step]
    whole: Crcs = crc ^ np.uint32(_ALL)
    return whole


def _states(
    data: npt.NDArray[np.uint8],
    begin: npt.NDArray[np.int64],
    size: npt.NDArray[np.int64],
    crc: Crcs,
) -> Crcs:
    order = np.argsort(-size, kind="stable")
    position, size, crc = begin[order], size[order], crc[order]
    words = np.ndarray((max(len(data) - 1, 0),), "<u2", buffer=data, strides=(1,))
    # Ranges are in the order of falling size: those that go on are always the first ones.
    going = np.searchsorted(-size, -(2 * np.arange(1, int(size.max(initial=0)) // 2 + 1)), side="right")
    for count in going.tolist():
        state = crc[:count]
        low = (state ^ words[position[:count]]) & np.uint32(0xFFFF)
        crc[:count] = _WORD[low] ^ (state >> np.uint32(16))
        position[:count] += 2
    odd = np.flatnonzero(size % 2)
    crc[odd] = _BYTE[(crc[odd] ^ data[position[odd]]) & np.uint32(0xFF)] ^ (crc[odd] >> np.uint32(8))
    out = np.empty_like(crc)
    out[order] = crc
    return out


@lru_cache(maxsize=32)
def _shift_tables(length: int) -> Crcs:
    """Return, for each byte of a state and its place, the state after ``length`` zero bytes; length is a power of 2."""
    if length == 1:
        states: Crcs = (np.arange(256, dtype=np.uint32)[None, :] << np.array([[0], [8], [16], [24]], np.uint32)).ravel()
        after: Crcs = _BYTE[states & 0xFF] ^ (states >> 8)
        return after.reshape(4, 256)
    half = _shift_tables(length // 2)
    return _apply(half, half.ravel()).reshape(4, 256)


def _apply(tables: Crcs, crc: Crcs) -> Crcs:
    first, second, third, fourth = tables
    out: Crcs = first[crc & 0xFF] ^ second[(crc >> 8) & 0xFF] ^ third[(crc >> 16) & 0xFF] ^ fourth[crc >> 24]
    return out


def _shifted(crc: Crcs, length: int) -> Crcs:
    return _apply(_shift_tables(length), crc)
