"""The rows of CSV files: some can be read, the others are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from headrace.data.cleaning import Cleaning, clean_array
from headrace.data.csv_header import data_chunks, dialect_of
from headrace.data.csv_records import Chunk, Records, find_records, for_arrow
from headrace.data.csv_types import ARROW_TYPES, as_array, convert, loosened
from headrace.data.filesystem import file_at, open_file, reading
from headrace.data.source import Unreadable
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from headrace.data.csv_source import CsvSource

__all__ = ["CsvShard", "parse_chunk", "source_cleaning"]

BATCH_ROWS = 65_536
TEXT_SHOWN = 1_000


@dataclass(frozen=True)
class _Parsed:
    table: pa.Table
    records: npt.NDArray[np.int64]
    found: Records
    data: bytes
    unreadable: list[Unreadable]


def _shown(data: bytes, records: Records, index: int) -> str:
    start, end = int(records.starts[index]), int(records.ends[index])
    return data[start : min(end, start + TEXT_SHOWN)].decode("utf-8", "replace")


def _arrow_parse(
    data: Any, names: Sequence[str], columns: Sequence[str], source: CsvSource
) -> tuple[pa.Table, list[tuple[int, int]]]:
    """Return the table of texts, and (record, columns it has) for each with too many or too few."""
    invalid: list[tuple[int, int]] = []

    def note(row: Any) -> str:
        invalid.append((row.number - 1, row.actual_columns))
        return "skip"

    table = pacsv.read_csv(
        pa.BufferReader(data),
        read_options=pacsv.ReadOptions(
            use_threads=False, column_names=list(names), block_size=min(len(data) + 1024, 2**31 - 1)
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=source.separator,
            quote_char=source.quote or False,
            double_quote=True,
            newlines_in_values=source.quote is not None,
            ignore_empty_lines=True,
            invalid_row_handler=note,
        ),
        convert_options=pacsv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            include_columns=list(columns),
        ),
    )
    return table, invalid


def parse_chunk(chunk: Chunk, path: str, names: Sequence[str], columns: Sequence[str], source: CsvSource) -> _Parsed:
    """Read the texts of a chunk; ``columns`` must not be empty."""
    data = chunk.data
    found = find_records(data, dialect_of(source), chunk.line)
    reasons: dict[int, str] = dict.fromkeys(np.flatnonzero(found.stray).tolist(), "a quote is opened and never closed")
    reasons |= _not_utf8(data, found, reasons)
    if found.whole and not reasons:
        kept = np.arange(len(found))
        text = data
    else:
        good = np.ones(len(found), bool)
        good[list(reasons)] = False
        kept = np.flatnonzero(good)
        text = _joined(data, found, kept)
    invalid: list[tuple[int, int]] = []
    if not len(kept):
        table = pa.schema([(name, pa.string()) for name in columns]).empty_table()
    else:
        table, invalid = _arrow_parse(for_arrow(text), names, columns, source)
    wrong = np.array([record for record, _ in invalid], np.int64)
    for record, width in invalid:
        reasons[int(kept[record])] = f"{width} column{'' if width == 1 else 's'} instead of {len(names)}"
    records = np.delete(kept, wrong)
    if len(records) != table.num_rows:
        raise DataError(
            "The records of the file cannot be told apart",
            got=f"{table.num_rows} rows in {len(records)} records",
            where=f"{path}, from line {chunk.line}",
            fix="Check the quotes, or give quote=None if they are ordinary characters",
        )
    unreadable = [
        Unreadable(path, int(found.lines[record]), reasons[record], _shown(data, found, record))
        for record in sorted(reasons)
    ]
    return _Parsed(table, records, found, data, unreadable)


def _joined(data: bytes, found: Records, kept: npt.NDArray[np.int64]) -> bytes:
    """Return the kept records only."""
    if not len(kept):
        return b""
    starts, nexts = found.starts[kept], found.nexts[kept]
    first = np.concatenate([[True], starts[1:] != nexts[:-1]])
    last = np.concatenate([first[1:], [True]])
    return b"".join(data[start:end] for start, end in zip(starts[first], nexts[last], strict=True))


def _not_utf8(data: bytes, found: Records, skip: dict[int, str]) -> dict[int, str]:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return {}
    high = np.flatnonzero(np.frombuffer(data, np.uint8) >= 0x80)
    holders = np.unique(np.searchsorted(found.nexts, high, side="right"))
    reasons = {}
    for record in holders[holders < len(found)].tolist():
        if record in skip:
            continue
        try:
            data[int(found.starts[record]) : int(found.ends[record])].decode("utf-8")
        except UnicodeDecodeError as error:
            reasons[record] = f"byte {error.start + 1} of the row (0x{error.object[error.start]:02x}) is not UTF-8"
    return reasons


@dataclass(frozen=True)
class CsvShard:
    """Some records of a CSV file.

    Parameters
    ----------
    path
        The file.
    source
        How to read it.
    names
        The columns of the file, in the file's order.
    schema
        The columns of the dataset.
    unclean
        Columns in which some value cannot be read.
    start, size, line
        The byte range, and the line it begins on. A size of None is a file that can only be read from its beginning;
        then ``line`` is that of the first record, the header not counted.
    """

    path: str
    source: CsvSource
    names: tuple[str, ...]
    schema: pa.Schema
    unclean: tuple[str, ...]
    start: int
    size: int | None
    line: int

    @property
    def num_rows(self) -> int | None:
        """Rows in the shard: only reading can tell."""
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows that can be read; which they are does not depend on ``columns``."""
        yield from self._batches(self.schema.names if columns is None else list(columns), None)

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows that can be read, and report the others."""
        yield from self._batches(self.schema.names if columns is None else list(columns), report)

    def _chunks(self) -> Iterator[Chunk]:
        if self.size is None:
            yield from data_chunks(file_at(self.path), self.source)
            return
        with reading(self.path), open_file(file_at(self.path)) as stream:
            stream.seek(self.start)
            data = stream.read(self.size)
        if len(data) != self.size:
            raise DataError("The file has changed while it was read", where=self.path, fix="Read it again")
        yield Chunk(self.start, self.line, data)

    def _batches(self, columns: list[str], report: Callable[[Unreadable], None] | None) -> Iterator[pa.RecordBatch]:
        wanted = list(dict.fromkeys([*columns, *self.unclean])) or [self.schema.names[0]]
        out = pa.schema([self.schema.field(name) for name in columns])
        empty = True
        for chunk in self._chunks():
            parsed = parse_chunk(chunk, self.path, self.names, wanted, self.source)
            arrays, bad, reasons = self._convert(parsed, wanted)
            if report is not None:
                for item in sorted([*parsed.unreadable, *reasons], key=lambda item: item.row):
                    report(item)
            rows = parsed.table.num_rows
            good = None if bad is None else pc.invert(bad)
            batch = pa.RecordBatch.from_arrays([arrays[name] for name in columns], schema=out) if columns else None
            if batch is None:
                batch = pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
            if good is not None:
                batch = batch.filter(good)
            for start in range(0, batch.num_rows, BATCH_ROWS):
                empty = False
                yield batch.slice(start, BATCH_ROWS)
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=out)

    def _convert(
        self, parsed: _Parsed, wanted: list[str]
    ) -> tuple[dict[str, pa.Array], pa.BooleanArray | None, list[Unreadable]]:
        cleaning = source_cleaning(self.source)
        arrays: dict[str, pa.Array] = {}
        worst: dict[int, str] = {}
        kinds = {name: kind_of(self.schema.field(name).type) for name in wanted}
        for name in self.schema.names:
            if name not in kinds:
                continue
            kind = kinds[name]
            texts = clean_array(as_array(parsed.table.column(name)), loosened(cleaning, kind))
            arrays[name], bad = convert(texts, kind)
            if bad is not None:
                for row in np.flatnonzero(bad.to_numpy(zero_copy_only=False)).tolist():
                    worst.setdefault(row, f"column {name!r}: {_quoted_text(texts[row].as_py())} is not of type {kind}")
        if not worst:
            return arrays, None, []
        mask = np.zeros(parsed.table.num_rows, bool)
        mask[list(worst)] = True
        chunk_data = parsed.found
        reasons = [
            Unreadable(self.path, int(chunk_data.lines[parsed.records[row]]), worst[row], self._text(parsed, row))
            for row in sorted(worst)
        ]
        return arrays, pa.array(mask), reasons

    def _text(self, parsed: _Parsed, row: int) -> str:
        return _shown(parsed.data, parsed.found, int(parsed.records[row]))


def _quoted_text(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def kind_of(arrow_type: pa.DataType) -> str:
    """Return the name of a snapshot type."""
    return next(kind for kind, known in ARROW_TYPES.items() if known == arrow_type)


def source_cleaning(source: CsvSource) -> Cleaning:
    """Return the cleaning that the source declares for its string columns."""
    return Cleaning(source.strip, source.null_values)
