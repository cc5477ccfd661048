"""Where the records of a CSV file begin and end."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

__all__ = ["Chunk", "Dialect", "Records", "cut_chunks", "find_records", "for_arrow", "line_breaks"]

MARK = b"\xef\xbb\xbf"
CHUNK_BYTES = 8 << 20
# A quote that is not closed within so many bytes is a stray one; else one stray quote would swallow the file.
MAX_RECORD_BYTES = 32 << 20


@dataclass(frozen=True)
class Dialect:
    """The characters that shape records."""

    separator: str
    quote: str | None
    comment: str | None


@dataclass(frozen=True)
class Chunk:
    """Whole records of a file.

    Parameters
    ----------
    offset
        Of the first byte in the (unpacked) file.
    line
        Of the first byte, counted from 1.
    data
        The bytes.
    lines
        How many lines they are, where only quotes could make a record of several: all end in LF, none is a comment;
        else None.
    """

    offset: int
    line: int
    data: bytes | bytearray
    lines: int | None = None


@dataclass(frozen=True)
class Records:
    """The records of a chunk: all that are neither blank nor comments.

    Parameters
    ----------
    starts, ends
        int64 offsets into the chunk; the end is before the line break.
    nexts
        int64 offsets after the line break.
    lines
        int64 numbers of the lines that the records begin on.
    stray
        bool: the record has a quote that is never closed.
    whole
        The chunk holds nothing else, and nothing stray.
    """

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    nexts: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]
    stray: npt.NDArray[np.bool_]
    whole: bool

    def __len__(self) -> int:
        return len(self.starts)


@lru_cache
def _quoted(dialect: Dialect) -> re.Pattern[bytes]:
    # A quote is special at the start of a field only; the pattern begins with the quote itself, for which the search
    # jumps ahead. The other branch steps over comments.
    quote = re.escape(str(dialect.quote)).encode()
    separator = re.escape(dialect.separator).encode()
    inside = rb"[^" + quote + rb"]*+(?:" + quote * 2 + rb"[^" + quote + rb"]*+)*+"
    begins = rb"(?:(?<=[" + separator + rb"\r\n]" + quote + rb")|(?<=\A" + quote + rb"))"
    pattern = quote + begins + inside + rb"(" + quote + rb"|\Z)"
    if dialect.comment is not None:
        comment = re.escape(dialect.comment).encode()
        pattern += rb"|" + comment + rb"(?:(?<=[\r\n]" + comment + rb")|(?<=\A" + comment + rb"))[^\r\n]*+"
    return re.compile(pattern)


def _spans(data: bytes | bytearray, dialect: Dialect) -> tuple[list[tuple[int, int]], int | None]:
    """Return the quoted spans with line breaks in them, and the offset of a quote that is not closed."""
    if dialect.quote is None or dialect.quote.encode() not in data:
        return [], None
    spans: list[tuple[int, int]] = []
    for match in _quoted(dialect).finditer(data):
        closing = match.group(1)
        if closing is None:
            continue
        start, end = match.span()
        if not closing:
            return spans, start
        if data.find(b"\n", start, end) >= 0 or data.find(b"\r", start, end) >= 0:
            spans.append((start, end))
    return spans, None


def _pairs(data: bytes | bytearray, dialect: Dialect) -> npt.NDArray[np.int64] | None:
    """Return the offsets of all quotes where they open and close by turns and nothing is in doubt; else None.

    Each opening quote begins a field, or is the second of two that stand for one; each closing quote ends a field or
    is the first of two. The last may be open still.
    """
    if dialect.quote is None or dialect.quote.encode() not in data:
        return np.empty(0, np.int64)
    if dialect.comment is not None and dialect.comment.encode() in data:
        return None
    array = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(array == ord(dialect.quote))
    beside = np.zeros(256, bool)
    beside[[ord(dialect.separator), ord("\n"), ord("\r"), ord(dialect.quote)]] = True
    opening, closing = quotes[::2], quotes[1::2]
    if len(opening) and opening[0] == 0:
        opening = opening[1:]
    plain = beside[array[opening - 1]].all() and beside[array[np.minimum(closing + 1, len(data) - 1)]].all()
    return quotes if plain else None


def line_breaks(data: bytes | bytearray) -> npt.NDArray[np.int64]:
    """Return the offsets of the last byte of each line break: LF, CR LF or CR."""
    array = np.frombuffer(data, np.uint8)
    breaks = array == 10
    if b"\r" in data:
        alone = array == 13
        alone[:-1] &= array[1:] != 10
        breaks |= alone
    return np.flatnonzero(breaks)


def _inner_breaks(
    data: bytes | bytearray, breaks: npt.NDArray[np.int64], dialect: Dialect
) -> tuple[npt.NDArray[np.bool_], list[int]]:
    """Return which line breaks are inside quotes, and the offsets of quotes that are never closed."""
    inner = np.zeros(len(breaks), bool)
    strays: list[int] = []
    base = 0
    while True:
        spans, stray = _spans(data[base:] if base else data, dialect)
        if spans:
            bounds = np.searchsorted(breaks, np.array(spans, np.int64) + base)
            depth = np.zeros(len(breaks) + 1, np.int64)
            np.add.at(depth, bounds[:, 0], 1)
            np.add.at(depth, bounds[:, 1], -1)
            inner |= np.cumsum(depth)[:-1] > 0
        if stray is None:
            break
        stray += base
        strays.append(stray)
        after = int(np.searchsorted(breaks, stray))
        if after == len(breaks):
            break
        base = int(breaks[after]) + 1
    return inner, strays


def find_records(data: bytes | bytearray, dialect: Dialect, line: int = 1) -> Records:
    """Find the records of a chunk."""
    breaks = line_breaks(data)
    pairs = _pairs(data, dialect)
    if pairs is not None and len(pairs) % 2 == 0:
        inner = np.searchsorted(pairs, breaks) % 2 == 1
        strays: list[int] = []
    else:
        inner, strays = _inner_breaks(data, breaks, dialect)
    nexts = breaks[~inner] + 1
    if len(data) and (not len(nexts) or nexts[-1] != len(data)):
        nexts = np.append(nexts, len(data))
    starts = np.concatenate([np.zeros(1, np.int64), nexts[:-1]]) if len(nexts) else nexts
    array = np.frombuffer(data, np.uint8)
    ends = nexts.copy()
    for char in (10, 13):
        ends -= (ends > starts) & (array[np.maximum(ends, 1) - 1] == char)
    lines = line + np.searchsorted(breaks, starts)
    keep = ends > starts
    if dialect.comment is not None and len(starts):
        keep &= array[starts] != ord(dialect.comment)
    bad = np.zeros(len(starts), bool)
    if strays:
        bad[np.searchsorted(nexts, strays, side="right")] = True
    whole = bool(keep.all()) and not strays
    return Records(starts[keep], ends[keep], nexts[keep], lines[keep], bad[keep], whole)


def cut_chunks(stream: IO[bytes], dialect: Dialect, *, skip_lines: int = 0, size: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Cut a stream into chunks of whole records, each about ``size`` bytes."""
    buffer = _longer(bytearray(), stream, size)
    offset = 0
    line = 1
    if buffer.startswith(MARK):
        del buffer[:3]
        offset = 3
    finished = False
    while buffer or not finished:
        # The last byte may be a CR whose LF is still to come.
        while skip_lines and (found := line_breaks(buffer.removesuffix(b"\r"))).size:
            skipped = min(skip_lines, len(found))
            cut = int(found[skipped - 1]) + 1
            del buffer[:cut]
            offset += cut
            line += skipped
            skip_lines -= skipped
        before = len(buffer)
        buffer = _longer(buffer, stream, max(size - before, size // 4, 1))
        finished = len(buffer) == before
        if finished:
            if buffer and not skip_lines:
                yield Chunk(offset, line, buffer, _count_lines(buffer, dialect))
            return
        if skip_lines or len(buffer) < size:
            continue
        cut = _boundary(buffer, dialect)
        if cut:
            rest = buffer[cut:]
            del buffer[cut:]
            lines = _count_lines(buffer, dialect)
            yield Chunk(offset, line, buffer, lines)
            line += len(line_breaks(buffer)) if lines is None else lines
            offset += cut
            buffer = rest


def for_arrow(data: bytes | bytearray) -> bytes | bytearray:
    """Return bytes of which Arrow's parser reads all: it skips a byte order mark, which here is part of a text."""
    return MARK + data if data.startswith(MARK) else data


def _longer(buffer: bytearray, stream: IO[bytes], size: int) -> bytearray:
    """Return the buffer and up to ``size`` bytes more.

    New memory is dear, as the system hands it out page by page: so what is read goes where it stays.
    """
    if not isinstance(stream, io.BufferedReader):
        return buffer + stream.read(size)
    used = len(buffer)
    longer = bytearray(used + size)
    longer[:used] = buffer
    with memoryview(longer) as view, view[used:] as free:
        found = stream.readinto(free)
    del longer[used + found :]
    return longer


def _count_lines(data: bytes | bytearray, dialect: Dialect) -> int | None:
    """Return the number of lines where each ends in LF and none is a comment; else None."""
    if not data.endswith(b"\n") or b"\r" in data or (dialect.comment is not None and dialect.comment.encode() in data):
        return None
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def _boundary(buffer: bytes | bytearray, dialect: Dialect) -> int:
    """Return the offset after the last record that surely ends in the buffer; 0 where none does."""
    pairs = _pairs(buffer, dialect)
    if pairs is not None:
        end = len(buffer) - 1
        while end > 0 and (cut := max(buffer.rfind(b"\n", 0, end), buffer.rfind(b"\r", 0, end))) >= 0:
            cut += buffer[cut : cut + 2] == b"\r\n"
            quotes = int(np.searchsorted(pairs, cut))
            if quotes % 2 == 0:
                return cut + 1
            end = int(pairs[quotes - 1])
    spans, stray = _spans(buffer, dialect)
    # The last byte may be a CR whose LF is still to come, or a quote that is about to be doubled.
    end = len(buffer) - 1 if stray is None else stray
    if spans:
        breaks = line_breaks(buffer)
        breaks = breaks[breaks < end]
        bounds = np.array(spans, np.int64)
        before = np.searchsorted(bounds[:, 0], breaks, side="right") - 1
        outside = breaks[(before < 0) | (breaks >= bounds[before, 1])]
        if len(outside):
            return int(outside[-1]) + 1
    elif (cut := max(buffer.rfind(b"\n", 0, end), buffer.rfind(b"\r", 0, end))) >= 0:
        return cut + (2 if buffer[cut : cut + 2] == b"\r\n" else 1)
    if stray is not None and len(buffer) > MAX_RECORD_BYTES:
        breaks = line_breaks(buffer[stray:-1])
        return stray + int(breaks[0]) + 1 if len(breaks) else 0
    return 0
