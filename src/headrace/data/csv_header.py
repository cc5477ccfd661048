"""The head of a CSV file: its columns, and what is wrong when there are none."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from headrace.data.cautions import HeaderWarning, warn
from headrace.data.cleaning import WHITESPACE
from headrace.data.csv_records import Chunk, Dialect, cut_chunks, find_records, for_arrow, line_breaks
from headrace.data.csv_types import convert
from headrace.data.files import open_bytes, unpacking
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headrace.data.csv_source import CsvSource
    from headrace.data.filesystem import File
    from headrace.data.source import Unreadable

__all__ = ["data_chunks", "dialect_of", "file_names", "no_row_fits", "warn_of_header"]

_SEPARATORS = {",": "','", ";": "';'", "\t": r"'\t'", "|": "'|'"}


def dialect_of(source: CsvSource) -> Dialect:
    """Return the characters that shape the records of a source."""
    return Dialect(source.separator, source.quote, source.comment)


def data_chunks(path: File, source: CsvSource, *, with_header: bool = False) -> Iterator[Chunk]:
    """Yield the chunks of a file, the header cut off the first unless it is asked for."""
    stream = open_bytes(path, source.compression, source.encoding)
    dialect = dialect_of(source)
    header = source.names is None and not with_header
    try:
        with unpacking(path):
            for chunk in cut_chunks(stream, dialect, skip_lines=source.skip_rows):
                if header:
                    found = find_records(chunk.data, dialect, chunk.line)
                    if not len(found):
                        continue
                    header = False
                    cut = int(found.nexts[0])
                    lines = len(line_breaks(chunk.data[:cut]))
                    left = None if chunk.lines is None else chunk.lines - lines
                    rest = Chunk(chunk.offset + cut, chunk.line + lines, chunk.data[cut:], left)
                    if rest.data:
                        yield rest
                else:
                    yield chunk
    finally:
        stream.close()


def _split(record: bytes, separator: str, source: CsvSource) -> list[str]:
    """Return the fields of one record."""
    quote = source.quote if source.quote != separator else None
    width = record.count(separator.encode()) + 1
    table = pacsv.read_csv(
        pa.BufferReader(for_arrow(record) + b"\n"),
        read_options=pacsv.ReadOptions(
            use_threads=False, autogenerate_column_names=True, block_size=len(record) + 1024
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=separator, quote_char=quote or False, newlines_in_values=quote is not None
        ),
        convert_options=pacsv.ConvertOptions(
            column_types={f"f{index}": pa.string() for index in range(width)}, strings_can_be_null=False
        ),
    )
    return [str(column[0].as_py()) for column in table.columns]


def file_names(path: File, source: CsvSource) -> tuple[str, ...]:
    """Return the columns of a file, from its header or as given."""
    head: list[bytes] = []
    stray: list[bool] = []
    for chunk in data_chunks(path, source, with_header=True):
        found = find_records(chunk.data, dialect_of(source), chunk.line)
        head += [bytes(chunk.data[int(s) : int(e)]) for s, e in zip(found.starts[:2], found.ends[:2], strict=True)]
        stray += found.stray[:2].tolist()
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
    if stray[0]:
        # Of rows it is one that is set aside.
        if source.names is not None:
            return source.names
        raise DataError(
            "The header has a quote that is never closed",
            got=repr(head[0].decode()[:120]),
            where=str(path),
            fix="Close it, or give quote=None if quotes are ordinary characters",
        )
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
        for other, shown in _SEPARATORS.items():
            if other == source.separator:
                continue
            try:
                width = len(_split(head[0], other, source))
                same = len(_split(head[1], other, source)) == width
            except pa.ArrowInvalid:
                continue
            if width > 1 and same:
                raise DataError(
                    f"The header has 1 column; the separator is {source.separator!r}",
                    got=f"the first line {head[0].decode()[:120]!r}",
                    where=str(path),
                    fix=f"Did you mean separator={shown}?",
                )
    for number, field in enumerate(fields, 1):
        if not field:
            raise DataError(
                "Every column of a header has a name",
                got=f"an empty name for column {number}",
                where=str(path),
                fix="Name it, or give names=, with skip_rows=1 unless this line is a row",
            )
    twice = [name for name in dict.fromkeys(fields) if fields.count(name) > 1]
    if twice:
        raise DataError(
            "The names of a header are distinct",
            got=f"{', '.join(map(repr, twice))} more than once",
            where=str(path),
            fix="Rename one, or give names=, with skip_rows=1 unless this line is a row",
        )
    return tuple(fields)


def warn_of_header(path: File, table: pa.Table, kinds: Mapping[str, str]) -> None:
    """Warn where the header looks like a row: names are values, wherever the rows have numbers, dates or truths.

    Names that count upwards, as years do, may stand over numbers: of these it is said only where another name occurs
    as a text below it.

    Parameters
    ----------
    table
        The first rows, as texts.
    kinds
        The types that they have.
    """
    values = [name for name, kind in kinds.items() if kind != "string"]
    if not values or not all(_is_value(name, kinds[name]) for name in values):
        return
    counted = [float(name) if name.isascii() and name.isdecimal() else -1.0 for name in values]
    rising = counted[0] >= 0 and all(low < high for low, high in itertools.pairwise(counted))
    if rising and not any(_occurs(name, table.column(name)) for name, kind in kinds.items() if kind == "string"):
        return
    shown = ", ".join(map(repr, list(kinds)[:6])) + (", …" if len(kinds) > 6 else "")
    warn(
        f"The first row of {path} was taken as its header, and looks like data: the columns are named {shown}. "
        "If the file has no header, give names=[…]",
        HeaderWarning,
    )


def _is_value(name: str, kind: str) -> bool:
    # A name may be as much as nan or inf.
    return (kind == "bool" or any(map(str.isdigit, name))) and convert(
        pa.array([name]), "float64" if kind == "int64" else kind
    )[1] is None


def _occurs(name: str, column: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.equal(pc.utf8_trim(column, WHITESPACE), name)).as_py())


def no_row_fits(path: File, source: CsvSource, names: Sequence[str], unreadable: list[Unreadable]) -> DataError:
    """Return the error for a source in which every row has the wrong number of columns."""
    line = unreadable[0].text or ""
    fix = None
    for other, shown in _SEPARATORS.items():
        if other != source.separator and line:
            try:
                width = len(_split(line.encode(), other, source))
            except pa.ArrowInvalid:
                continue
            if width == len(names):
                fix = f"Did you mean separator={shown}?"
    if fix is None and source.names is not None:
        fix = f"Check names: {len(names)} are given"
    what = "names" if source.names is not None else "the header"
    return DataError(
        f"No row can be read: {what} has {len(names)} columns and the separator is {source.separator!r}",
        got=f"{unreadable[0].reason} in every row; the first is {line[:120]!r}",
        where=f"{path}, row {unreadable[0].row}",
        fix=fix,
    )
