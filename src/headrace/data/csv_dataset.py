"""CSV files as a dataset: a first pass finds the types, and where the shards begin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data.cleaning import with_cleaning
from headrace.data.csv_header import data_chunks, dialect_of, file_names, no_row_fits, warn_of_header
from headrace.data.csv_parse import Plan, parse_chunk
from headrace.data.csv_records import Chunk, find_records
from headrace.data.csv_shards import CsvShard, Cut, convert_texts, source_cleaning
from headrace.data.csv_types import ARROW_TYPES, ColumnTypes, is_value
from headrace.data.dataset import Dataset
from headrace.data.files import compression_of, is_utf8
from headrace.data.kept_batches import Keeper, Kept, Piece, stamp_of
from headrace.data.parallel import in_order
from headrace.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from headrace.data.csv_source import CsvSource
    from headrace.data.filesystem import File
    from headrace.data.source import Unreadable

T = TypeVar("T")

__all__ = ["open_csv"]

# So much of the first file is looked into to know what to expect.
SAMPLE_BYTES = 1 << 20
# Chunks of a shard at most, and the shards that there are at least where a shard has more than one chunk.
_SHARD_PARTS = 4
_SHARDS = 8
# A column has few distinct texts when each occurs so many times on average.
_FEW_SHARE = 4


def open_csv(source: CsvSource) -> Dataset:
    """Find the columns and their types, and return the dataset."""
    files = source.files()
    is_utf8(source.encoding)
    names = {path: file_names(path, source) for path in files}
    first = names[files[0]]
    given = _given(names, source)
    cleaning = source_cleaning(source)
    work = ((number, file, chunk) for number, file in enumerate(files) for chunk in data_chunks(file, source))
    # One that is looked into before all are read.
    ahead = list(islice(work, 1))
    plan = _plan(ahead[0], names[ahead[0][1]], source, given) if ahead else Plan()
    few = plan.few
    stamps = [stamp_of(str(file)) for file in files]
    keeper = Keeper()

    def tally(item: tuple[int, File, Chunk]) -> _Tallied:
        number, path, chunk = item
        now = plan
        parsed = parse_chunk(chunk, str(path), names[path], first, source, now)
        types = ColumnTypes(given, cleaning)
        types.update(parsed.table)
        piece = None
        if not parsed.unreadable and stamps[number] is not None:
            columns = convert_texts(parsed, source, now.kinds)
            if all(column.bad is None for column in columns.values()):
                arrays = [column.values for column in columns.values()]
                piece = keeper.add(pa.RecordBatch.from_arrays(arrays, list(columns)))
        texts = frozenset(field.name for field in parsed.table.schema if not is_value(field.type))
        part = _Part(number, chunk.offset, len(chunk.data), chunk.line, now.kinds, piece)
        return _Tallied(part, types, parsed.unreadable[:3], texts)

    total = ColumnTypes(given, cleaning)
    parts: list[_Part] = []
    unreadable: list[Unreadable] = []
    for done in in_order(tally, chain(_emptied(ahead), work)):
        total.merge(done.types)
        parts.append(done.part)
        unreadable = (unreadable + done.unreadable)[:3]
        # What columns turn out to be, the chunks to come are expected to have.
        kinds = total.result()
        awkward = {name for name in done.texts if done.part.kinds[name] != "string"}
        plan = Plan(kinds, few, plan.texts | awkward)
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
    texts = tuple(name for name in first if name in few and kinds[name] == "string")
    unclean = total.unclean()
    shards = []
    # A source without rows still has a shard, so that what reads it learns the schema.
    for group in _grouped(parts or [_Part(0, 0, 0, 1, kinds, None)], files, source):
        head = group[0]
        file = files[head.file]
        stamp = stamps[head.file]
        pieces = tuple(part.piece for part in group if part.piece is not None and part.kinds == kinds)
        kept = Kept(keeper, pieces, stamp) if stamp is not None and len(pieces) == len(group) else None
        cuts = None if _is_read_whole(file, source) else tuple(Cut(part.start, part.size, part.line) for part in group)
        shards.append(CsvShard(str(file), source, names[file], schema, unclean, cuts, texts, kept=kept))
    return Dataset(schema, tuple(shards))


def _given(names: Mapping[File, Sequence[str]], source: CsvSource) -> dict[str, str | None]:
    """Return the columns with the types that are known, after a check that all files have the same."""
    files = list(names)
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
    return given


@dataclass(frozen=True)
class _Part:
    """A chunk of a file, the types that it was expected to have, and where it is kept, read as those."""

    file: int
    start: int
    size: int
    line: int
    kinds: Mapping[str, str]
    piece: Piece | None


@dataclass(frozen=True)
class _Tallied:
    part: _Part
    types: ColumnTypes
    unreadable: list[Unreadable]
    texts: frozenset[str]


def _plan(
    first: tuple[int, File, Chunk], names: Sequence[str], source: CsvSource, given: dict[str, str | None]
) -> Plan:
    """Return the types that the first rows have, and which columns of texts have few distinct ones there."""
    _, file, chunk = first
    found = find_records(chunk.data, dialect_of(source), chunk.line)
    if not len(found):
        return Plan(dict.fromkeys(given, "string"))
    most = max(int(np.searchsorted(found.nexts, SAMPLE_BYTES)), 1)
    head = Chunk(chunk.offset, chunk.line, chunk.data[: int(found.nexts[most - 1])])
    table = parse_chunk(head, "", names, list(given), source).table
    types = ColumnTypes(given, source_cleaning(source))
    types.update(table)
    kinds = types.result()
    if source.names is None and not source.types and len(table):
        warn_of_header(file, table, kinds)
    few = [
        name
        for name, kind in kinds.items()
        if kind == "string" and pc.count_distinct(table.column(name)).as_py() * _FEW_SHARE <= table.num_rows
    ]
    return Plan(kinds, frozenset(few))


def _emptied(items: list[T]) -> Iterator[T]:
    """Yield the items, and hold none of them."""
    while items:
        yield items.pop(0)


def _is_read_whole(file: File, source: CsvSource) -> bool:
    """Tell whether only a reading from the beginning gets at the bytes."""
    return compression_of(file, source.compression) is not None or not is_utf8(source.encoding)


def _grouped(parts: Iterable[_Part], files: Sequence[File], source: CsvSource) -> Iterator[list[_Part]]:
    """Yield the parts of each shard, which are many enough for many processors, and no more."""
    every = list(parts)
    size = max(1, min(_SHARD_PARTS, len(every) // _SHARDS))
    for number, group in groupby(every, key=lambda part: part.file):
        held = list(group)
        if _is_read_whole(files[number], source):
            yield held
        else:
            yield from (held[start : start + size] for start in range(0, len(held), size))
