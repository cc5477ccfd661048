"""The rows of CSV files: some can be read, the others are named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headrace.data.cleaning import Cleaning, clean_array
from headrace.data.csv_header import data_chunks
from headrace.data.csv_parse import Plan, parse_chunk
from headrace.data.csv_records import Chunk
from headrace.data.csv_types import as_array, convert, is_value, kind_of, loosened
from headrace.data.filesystem import file_at, open_file, reading
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headrace.data.csv_parse import Parsed
    from headrace.data.csv_source import CsvSource
    from headrace.data.kept_batches import Kept
    from headrace.data.source import Unreadable

__all__ = ["CsvShard", "Cut", "convert_texts", "source_cleaning"]

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class Converted:
    """A column of texts as values of a type; ``bad`` is as `convert` returns it."""

    texts: pa.Array
    values: pa.Array
    bad: pa.BooleanArray | None


@dataclass(frozen=True)
class Cut:
    """Bytes of a file that are whole records, and the line that they begin on."""

    start: int
    size: int
    line: int


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
    cuts
        The byte ranges, one after the other; None is a file that can only be read from its beginning.
    few
        Columns of few distinct texts.
    dictionaries
        Batches have dictionaries in those columns.
    kept
        The records as they were read before, where all could be.
    """

    path: str
    source: CsvSource
    names: tuple[str, ...]
    schema: pa.Schema
    unclean: tuple[str, ...]
    cuts: tuple[Cut, ...] | None
    few: tuple[str, ...] = ()
    dictionaries: bool = False
    kept: Kept | None = field(default=None, compare=False, repr=False)

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
        if self.cuts is None:
            yield from data_chunks(file_at(self.path), self.source)
            return
        for cut in self.cuts:
            with reading(self.path), open_file(file_at(self.path)) as stream:
                stream.seek(cut.start)
                data = stream.read(cut.size)
            if len(data) != cut.size:
                raise DataError("The file has changed while it was read", where=self.path, fix="Read it again")
            yield Chunk(cut.start, cut.line, data)

    def _batches(self, columns: list[str], report: Callable[[Unreadable], None] | None) -> Iterator[pa.RecordBatch]:
        kept = self.kept.batches(self.path) if self.kept is not None else None
        empty = True
        for whole in kept if kept is not None else self._parsed(columns, report):
            batch = self._shaped(whole, columns)
            for start in range(0, batch.num_rows, BATCH_ROWS):
                empty = False
                yield batch.slice(start, BATCH_ROWS)
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=pa.schema([self.schema.field(name) for name in columns]))

    def _shaped(self, batch: pa.RecordBatch, columns: list[str]) -> pa.RecordBatch:
        """Return the columns as the schema has them, dictionaries only where they are wanted."""
        if not columns:
            return pa.RecordBatch.from_struct_array(pa.array([{}] * batch.num_rows, pa.struct([])))
        arrays = [batch.column(name) for name in columns]
        if not self.dictionaries:
            arrays = [array.dictionary_decode() if pa.types.is_dictionary(array.type) else array for array in arrays]
        fields = [self.schema.field(name).with_type(array.type) for name, array in zip(columns, arrays, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

    def _parsed(self, columns: list[str], report: Callable[[Unreadable], None] | None) -> Iterator[pa.RecordBatch]:
        wanted = list(dict.fromkeys([*columns, *self.unclean])) or [self.schema.names[0]]
        kinds = {field.name: kind_of(field.type) for field in self.schema if field.name in wanted}
        # Where a value is known to be bad, trying is in vain.
        plan = Plan(kinds, frozenset(self.few if self.dictionaries else ()), frozenset(self.unclean))
        for chunk in self._chunks():
            parsed = parse_chunk(chunk, self.path, self.names, wanted, self.source, plan)
            converted = convert_texts(parsed, self.source, kinds)
            batch, reasons = _without_bad(parsed, self.path, converted, kinds)
            if report is not None:
                for item in sorted([*parsed.unreadable, *reasons], key=lambda item: item.row):
                    report(item)
            yield batch


def convert_texts(parsed: Parsed, source: CsvSource, kinds: Mapping[str, str]) -> dict[str, Converted]:
    """Return the columns of a chunk as values of their types; texts that were read as dictionaries stay so."""
    cleaning = source_cleaning(source)
    columns: dict[str, Converted] = {}
    for name, kind in kinds.items():
        column = as_array(parsed.table.column(name))
        if is_value(column.type):
            columns[name] = Converted(column, column, None)
        else:
            texts = clean_array(column, loosened(cleaning, kind))
            columns[name] = Converted(texts, *convert(texts, kind))
    return columns


def _without_bad(
    parsed: Parsed, path: str, columns: Mapping[str, Converted], kinds: Mapping[str, str]
) -> tuple[pa.RecordBatch, list[Unreadable]]:
    """Return the rows of which every value can be read, and the others."""
    batch = pa.RecordBatch.from_arrays([column.values for column in columns.values()], list(columns))
    worst: dict[int, str] = {}
    for name, column in columns.items():
        if column.bad is not None:
            for row in np.flatnonzero(column.bad.to_numpy(zero_copy_only=False)).tolist():
                text = _quoted_text(column.texts[row].as_py())
                worst.setdefault(row, f"column {name!r}: {text} is not of type {kinds[name]}")
    if not worst:
        return batch, []
    mask = np.ones(batch.num_rows, bool)
    mask[list(worst)] = False
    return batch.filter(pa.array(mask)), [parsed.unreadable_row(path, row, worst[row]) for row in sorted(worst)]


def _quoted_text(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def source_cleaning(source: CsvSource) -> Cleaning:
    """Return the cleaning that the source declares for its string columns."""
    return Cleaning(source.strip, source.null_values)
