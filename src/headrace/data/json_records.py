"""Where the rows of JSON files begin and end: one a line, or the elements of one array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

__all__ = ["Form", "Piece", "Rows", "cut_pieces", "form_of", "rows_of"]

Form = Literal["lines", "array"]
PIECE_BYTES = 4 << 20
# A row that is longer is set aside, so that a file of another kind is not read into memory as one line.
MAX_ROW_BYTES = 64 << 20
PEEK_BYTES = 64 << 10
_BLANK = b" \t\r\n"
_TOO_LONG = f"longer than {MAX_ROW_BYTES >> 20} MB"
# What a byte does to the depth of brackets, and 2 for the comma.
_TURNS = np.zeros(256, np.int8)
_TURNS[[ord("["), ord("{")]] = 1
_TURNS[[ord("]"), ord("}")]] = -1
_TURNS[ord(",")] = 2


@dataclass(frozen=True)
class Piece:
    """Whole rows of a file.

    Parameters
    ----------
    offset
        Of the first byte in the (unpacked) file.
    line
        Of the first byte, counted from 1.
    data
        The bytes; of an array, its elements with the commas between them.
    fault
        Why the bytes are no rows; then they count as one.
    """

    offset: int
    line: int
    data: bytes
    fault: str | None = None


@dataclass(frozen=True)
class Rows:
    """The rows of a piece.

    Parameters
    ----------
    data
        One row a line.
    starts, ends
        int64 offsets into ``data``, blanks around the rows left out.
    numbers
        int64 numbers of the lines that the rows begin on in the file.
    faults
        By index of the row: why it cannot be read at all.
    """

    data: bytes
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]
    faults: dict[int, str]

    def __len__(self) -> int:
        return len(self.starts)

    def part(self, first: int, last: int) -> Rows:
        """Return the rows ``first`` to ``last - 1``, of which there is one."""
        base = int(self.starts[first])
        return Rows(
            self.data[base : int(self.ends[last - 1])],
            self.starts[first:last] - base,
            self.ends[first:last] - base,
            self.numbers[first:last],
            {index - first: fault for index, fault in self.faults.items() if first <= index < last},
        )

    def text(self, index: int) -> bytes:
        """Return the bytes of a row."""
        return self.data[int(self.starts[index]) : int(self.ends[index])]


def form_of(stream: IO[bytes]) -> Form:
    """Tell whether the rows of a file are its lines or the elements of one array; reads its beginning."""
    head = b""
    while len(head) < PEEK_BYTES and (more := stream.read(PEEK_BYTES - len(head))):
        head += more
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    if not head.startswith(b"["):
        return "lines"
    first, _, rest = head.partition(b"\n")
    if rest.strip(_BLANK):
        try:
            msgspec.json.decode(first)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return "array"
        # A line that is a whole array is a row that is no object, among other lines.
        return "lines"
    return "array"


def cut_pieces(stream: IO[bytes], form: Form, size: int = PIECE_BYTES) -> Iterator[Piece]:
    """Cut a stream into pieces of whole rows, each about ``size`` bytes."""
    buffer = stream.read(size)
    offset = 3 if buffer.startswith(b"\xef\xbb\xbf") else 0
    buffer = buffer[offset:]
    if form == "lines":
        yield from _cut_lines(stream, buffer, offset, size)
    else:
        yield from _cut_array(stream, buffer, offset, size)


def _cut_lines(stream: IO[bytes], buffer: bytes, offset: int, size: int) -> Iterator[Piece]:
    line = 1
    while buffer:
        cut = buffer.rfind(b"\n") + 1
        if cut and len(buffer) >= size:
            yield Piece(offset, line, buffer[:cut])
            line += buffer.count(b"\n", 0, cut)
            offset += cut
            buffer = buffer[cut:]
        if len(buffer) > MAX_ROW_BYTES:
            head, length = buffer[:1000], len(buffer)
            rest = b""
            while not rest and (more := stream.read(size)):
                at = more.find(b"\n") + 1
                length += at or len(more)
                rest = more[at:] if at else b""
                if at:
                    break
            yield Piece(offset, line, head, _TOO_LONG)
            offset, line, buffer = offset + length, line + 1, rest
        more = stream.read(max(size - len(buffer), size // 4, len(buffer) // 2, 1))
        if not more:
            if buffer:
                yield Piece(offset, line, buffer)
            return
        buffer += more


def _cut_array(stream: IO[bytes], buffer: bytes, offset: int, size: int) -> Iterator[Piece]:
    while b"[" not in buffer and (more := stream.read(size)):
        buffer += more
    begin = buffer.find(b"[") + 1
    line = 1 + buffer.count(b"\n", 0, begin)
    offset, buffer = offset + begin, buffer[begin:]
    finished = False
    while True:
        commas, end = _elements(buffer)
        if end is not None:
            if buffer[:end].strip(_BLANK):
                yield Piece(offset, line, buffer[:end])
            yield from _after(stream, buffer[end + 1 :], offset + end + 1, line + buffer.count(b"\n", 0, end), size)
            return
        if finished:
            last = int(commas[-1]) + 1 if len(commas) else 0
            whole = buffer if buffer[last:].strip(_BLANK) else buffer[: max(last - 1, 0)]
            if whole.strip(_BLANK):
                yield Piece(offset, line, whole)
            if not _is_json(buffer[last:]):
                return
            yield Piece(offset + len(buffer), line + buffer.count(b"\n"), b"", "the file ends before its array does")
            return
        if len(commas) and len(buffer) >= size:
            cut = int(commas[-1])
            yield Piece(offset, line, buffer[:cut])
            line += buffer.count(b"\n", 0, cut + 1)
            offset += cut + 1
            buffer = buffer[cut + 1 :]
        elif len(buffer) > MAX_ROW_BYTES:
            # Where the next element begins cannot be told any more.
            yield Piece(offset, line, buffer[:1000], f"{_TOO_LONG}, and so is what follows it")
            return
        more = stream.read(max(size - len(buffer), size // 4, len(buffer)))
        finished = not more
        buffer += more


def _is_json(text: bytes) -> bool:
    """Tell whether a text is nothing, or a whole value."""
    try:
        return not text.strip(_BLANK) or msgspec.json.decode(text, type=msgspec.Raw) is not None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _after(stream: IO[bytes], rest: bytes, offset: int, line: int, size: int) -> Iterator[Piece]:
    while True:
        blank = len(rest) - len(rest.lstrip(_BLANK))
        if blank < len(rest):
            line += rest.count(b"\n", 0, blank)
            yield Piece(offset + blank, line, rest[blank : blank + 1000], "the array has ended before this")
            return
        line += rest.count(b"\n")
        offset += len(rest)
        rest = stream.read(size)
        if not rest:
            return


def _elements(data: bytes) -> tuple[npt.NDArray[np.int64], int | None]:
    """Return the offsets of the commas between elements, and that of the bracket that closes the array."""
    array = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(array == 34)
    if b"\\" in data and len(quotes):
        others = np.flatnonzero(array != 92)
        # A quote is escaped where an odd number of backslashes stands before it.
        before = np.searchsorted(others, quotes) - 1
        last = np.where(before >= 0, others[np.maximum(before, 0)], -1)
        quotes = quotes[(quotes - 1 - last) % 2 == 0]
    turns = _TURNS[array]
    places = np.flatnonzero(turns)
    places = places[np.searchsorted(quotes, places) % 2 == 0]
    steps = turns[places].astype(np.int64)
    depth = np.cumsum(np.where(steps == 2, 0, steps))
    closing = np.flatnonzero(depth < 0)
    end = int(places[closing[0]]) if len(closing) else None
    commas = places[(steps == 2) & (depth == 0)]
    return (commas if end is None else commas[commas < end]), end


def rows_of(piece: Piece, form: Form) -> Rows:
    """Find the rows of a piece."""
    if piece.fault is not None:
        one = np.zeros(1, np.int64)
        return Rows(piece.data, one, one + len(piece.data), one + piece.line, {0: piece.fault})
    array = np.frombuffer(piece.data, np.uint8)
    breaks = np.flatnonzero(array == 10)
    if form == "lines":
        starts = np.concatenate([np.zeros(1, np.int64), breaks + 1])
        ends = np.append(breaks, len(array))
        numbers = piece.line + np.arange(len(starts))
        starts, ends = _trimmed(array, starts, ends)
        kept = ends > starts
        return Rows(piece.data, starts[kept], ends[kept], numbers[kept], {})
    commas, _ = _elements(piece.data)
    starts = np.concatenate([np.zeros(1, np.int64), commas + 1])
    ends = np.append(commas, len(array))
    starts, ends = _trimmed(array, starts, ends)
    numbers = piece.line + np.searchsorted(breaks, starts)
    changed = array.copy()
    # Within strings JSON has no line breaks.
    changed[breaks] = 32
    changed[commas] = 10
    empty = np.flatnonzero(ends <= starts).tolist()
    return Rows(changed.tobytes(), starts, ends, numbers, dict.fromkeys(empty, "no value stands between two commas"))


def _trimmed(
    array: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Leave out blanks at both ends."""
    if not len(array):
        return starts, ends
    last = len(array) - 1
    blank = np.zeros(256, bool)
    blank[list(_BLANK)] = True
    edge = (ends > starts) & (blank[array[np.minimum(starts, last)]] | blank[array[np.maximum(ends - 1, 0)]])
    if not edge.any():
        return starts, ends
    solid = np.flatnonzero(~blank[array])
    starts, ends = starts.copy(), ends.copy()
    first = np.searchsorted(solid, starts[edge])
    after = np.searchsorted(solid, ends[edge])
    some = after > first
    low = np.where(some, solid[np.minimum(first, len(solid) - 1)] if len(solid) else 0, starts[edge])
    high = np.where(some, solid[np.maximum(after - 1, 0)] + 1 if len(solid) else 0, starts[edge])
    starts[edge], ends[edge] = low, high
    return starts, ends
