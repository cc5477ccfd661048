"""CSV files as a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from headrace.data.cleaning import WHITESPACE, Cleaning, clean_array, with_cleaning
from headrace.data.csv_records import Chunk, Dialect, Records, cut_chunks, find_records
from headrace.data.csv_types import ARROW_TYPES, ColumnTypes, as_array, convert, loosened
from headrace.data.dataset import Dataset
from headrace.data.files import compression_of, is_utf8, open_bytes
from headrace.data.parallel import in_order
from headrace.data.source import Unreadable
from headrace.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from headrace.data.csv_source import CsvSource

__all__ = ["CsvShard", "open_csv"]

BATCH_ROWS = 65_536
TEXT_SHOWN = 1_000
_SEPARATORS = {",": "','", ";": "';'", "\t": r"'\t'", "|": "'|'"}

Report = "Callable[[Unreadable], None]"


@dataclass(frozen=True)
class _Parsed:
    table: pa.Table
    records: npt.NDArray[np.int64]
    found: Records
    data: bytes
    unreadable: list[Unreadable]


def _dialect(source: CsvSource) -> Dialect:
    return Dialect(source.separator, source.quote, source.comment)


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


def _parse(chunk: Chunk, path: str, names: Sequence[str], columns: Sequence[str], source: CsvSource) -> _Parsed:
    """Read the texts of a chunk; ``columns`` must not be empty."""
    data = chunk.data
    found = find_records(data, _dialect(source), chunk.line)
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
    schema = pa.schema([(name, pa.string()) for name in columns])
    if not len(kept):
        table, invalid = schema.empty_table(), []
    else:
        table, invalid = _arrow_parse(text, names, columns, source)
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
    joined = b"".join(data[start:end] for start, end in zip(starts[first], nexts[last], strict=True))
    return joined


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

    def read_reporting(self, report: Callable[[Unreadable], None]) -> Iterator[pa.RecordBatch]:
        """Yield the rows that can be read, and report the others."""
        yield from self._batches(self.schema.names, report)

    def _chunks(self) -> Iterator[Chunk]:
        if self.size is None:
            yield from _data_chunks(Path(self.path), self.source)
            return
        try:
            with open(self.path, "rb") as stream:  # noqa: PTH123 - one call for a hot path
                stream.seek(self.start)
                data = stream.read(self.size)
        except OSError as error:
            raise DataError("The file cannot be read", got=str(error), where=self.path) from error
        if len(data) != self.size:
            raise DataError("The file has changed while it was read", where=self.path, fix="Read it again")
        yield Chunk(self.start, self.line, data)

    def _batches(self, columns: list[str], report: Callable[[Unreadable], None] | None) -> Iterator[pa.RecordBatch]:
        wanted = list(dict.fromkeys([*columns, *self.unclean])) or [self.schema.names[0]]
        out = pa.schema([self.schema.field(name) for name in columns])
        for chunk in self._chunks():
            parsed = _parse(chunk, self.path, self.names, wanted, self.source)
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
                yield batch.slice(start, BATCH_ROWS)

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


def _data_chunks(path: Path, source: CsvSource, *, with_header: bool = False) -> Iterator[Chunk]:
    """Yield the chunks of a file, the header cut off the first unless it is asked for."""
    stream = open_bytes(path, source.compression, source.encoding)
    dialect = _dialect(source)
    header = source.names is None and not with_header
    try:
        for chunk in cut_chunks(stream, dialect, skip_lines=source.skip_rows):
            if header:
                found = find_records(chunk.data, dialect, chunk.line)
                if not len(found):
                    continue
                header = False
                cut = int(found.nexts[0])
                lines = chunk.data.count(b"\n", 0, cut) or chunk.data.count(b"\r", 0, cut)
                rest = Chunk(chunk.offset + cut, chunk.line + lines, chunk.data[cut:])
                if rest.data:
                    yield rest
            else:
                yield chunk
    except (OSError, EOFError) as error:
        raise DataError(
            "The file cannot be unpacked", got=str(error), where=str(path), fix="It may be cut short: copy it again"
        ) from error
    except Exception as error:
        if type(error).__module__ in {"zlib", "zipfile"}:
            raise DataError("The file cannot be unpacked", got=str(error), where=str(path)) from error
        raise
    finally:
        stream.close()


def open_csv(source: CsvSource) -> Dataset:
    """Find the columns and their types, and return the dataset."""
    files = source.files()
    is_utf8(source.encoding)
    names = {path: _file_names(path, source) for path in files}
    first = names[files[0]]
    for path in files[1:]:
        if set(names[path]) != set(first):
            odd = sorted(set(names[path]) ^ set(first))
            raise DataError(
                "All files of a source have the same columns",
                got=f"{', '.join(map(repr, odd))} only in one of them",
                where=f"{files[0]} and {path}",
            )
    given = {name: dict(source.types).get(name) for name in first}
    for name in dict(source.types):
        if name not in given:
            raise DataError(
                "types name a column that the file does not have",
                got=name,
                where=str(files[0]),
                fix=did_you_mean(name, first),
            )
    cleaning = source_cleaning(source)

    def tally(item: tuple[Path, Chunk]) -> tuple[Path, Chunk, int, ColumnTypes, list[Unreadable]]:
        path, chunk = item
        parsed = _parse(chunk, str(path), names[path], first, source)
        types = ColumnTypes(given, cleaning)
        types.update(parsed.table)
        return path, Chunk(chunk.offset, chunk.line, b""), len(chunk.data), types, parsed.unreadable[:3]

    total = ColumnTypes(given, cleaning)
    pieces: list[tuple[Path, int, int, int]] = []
    unreadable: list[Unreadable] = []
    for path, chunk, size, types, bad in in_order(
        tally, ((path, chunk) for path in files for chunk in _data_chunks(path, source))
    ):
        total.merge(types)
        pieces.append((path, chunk.offset, size, chunk.line))
        unreadable = (unreadable + bad)[:3]
    if not total.rows and unreadable:
        raise _no_row_fits(files[0], source, first, unreadable)
    kinds = total.result()
    schema = pa.schema(
        [
            with_cleaning(pa.field(name, ARROW_TYPES[kind]), cleaning)
            if kind == "string"
            else pa.field(name, ARROW_TYPES[kind])
            for name, kind in kinds.items()
        ]
    )
    shards = []
    seen = set()
    for path, offset, length, line in pieces:
        seekable = compression_of(path, source.compression) is None and is_utf8(source.encoding)
        if not seekable and path in seen:
            continue
        seen.add(path)
        size = length if seekable else None
        shards.append(CsvShard(str(path), source, names[path], schema, total.unclean(), offset, size, line))
    return Dataset(schema, tuple(shards))


def _split(record: bytes, separator: str, source: CsvSource) -> list[str]:
    """Return the fields of one record."""
    quote = source.quote if source.quote != separator else None
    table = pacsv.read_csv(
        pa.BufferReader(record.rstrip(b"\r\n") + b"\n"),
        read_options=pacsv.ReadOptions(
            use_threads=False, autogenerate_column_names=True, block_size=len(record) + 1024
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=separator, quote_char=quote or False, newlines_in_values=quote is not None
        ),
        convert_options=pacsv.ConvertOptions(default_column_type=pa.string(), strings_can_be_null=False)
        if "default_column_type" in dir(pacsv.ConvertOptions)
        else pacsv.ConvertOptions(
            column_types={f"f{index}": pa.string() for index in range(record.count(separator.encode()) + 1)},
            strings_can_be_null=False,
        ),
    )
    return [str(column[0].as_py()) for column in table.columns]


def _file_names(path: Path, source: CsvSource) -> tuple[str, ...]:
    """Return the columns of a file, from its header or as given."""
    head: list[bytes] = []
    for chunk in _data_chunks(path, source, with_header=True):
        found = find_records(chunk.data, _dialect(source), chunk.line)
        head += [chunk.data[int(s) : int(e)] for s, e in zip(found.starts[:2], found.ends[:2], strict=True)]
        if len(head) >= 2:
            break
    if not head:
        raise DataError("The file is empty", where=str(path), fix="A CSV file needs a header or rows")
    if head[0].startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("The file is UTF-16", where=str(path), fix="Give encoding='utf-16'")
    try:
        head[0].decode("utf-8")
    except UnicodeDecodeError as error:
        if source.names is None:
            raise DataError(
                "The header is not UTF-8", got=str(error), where=str(path), fix="Give encoding=, as 'latin-1'"
            ) from error
        return source.names
    fields = [field.strip(WHITESPACE) for field in _split(head[0], source.separator, source)]
    if source.names is not None:
        if fields == list(source.names) and len(fields) > 1:
            raise DataError(
                "names are given, and the first line repeats them",
                where=str(path),
                fix="Leave names out, or give skip_rows=1",
            )
        return source.names
    if len(fields) == 1 and len(head) > 1:
        for other in _SEPARATORS:
            if other == source.separator:
                continue
            width = len(_split(head[0], other, source))
            try:
                same = len(_split(head[1], other, source)) == width
            except pa.ArrowInvalid:
                same = False
            if width > 1 and same:
                raise DataError(
                    f"The header has 1 column; the separator is {source.separator!r}",
                    got=f"the first line {head[0].decode()[:120]!r}",
                    where=str(path),
                    fix=f"Did you mean separator={_SEPARATORS[other]}?",
                )
    for number, field in enumerate(fields, 1):
        if not field:
            raise DataError(
                "Every column of a header has a name",
                got=f"an empty name for column {number}",
                where=str(path),
                fix="Name it, or give skip_rows=1 and names=",
            )
    twice = [name for name in dict.fromkeys(fields) if fields.count(name) > 1]
    if twice:
        raise DataError(
            "The names of a header are distinct",
            got=f"{', '.join(map(repr, twice))} more than once",
            where=str(path),
            fix="Rename one, or give skip_rows=1 and names=",
        )
    return tuple(fields)


def _no_row_fits(path: Path, source: CsvSource, names: Sequence[str], unreadable: list[Unreadable]) -> DataError:
    line = unreadable[0].text or ""
    fix = None
    for other in _SEPARATORS:
        if other != source.separator and line:
            try:
                width = len(_split(line.encode(), other, source))
            except pa.ArrowInvalid:
                continue
            if width == len(names):
                fix = f"Did you mean separator={_SEPARATORS[other]}?"
    if fix is None and source.names is not None:
        fix = f"Check names: {len(names)} are given"
    what = "names" if source.names is not None else "the header"
    return DataError(
        f"No row can be read: {what} has {len(names)} columns and the separator is {source.separator!r}",
        got=f"{unreadable[0].reason} in every row; the first is {line[:120]!r}",
        where=f"{path}, row {unreadable[0].row}",
        fix=fix,
    )
