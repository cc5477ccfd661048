"""CSV files as a dataset: a first pass finds the types, and where the shards begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from headrace.data.cleaning import with_cleaning
from headrace.data.csv_header import data_chunks, file_names, no_row_fits
from headrace.data.csv_records import Chunk
from headrace.data.csv_shards import CsvShard, parse_chunk, source_cleaning
from headrace.data.csv_types import ARROW_TYPES, ColumnTypes
from headrace.data.dataset import Dataset
from headrace.data.files import compression_of, is_utf8
from headrace.data.parallel import in_order
from headrace.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from headrace.data.csv_source import CsvSource
    from headrace.data.filesystem import File
    from headrace.data.source import Unreadable

__all__ = ["open_csv"]


def open_csv(source: CsvSource) -> Dataset:
    """Find the columns and their types, and return the dataset."""
    files = source.files()
    is_utf8(source.encoding)
    names = {path: file_names(path, source) for path in files}
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

    def tally(item: tuple[int, File, Chunk]) -> tuple[int, Chunk, int, ColumnTypes, list[Unreadable]]:
        number, path, chunk = item
        parsed = parse_chunk(chunk, str(path), names[path], first, source)
        types = ColumnTypes(given, cleaning)
        types.update(parsed.table)
        return number, Chunk(chunk.offset, chunk.line, b""), len(chunk.data), types, parsed.unreadable[:3]

    total = ColumnTypes(given, cleaning)
    pieces: list[tuple[int, int, int, int]] = []
    unreadable: list[Unreadable] = []
    work = ((number, file, chunk) for number, file in enumerate(files) for chunk in data_chunks(file, source))
    for number, chunk, length, types, bad in in_order(tally, work):
        total.merge(types)
        pieces.append((number, chunk.offset, length, chunk.line))
        unreadable = (unreadable + bad)[:3]
    if not total.rows and unreadable:
        raise no_row_fits(files[0], source, first, unreadable)
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
    whole: set[int] = set()
    # A source without rows still has a shard, so that what reads it learns the schema.
    for number, offset, length, line in pieces or [(0, 0, 0, 1)]:
        file = files[number]
        size: int | None = length
        if compression_of(file, source.compression) is not None or not is_utf8(source.encoding):
            # Only a reading from the beginning gets at these bytes.
            if number in whole:
                continue
            whole.add(number)
            size = None
        shards.append(CsvShard(str(file), source, names[file], schema, total.unclean(), offset, size, line))
    return Dataset(schema, tuple(shards))
