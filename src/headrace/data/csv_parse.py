"""The records of a chunk of a CSV file as columns: texts, or at once values where nothing is in doubt."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from headrace.data.csv_header import dialect_of
from headrace.data.csv_records import Chunk, Dialect, Records, find_records, for_arrow
from headrace.data.csv_types import ARROW_TYPES, is_value
from headrace.data.source import Unreadable
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from headrace.data.csv_source import CsvSource

__all__ = ["Parsed", "Plan", "parse_chunk"]

TEXT_SHOWN = 1_000
# So many columns may turn out to be of another type than expected, one by one; then all are read as texts.
_SURPRISES = 3
# Bytes that stay near the processor while they are looked at several times.
_BLOCK = 1 << 17
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
# What may be a value of some type; a missing value that is written so could hide behind white space.
_READABLE = re.compile(r"[\s+-]*[0-9.].*|[+-]?(?:nan|inf|infinity)|true|false", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Plan:
    """How the columns of a chunk are best read; what is read does not depend on it.

    Parameters
    ----------
    kinds
        The types that columns are expected to have; others are read as texts.
    few
        Columns of texts that become dictionaries.
    texts
        Columns to read as texts all the same, since values of the type are written in other ways than Arrow's.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    few: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def type_of(self, name: str) -> pa.DataType:
        """Return the type to read a column as."""
        kind = "string" if name in self.texts else self.kinds.get(name, "string")
        return _DICTIONARY if name in self.few and self.kinds.get(name) == "string" else ARROW_TYPES[kind]


@dataclass(frozen=True)
class Parsed:
    """A chunk that was read.

    Parameters
    ----------
    table
        The columns: texts, dictionaries of texts, or values of the type that was expected.
    chunk
        Where they come from.
    source
        How it was read.
    unreadable
        The records that are not in the table.
    kept
        The number of the record of each row; None where row and record have the same.
    """

    table: pa.Table
    chunk: Chunk
    source: CsvSource
    unreadable: list[Unreadable]
    kept: npt.NDArray[np.int64] | None = None

    @cached_property
    def found(self) -> Records:
        """Where the records are."""
        return find_records(self.chunk.data, dialect_of(self.source), self.chunk.line)

    def unreadable_row(self, path: str, row: int, reason: str) -> Unreadable:
        """Return a row of the table as one that cannot be read after all."""
        record = row if self.kept is None else int(self.kept[row])
        return Unreadable(path, int(self.found.lines[record]), reason, _shown(self.chunk.data, self.found, record))


def parse_chunk(
    chunk: Chunk, path: str, names: Sequence[str], columns: Sequence[str], source: CsvSource, plan: Plan | None = None
) -> Parsed:
    """Read the columns of a chunk as the plan says, as texts where it does not; ``columns`` must not be empty."""
    plan = plan or Plan()
    data = chunk.data
    if chunk.lines is not None and _is_utf8(data):
        table, invalid = _arrow_parse(data, names, columns, source, plan)
        # There are fewer rows than lines where some are blank, or quotes go over several.
        if not invalid and table.num_rows == chunk.lines and not _ends_in_quotes(data, dialect_of(source)):
            return Parsed(table, chunk, source, [])
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
    invalid = []
    if not len(kept):
        table = pa.schema([(name, pa.string()) for name in columns]).empty_table()
    else:
        table, invalid = _arrow_parse(text, names, columns, source, plan)
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
    return Parsed(table, chunk, source, unreadable, records)


def _ends_in_quotes(data: bytes | bytearray, dialect: Dialect) -> bool:
    """Tell whether the last line has a quote that is never closed."""
    last = data[data.rfind(b"\n", 0, -1) + 1 :]
    return bool(find_records(last, dialect).stray.any())


def _arrow_parse(
    data: bytes | bytearray, names: Sequence[str], columns: Sequence[str], source: CsvSource, plan: Plan
) -> tuple[pa.Table, list[tuple[int, int]]]:
    """Return the table, and (record, columns it has) for each with too many or too few."""
    types = _expected(data, columns, source, plan)
    surprises = 0
    while True:
        try:
            return _arrow_read(data, names, types, source)
        except pa.ArrowInvalid as error:
            doubtful = [name for name, kind in types.items() if is_value(kind)]
            if not doubtful:
                raise
            named = re.match(r"In CSV column #(\d+)", str(error))
            surprises += 1
            if named and names[int(named[1])] in doubtful and surprises <= _SURPRISES:
                doubtful = [names[int(named[1])]]
            types |= dict.fromkeys(doubtful, pa.string())


def _expected(data: bytes | bytearray, columns: Sequence[str], source: CsvSource, plan: Plan) -> dict[str, pa.DataType]:
    """Return the type to read each column as: the expected one only if Arrow would not take more for it than we do."""
    types = {name: plan.type_of(name) for name in columns}
    unsure: set[pa.DataType] = set()
    # Arrow reads 0x1F as an integer.
    if pa.int64() in types.values() and _has_hexadecimal(data):
        unsure.add(pa.int64())
    # Arrow strips numbers after it has looked for what means missing, we do before.
    for value in source.null_values:
        text = value.encode()
        if _READABLE.fullmatch(value) and any(
            found in data for space in (b" ", b"\t") for found in (space + text, text + space)
        ):
            unsure.update(kind for kind in types.values() if is_value(kind))
    return {name: pa.string() if kind in unsure else kind for name, kind in types.items()}


def _has_hexadecimal(data: bytes | bytearray) -> bool:
    """Tell whether 0x or 0X is anywhere, block by block, which is much faster than a search."""
    array = np.frombuffer(data, np.uint8)
    size = min(_BLOCK, len(data))
    lower, zeros, found = np.empty(size, np.uint8), np.empty(size, bool), np.empty(size, bool)
    for start in range(0, len(array) - 1, _BLOCK):
        block = array[start : start + _BLOCK + 1]
        many = len(block) - 1
        np.bitwise_or(block[1:], ord(" "), out=lower[:many])
        np.equal(block[:-1], ord("0"), out=zeros[:many])
        np.equal(lower[:many], ord("x"), out=found[:many])
        np.logical_and(zeros[:many], found[:many], out=found[:many])
        if found[:many].any():
            return True
    return False


def _arrow_read(
    data: bytes | bytearray, names: Sequence[str], types: dict[str, pa.DataType], source: CsvSource
) -> tuple[pa.Table, list[tuple[int, int]]]:
    invalid: list[tuple[int, int]] = []

    def note(row: Any) -> str:
        invalid.append((row.number - 1, row.actual_columns))
        return "skip"

    quote = source.quote if source.quote is not None and source.quote.encode() in data else None
    table = pacsv.read_csv(
        pa.BufferReader(for_arrow(data)),
        read_options=pacsv.ReadOptions(
            use_threads=False, column_names=list(names), block_size=min(len(data) + 1024, 2**31 - 1)
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=source.separator,
            quote_char=quote or False,
            double_quote=True,
            newlines_in_values=quote is not None,
            ignore_empty_lines=True,
            invalid_row_handler=note,
        ),
        convert_options=pacsv.ConvertOptions(
            check_utf8=False,
            column_types=types,
            null_values=list(source.null_values),
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
            strings_can_be_null=False,
            include_columns=list(types),
        ),
    )
    return table, invalid


def _shown(data: bytes | bytearray, records: Records, index: int) -> str:
    start, end = int(records.starts[index]), int(records.ends[index])
    return data[start : min(end, start + TEXT_SHOWN)].decode("utf-8", "replace")


def _joined(data: bytes | bytearray, found: Records, kept: npt.NDArray[np.int64]) -> bytes:
    """Return the kept records only."""
    if not len(kept):
        return b""
    starts, nexts = found.starts[kept], found.nexts[kept]
    first = np.concatenate([[True], starts[1:] != nexts[:-1]])
    last = np.concatenate([first[1:], [True]])
    return b"".join(data[start:end] for start, end in zip(starts[first], nexts[last], strict=True))


def _is_utf8(data: bytes | bytearray) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _not_utf8(data: bytes | bytearray, found: Records, skip: dict[int, str]) -> dict[int, str]:
    if _is_utf8(data):
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
