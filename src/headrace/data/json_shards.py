"""The rows of JSON files: some can be read, the others are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from headrace.data.csv_types import as_array, convert
from headrace.data.files import open_bytes, unpacking
from headrace.data.filesystem import file_at, open_file, reading
from headrace.data.json_records import Piece, cut_pieces, rows_of
from headrace.data.json_types import MAX_DEPTH
from headrace.data.json_values import arrays_of, decode
from headrace.data.source import Unreadable
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.data.filesystem import File
    from headrace.data.json_records import Form, Rows
    from headrace.data.json_source import JsonSource
    from headrace.data.json_types import Kind

__all__ = ["JsonShard", "parse_quickly", "parts_of", "pieces_of", "unreadable_rows"]

BATCH_ROWS = 65_536
TEXT_SHOWN = 1_000
# Arrow's parser runs out of stack on values nested some ten thousand deep; a shorter row cannot be.
_LONG_ROW = 4_096
_MANY_BRACKETS = 1_000
# Rows of which some are odd are halved until so few are left.
FEW_ROWS = 32


def pieces_of(file: File, source: JsonSource, form: Form) -> Iterator[Piece]:
    """Yield the pieces of a file from its beginning."""
    stream = open_bytes(file, source.compression, source.encoding)
    try:
        with unpacking(file):
            yield from cut_pieces(stream, form)
    finally:
        stream.close()


def parse_quickly(rows: Rows, schema: pa.Schema | None = None, *, others: str = "infer") -> pa.Table | None:
    """Read rows with Arrow's parser.

    Parameters
    ----------
    schema
        Columns whose types are known.
    others
        What is done with other keys: ``"infer"`` or ``"ignore"``.

    Returns
    -------
    Table or None
        One row for each of ``rows``; None where something is odd, so that they must be looked at one by one.
    """
    data = rows.data
    if rows.faults or not len(rows):
        return None
    array = np.frombuffer(data, np.uint8)
    # With one object a line for sure, so many rows as lines means that row and line are the same.
    if not ((array[rows.starts] == 123).all() and (array[rows.ends - 1] == 125).all()):
        return None
    lengths = rows.ends - rows.starts
    for index in np.flatnonzero(lengths > _LONG_ROW).tolist():
        text = rows.text(index)
        if text.count(b"[") + text.count(b"{") > _MANY_BRACKETS and not isinstance(decode(text), dict):
            return None
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return None
    try:
        table = pajson.read_json(
            pa.BufferReader(data),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(data) + 1024),
            parse_options=pajson.ParseOptions(
                explicit_schema=schema, newlines_in_values=False, unexpected_field_behavior=others
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(rows) or _depth(table.schema) > MAX_DEPTH:
        return None
    # What Arrow reads so is a number that float64 does not hold.
    if any(_has_infinity(chunk) for column in table.columns for chunk in column.chunks):
        return None
    return table


def _has_infinity(array: pa.Array) -> bool:
    kind = array.type
    if pa.types.is_floating(kind):
        return bool(pc.any(pc.is_inf(array)).as_py())
    if pa.types.is_struct(kind):
        return any(map(_has_infinity, array.flatten()))
    return pa.types.is_list(kind) and _has_infinity(array.flatten())


def _depth(schema: pa.Schema) -> int:
    depth, level = 1, list(schema.types)
    while level:
        level = [kind.field(index).type for kind in level for index in range(kind.num_fields)]
        depth += 1
        if depth > MAX_DEPTH:
            break
    return depth


def unreadable_rows(path: str, rows: Rows, reasons: dict[int, str]) -> list[Unreadable]:
    """Return the rows that cannot be read, by their index and the reason."""
    return [
        Unreadable(path, int(rows.numbers[index]), reason, rows.text(index)[:TEXT_SHOWN].decode("utf-8", "replace"))
        for index, reason in sorted(reasons.items())
    ]


@dataclass(frozen=True)
class JsonShard:
    """Some rows of a JSON file.

    Parameters
    ----------
    path
        The file.
    source
        How to read it.
    form
        Whether its rows are lines or elements of an array.
    kinds
        The columns of the dataset and their types.
    clean
        Every row can be read, so that columns which are not wanted need no look.
    start, size, line
        The byte range, and the line it begins on. A size of None is a file that is read from its beginning.
    """

    path: str
    source: JsonSource
    form: Form
    kinds: tuple[tuple[str, Kind], ...]
    clean: bool
    start: int
    size: int | None
    line: int

    @property
    def num_rows(self) -> int | None:
        """Rows in the shard: only reading can tell."""
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows that can be read; which they are does not depend on ``columns``."""
        yield from self._batches(columns, None)

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows that can be read, and report the others."""
        yield from self._batches(columns, report)

    def _pieces(self) -> Iterator[Piece]:
        file = file_at(self.path)
        if self.size is None:
            yield from pieces_of(file, self.source, self.form)
            return
        with reading(self.path), open_file(file) as stream:
            stream.seek(self.start)
            data = stream.read(self.size)
        if len(data) != self.size:
            raise DataError("The file has changed while it was read", where=self.path, fix="Read it again")
        yield Piece(self.start, self.line, data)

    def _batches(
        self, columns: Sequence[str] | None, report: Callable[[Unreadable], None] | None
    ) -> Iterator[pa.RecordBatch]:
        kinds = dict(self.kinds)
        names = list(kinds) if columns is None else list(columns)
        out = pa.schema([(name, kinds[name].arrow()) for name in names])
        empty = True
        for piece in self._pieces():
            rows = rows_of(piece, self.form)
            arrays, kept, reasons = self._read_rows(rows, kinds, names)
            if report is not None:
                for one in unreadable_rows(self.path, rows, reasons):
                    report(one)
            if names:
                batch = pa.RecordBatch.from_arrays([arrays[name] for name in names], schema=out)
            else:
                batch = pa.RecordBatch.from_struct_array(pa.array([{}] * kept, pa.struct([])))
            for start in range(0, batch.num_rows, BATCH_ROWS):
                empty = False
                yield batch.slice(start, BATCH_ROWS)
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=out)

    def _read_rows(
        self, rows: Rows, kinds: dict[str, Kind], names: list[str]
    ) -> tuple[dict[str, pa.Array], int, dict[int, str]]:
        # What is in columns that are not wanted decides as well whether a row fits, unless all are known to fit.
        wanted = {name: kinds[name] for name in names or list(kinds)[:1]} if self.clean else kinds
        schema = pa.schema([(name, kind.parsed()) for name, kind in wanted.items()])

        def parse(part: Rows) -> dict[str, pa.Array] | None:
            table = parse_quickly(part, schema, others="ignore")
            return None if table is None else _finished(table, wanted)

        arrays: dict[str, list[pa.Array]] = {name: [] for name in wanted}
        reasons: dict[int, str] = {}
        count = 0
        for first, part, parsed in parts_of(rows, parse):
            found, kept, odd = read_one_by_one(part, kinds) if parsed is None else (parsed, len(part), {})
            reasons |= {first + index: reason for index, reason in odd.items()}
            count += kept
            for name in wanted:
                arrays[name].append(found[name])
        return (
            {
                name: pa.concat_arrays(some) if some else pa.array([], kinds[name].arrow())
                for name, some in arrays.items()
            },
            count,
            reasons,
        )


T = TypeVar("T")


def parts_of(rows: Rows, parse: Callable[[Rows], T | None]) -> Iterator[tuple[int, Rows, T | None]]:
    """Cut rows into parts that can be parsed together, and small ones that must be looked at one by one.

    Yields
    ------
    tuple
        The index of the part's first row, the part, and what ``parse`` made of it, None where it could not.
    """
    waiting = [(0, len(rows))] if len(rows) else []
    while waiting:
        first, last = waiting.pop()
        part = rows if last - first == len(rows) else rows.part(first, last)
        found = parse(part)
        if found is not None or last - first <= FEW_ROWS:
            yield first, part, found
        else:
            middle = (first + last) // 2
            waiting += [(middle, last), (first, middle)]


def _finished(table: pa.Table, kinds: dict[str, Kind]) -> dict[str, pa.Array] | None:
    arrays: dict[str, Any] = {}
    for name, kind in kinds.items():
        array = as_array(table.column(name))
        if kind.parsed() != kind.arrow():
            array, bad = convert(array, kind.name)
            if bad is not None:
                return None
        arrays[name] = array
    return arrays


def read_one_by_one(rows: Rows, kinds: dict[str, Kind]) -> tuple[dict[str, pa.Array], int, dict[int, str]]:
    """Return the columns of the rows that fit, how many they are, and the reasons of the others by their index."""
    reasons = dict(rows.faults)
    objects, places = [], []
    for index in range(len(rows)):
        if index in reasons:
            continue
        found = decode(rows.text(index))
        if isinstance(found, str):
            reasons[index] = found
        else:
            objects.append(found)
            places.append(index)
    arrays, misfits = arrays_of(objects, kinds)
    if misfits:
        good = np.ones(len(objects), bool)
        good[list(misfits)] = False
        arrays = {name: array.filter(pa.array(good)) for name, array in arrays.items()}
        reasons |= {places[index]: reason for index, reason in misfits.items()}
    return arrays, len(objects) - len(misfits), reasons
