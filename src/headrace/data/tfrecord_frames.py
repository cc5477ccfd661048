"""The records of TFRecord files: those that are whole, and what is lost where bytes are damaged.

A record is its length (uint64, little-endian), the masked CRC-32C of the length's bytes (uint32), the data, and the
masked CRC-32C of the data (uint32).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headrace.data.source import Unreadable
from headrace.data.tfrecord_crc import crc32c, headers_at, mask, masked_crcs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

__all__ = ["CutShortError", "Frames", "is_header", "read_frames"]

HEADER = 12
FRAME = 16
CHUNK_BYTES = 8 * 2**20
# A length with a wrong checksum is tried up to here; how much is read at once makes no difference to it.
MOST_UNSURE = 4 * 2**20
# So many records are looked at together after damage, then twice as many: where there is much damage, what has been
# looked at in vain stays less than what has been read.
FIRST_RUN, MOST_RUN = 16, 1 << 20
# Arrow counts the bytes of a column of a batch in 32 bits; a longer length is taken for damage.
LARGEST_RECORD = 2**30
_LENGTH = struct.Struct("<Q").unpack_from
_CHECK = struct.Struct("<I").unpack_from


class CutShortError(Exception):
    """The bytes that were read are all that can be read, though more were there."""


@dataclass(frozen=True)
class Frames:
    """Records that stand one after the other.

    Parameters
    ----------
    data
        The bytes that hold them.
    offset
        Where in the unpacked file ``data`` begins.
    end
        Where in the unpacked file the next records begin; None while damaged bytes go on.
    starts, ends
        The data of each record that can be read, within ``data``.
    numbers
        Their numbers in the file, counted from 1; damaged bytes that stand together count as one record.
    unreadable
        Records that are damaged.
    next_number
        The number of the record after these.
    """

    data: bytes
    offset: int
    end: int | None
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]
    unreadable: list[Unreadable]
    next_number: int


def read_frames(blocks: Iterable[bytes], path: str, *, offset: int = 0, number: int = 1) -> Iterator[Frames]:
    """Yield the records in some bytes, about eight megabytes at a time.

    A record whose data do not match their checksum is left out. Where a length cannot be trusted, the next place at
    which a length and its checksum agree is looked for, and the bytes up to there count as one record.

    Parameters
    ----------
    blocks
        The unpacked bytes; an iterator that ends with CutShortError has given what can be had.
    path
        The file's name, for messages.
    offset
        Where in the unpacked file the bytes begin.
    number
        The number of the first record.
    """
    walker = _Walker(path, offset, number)
    problem = None
    waiting: list[bytes] = []
    size, wanted = 0, CHUNK_BYTES
    try:
        for block in blocks:
            waiting.append(block)
            size += len(block)
            if size >= wanted:
                yield walker.walk(b"".join(waiting), final=False)
                waiting, size = [walker.rest], len(walker.rest)
                wanted = max(CHUNK_BYTES, walker.needed)
    except CutShortError as error:
        problem = str(error)
    yield walker.walk(b"".join(waiting), final=True, problem=problem)


class _Walker:
    """Goes from record to record through one buffer after the other."""

    def __init__(self, path: str, offset: int, number: int) -> None:
        self._path = path
        self._offset = offset
        self._number = number
        self._lost: int | None = None
        self._run = FIRST_RUN
        self._starts: list[npt.NDArray[np.int64]] = []
        self._ends: list[npt.NDArray[np.int64]] = []
        self._numbers: list[npt.NDArray[np.int64]] = []
        self._unreadable: list[Unreadable] = []
        self.rest = b""
        self.needed = 0

    def walk(self, data: bytes, *, final: bool, problem: str | None = None) -> Frames:
        """Return the records of a buffer; what cannot be judged yet is kept in ``rest``."""
        self._starts, self._ends, self._numbers, self._unreadable = [], [], [], []
        offset, position = self._offset, 0
        self.needed = 0
        going = True
        while going:
            going, position = self._seek(data, position, final) if self._lost is not None else (True, position)
            if going:
                going, position = self._step(data, position, final)
        if problem is not None:
            self._lose(f"the file cannot be unpacked from byte {offset + len(data):,} of its content on: {problem}")
        self.rest = data[position:]
        self._offset = offset + position
        none = np.zeros(0, np.int64)
        return Frames(
            data,
            offset,
            self._offset if self._lost is None else None,
            np.concatenate([none, *self._starts]),
            np.concatenate([none, *self._ends]),
            np.concatenate([none, *self._numbers]),
            self._unreadable,
            self._number,
        )

    def _lose(self, reason: str) -> None:
        self._unreadable.append(Unreadable(self._path, self._number, reason))
        self._number += 1

    def _seek(self, data: bytes, position: int, final: bool) -> tuple[bool, int]:
        """Look for the end of damaged bytes."""
        found = _next_header(data, position)
        if found is None and not final:
            return False, max(position, len(data) - HEADER + 1)
        first, end = self._lost, self._offset + (len(data) if found is None else found)
        self._lose(f"bytes {first:,} to {end - 1:,} hold no whole record: they are damaged or cut short")
        self._lost = None
        return found is not None, len(data) if found is None else found

    def _step(self, data: bytes, position: int, final: bool) -> tuple[bool, int]:
        """Take the records up to the first one whose end cannot be told; return whether to go on, and where."""
        starts, end, more = _follow(data, position, self._run)
        right = _headers_right(data, starts)
        if right.all():
            self._run = min(2 * self._run, MOST_RUN)
            if more:
                # The last one is judged with what follows it.
                starts, end = starts[:-1], int(starts[-1])
        else:
            self._run = FIRST_RUN
            more = False
            trusted = int(np.argmin(right))
            starts, end = starts[:trusted], int(starts[trusted])
        lengths = np.diff(starts, append=end) - FRAME
        checks = _words(data, starts + HEADER + lengths)
        good = masked_crcs(data, starts + HEADER, lengths) == checks
        if more:
            self._take(data, starts, lengths, good)
            return True, end
        state = _judge(data, end, final)
        if len(starts) and not good[-1] and state in {"damaged", "short", "unknown", "length unsure"}:
            # Neither the data nor what comes after them are right, so the record may have lost its end.
            end = int(starts[-1])
            self._take(data, starts[:-1], lengths[:-1], good[:-1])
            if state in {"unknown", "length unsure"}:
                self.needed = len(data) - end + CHUNK_BYTES
                return False, end
            self._lost = self._offset + end
            # A header that was cut short may end in the first bytes of the next.
            return True, end + 1
        self._take(data, starts, lengths, good)
        return self._after(data, end, state)

    def _after(self, data: bytes, end: int, state: str) -> tuple[bool, int]:
        if state in {"end", "unknown"}:
            # Of the last record it is known only with what follows whether its length is right.
            self.needed = len(data) - end + CHUNK_BYTES
            return False, end
        length = _LENGTH(data, end)[0] if len(data) - end >= HEADER else 0
        if state == "long":
            self.needed = length + FRAME
            return False, end
        if state == "length unsure":
            self.needed = length + FRAME
            return False, end
        if state == "checksum wrong":
            self._lose(f"the checksum of its length, at byte {self._offset + end + 8:,}, is wrong")
            return True, end + FRAME + length
        self._lost = self._offset + end
        return True, end + 1

    def _take(
        self,
        data: bytes,
        starts: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.int64],
        good: npt.NDArray[np.bool_],
    ) -> None:
        """Take records, and those at the end of a damaged one that has lost as many bytes as they have."""
        begin = 0
        for index in np.flatnonzero(~good).tolist():
            start, end = int(starts[index]), int(starts[index] + FRAME + lengths[index])
            inner = _at_end(data, start, end)
            if inner is None:
                continue
            self._take_plain(starts[begin:index], lengths[begin:index], good[begin:index])
            first, last = self._offset + start, self._offset + int(inner[0]) - 1
            self._lose(f"bytes {first:,} to {last:,} hold no whole record: they are damaged or cut short")
            self._take_plain(inner, np.diff(inner, append=end) - FRAME, np.ones(inner.size, np.bool_))
            begin = index + 1
        self._take_plain(starts[begin:], lengths[begin:], good[begin:])

    def _take_plain(
        self, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], good: npt.NDArray[np.bool_]
    ) -> None:
        first = self._number
        for index in np.flatnonzero(~good).tolist():
            self._number = first + index
            self._lose(f"its data do not match their checksum; it begins at byte {self._offset + int(starts[index]):,}")
        self._number = first + len(starts)
        self._starts.append(starts[good] + HEADER)
        self._ends.append((starts + HEADER + lengths)[good])
        self._numbers.append(first + np.flatnonzero(good))


def _at_end(data: bytes, start: int, end: int) -> npt.NDArray[np.int64] | None:
    """Return where records begin that are whole and fill the end of a damaged one.

    They are none of its own data, which end before its checksum.
    """
    place = _next_header(data, start + 1, end)
    while place is not None:
        starts, position = [], place
        while position < end and is_header(data, position):
            starts.append(position)
            position += FRAME + _LENGTH(data, position)[0]
        if position == end:
            found = np.array(starts, np.int64)
            lengths = np.diff(found, append=end) - FRAME
            if (masked_crcs(data, found + HEADER, lengths) == _words(data, found + HEADER + lengths)).all():
                return found
        place = _next_header(data, place + 1, end)
    return None


def is_header(data: bytes, position: int = 0) -> bool:
    """Tell whether a length and its checksum agree."""
    return (
        len(data) - position >= HEADER
        and _LENGTH(data, position)[0] <= LARGEST_RECORD
        and mask(crc32c(data[position : position + 8])) == _CHECK(data, position + 8)[0]
    )


def _judge(data: bytes, end: int, final: bool) -> str:
    """Say what stands after the last record: the end, too little to tell, a record that is not whole, or damage.

    Where only the checksum of the length is wrong, the data agree with theirs.
    """
    left = len(data) - end
    if left == 0:
        return "end" if final else "unknown"
    if left < HEADER:
        return "short" if final else "unknown"
    if not is_header(data, end):
        length = _LENGTH(data, end)[0]
        if length > min(left - FRAME, MOST_UNSURE):
            return "damaged" if final or length > MOST_UNSURE else "length unsure"
        right = _one_crc(data, end + HEADER, length) == _CHECK(data, end + HEADER + length)[0]
        return "checksum wrong" if right else "damaged"
    # A record that would be whole has been walked over: this one goes on after the buffer.
    return "cut" if final else "long"


def _follow(data: bytes, position: int, most: int) -> tuple[npt.NDArray[np.int64], int, bool]:
    """Return the frames that are whole if every length is right, the place after them, and whether there are more."""
    starts: list[int] = []
    last = len(data) - FRAME
    while position <= last:
        after = position + FRAME + _LENGTH(data, position)[0]
        if after > last + FRAME:
            break
        if len(starts) == most:
            return np.array(starts, np.int64), position, True
        starts.append(position)
        position = after
    return np.array(starts, np.int64), position, False


def _words(data: bytes, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    return np.ndarray((max(len(data) - 3, 0),), "<u4", buffer=data, strides=(1,))[places]


def _headers_right(data: bytes, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return np.equal(headers_at(data, starts), _words(data, starts + 8))


def _one_crc(data: bytes, start: int, length: int) -> int:
    return int(masked_crcs(data, np.array([start]), np.array([length]))[0])


def _next_header(data: bytes, position: int, end: int | None = None) -> int | None:
    """Return the first place at or after ``position``, and before ``end``, where a length and its checksum agree."""
    first, window = position, 2**8
    while (last := (len(data) if end is None else end) - HEADER + 1) > first:
        places = np.arange(first, min(first + window, last))
        first, window = first + window, min(2 * window, 2**16)
        # Most lengths are too large, which is seen at once.
        places = places[_words(data, places + 4) == 0]
        right = np.flatnonzero(_headers_right(data, places))
        if len(right):
            return int(places[right[0]])
    return None
