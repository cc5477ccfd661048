"""JSON files as a dataset: a first pass finds the types, and where the shards begin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa

from headrace.data.csv_types import as_array, convert
from headrace.data.dataset import Dataset
from headrace.data.files import compression_of, is_utf8, open_bytes, unpacking
from headrace.data.json_records import Piece, form_of, rows_of
from headrace.data.json_shards import JsonShard, parse_quickly, parts_of, pieces_of, unreadable_rows
from headrace.data.json_types import Kind, Tally, fits
from headrace.data.json_values import decode
from headrace.data.parallel import in_order
from headrace.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from headrace.data.filesystem import File
    from headrace.data.json_records import Form, Rows
    from headrace.data.json_source import JsonSource
    from headrace.data.json_types import Shape
    from headrace.data.source import Unreadable

__all__ = ["open_json"]

NAMES_SHOWN = 100


@dataclass(frozen=True)
class _Found:
    """What the first pass has found in a piece."""

    number: int
    piece: Piece
    size: int
    rows: int
    tally: Tally
    clean: bool
    unreadable: list[Unreadable]
    names: tuple[str, ...] = ()


def open_json(source: JsonSource) -> Dataset:
    """Find the columns and their types, and return the dataset."""
    files = source.files()
    forms = [_form(file, source) for file in files]
    work = ((number, piece) for number, file in enumerate(files) for piece in pieces_of(file, source, forms[number]))
    given = dict(source.types)
    total = Tally()
    found: list[tuple[_Found, Shape]] = []
    known: dict[Shape, Shape] = {}
    unreadable: list[Unreadable] = []
    seen: dict[str, None] = {}
    rows = 0
    hint: pa.Schema | None = None

    def look(item: tuple[int, Piece]) -> _Found:
        number, piece = item
        return _look(number, piece, str(files[number]), forms[number], source, given, hint)

    first = next(work, None)
    begun = [] if first is None else [look(first)]
    if begun:
        hint = _texts(begun[0])
    for one in chain(begun, in_order(look, work)):
        total.merge(one.tally)
        shape = one.tally.shape()
        found.append((_without_tally(one), known.setdefault(shape, shape)))
        unreadable = (unreadable + one.unreadable)[:3]
        rows += one.rows
        seen |= dict.fromkeys(one.names[: NAMES_SHOWN - len(seen)])
    names = list(source.columns or dict.fromkeys([*total.fields, *given]))
    _check(names, total, seen, given, files, rows, unreadable)
    kinds = {
        name: Kind(given[name], given=True) if name in given else total.of_field(name).kind(top=True) for name in names
    }
    schema = pa.schema([(name, kind.arrow()) for name, kind in kinds.items()])
    clean_shapes = {shape: all(fits(kinds[name], one) for name, one in shape[2] if name in kinds) for shape in known}
    return Dataset(schema, tuple(_shards(files, forms, source, kinds, found, clean_shapes)))


def _form(file: File, source: JsonSource) -> Form:
    stream = open_bytes(file, source.compression, source.encoding)
    try:
        with unpacking(file):
            return form_of(stream)
    finally:
        stream.close()


def _without_tally(found: _Found) -> _Found:
    return _Found(found.number, found.piece, found.size, found.rows, Tally(), found.clean, [])


def _look(
    number: int, piece: Piece, path: str, form: Form, source: JsonSource, given: dict[str, str], hint: pa.Schema | None
) -> _Found:
    rows = rows_of(piece, form)
    tally = Tally()
    place = Piece(piece.offset, piece.line, b"", piece.fault)
    wanted = source.columns
    reasons: dict[int, str] = {}
    names: dict[str, None] = {}
    clean, count = True, 0
    for first, part, table in parts_of(rows, lambda some: _infer(some, hint)):
        if table is not None:
            count += len(part)
            names |= dict.fromkeys(table.column_names[:NAMES_SHOWN])
            clean = _add_table(tally, table, wanted, given) and len(part) == len(rows)
            continue
        clean = False
        odd, read = _add_one_by_one(tally, part, wanted, names)
        count += read
        reasons |= {first + index: reason for index, reason in odd.items()}
    some = unreadable_rows(path, rows, dict(sorted(reasons.items())[:3]))
    return _Found(number, place, len(piece.data), count, tally, clean, some, tuple(names))


def _add_table(tally: Tally, table: pa.Table, wanted: tuple[str, ...] | None, given: dict[str, str]) -> bool:
    """Count the values of a table, and tell whether its texts are the times that they are said to be."""
    clean = True
    for name in table.column_names:
        if wanted is not None and name not in wanted:
            continue
        array = as_array(table.column(name))
        column = tally.of_field(name)
        column.add_array(array)
        if pa.types.is_string(array.type):
            column.look_for_dates(array)
            kind = given.get(name)
            clean = clean and (kind not in {"timestamp", "date32"} or convert(array, kind)[1] is None)
    return clean


def _add_one_by_one(
    tally: Tally, rows: Rows, wanted: tuple[str, ...] | None, names: dict[str, None]
) -> tuple[dict[int, str], int]:
    """Count the values of rows; return the reasons of those that are no objects, and how many are."""
    reasons = dict(rows.faults)
    texts: dict[str, list[str]] = {}
    for index in range(len(rows)):
        row = reasons.get(index) or decode(rows.text(index))
        if isinstance(row, str):
            reasons[index] = row
            continue
        if len(names) < NAMES_SHOWN:
            names |= dict.fromkeys(row)
        for name, value in row.items():
            if wanted is None or name in wanted:
                tally.of_field(name).add_value(value)
                if type(value) is str:
                    texts.setdefault(name, []).append(value)
    for name, values in texts.items():
        tally.of_field(name).look_for_dates(pa.array(values, pa.string()))
    return reasons, len(rows) - len(reasons)


def _infer(rows: Rows, hint: pa.Schema | None) -> pa.Table | None:
    """Read rows with Arrow's parser, texts that look like times as texts."""
    table = parse_quickly(rows, hint)
    if table is None and hint is not None:
        table = parse_quickly(rows)
    if table is None:
        return None
    schema = _without_times(table.schema)
    return table if schema.equals(table.schema) else parse_quickly(rows, schema)


def _without_times(schema: pa.Schema) -> pa.Schema:
    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_timestamp(kind):
            return pa.string()
        if pa.types.is_list(kind):
            return pa.list_(plain(kind.value_type))
        if pa.types.is_struct(kind):
            return pa.struct([(field.name, plain(field.type)) for field in kind])
        return kind

    return pa.schema([(field.name, plain(field.type)) for field in schema])


def _texts(found: _Found) -> pa.Schema | None:
    """Return the columns that are texts, so that Arrow's parser does not take them for times again."""
    names = [name for name, one in found.tally.fields.items() if set(one.counts) == {"string"}]
    return pa.schema([(name, pa.string()) for name in names]) if names else None


def _check(
    names: list[str],
    total: Tally,
    seen: dict[str, None],
    given: dict[str, str],
    files: tuple[File, ...],
    rows: int,
    unreadable: list[Unreadable],
) -> None:
    where = ", ".join(str(file) for file in files[:3]) + (", …" if len(files) > 3 else "")
    if not rows and unreadable:
        raise DataError(
            "Not one row can be read",
            got="; ".join(str(row) for row in unreadable),
            where=where,
            fix="A file has one JSON object a line, or one array of objects; jq -c . file writes one object a line",
        )
    if not names:
        what = "no row" if not rows else "objects without keys"
        raise DataError("The keys of the objects are the columns", got=what, where=where)
    if rows:
        for name in names:
            if name not in total.fields:
                rule = "types name" if name in given else "columns name"
                raise DataError(
                    f"{rule} a column that no object has", got=name, where=where, fix=did_you_mean(name, seen)
                )


def _shards(
    files: tuple[File, ...],
    forms: list[Form],
    source: JsonSource,
    kinds: dict[str, Kind],
    found: list[tuple[_Found, Shape]],
    clean_shapes: dict[Shape, bool],
) -> list[JsonShard]:
    columns = tuple(kinds.items())
    shards: list[JsonShard] = []
    of_file: list[list[tuple[_Found, bool]]] = [[] for _ in files]
    for one, shape in found:
        of_file[one.number].append((one, one.clean and clean_shapes[shape]))
    for file, form, pieces in zip(files, forms, of_file, strict=True):
        if not pieces:
            continue
        whole = compression_of(file, source.compression) is not None or not is_utf8(source.encoding)
        if whole or any(one.piece.fault for one, _ in pieces):
            # Only a reading from the beginning gets at these bytes.
            clean = all(is_clean for _, is_clean in pieces)
            shards.append(JsonShard(str(file), source, form, columns, clean, 0, None, 1))
        else:
            shards += [
                JsonShard(str(file), source, form, columns, is_clean, one.piece.offset, one.size, one.piece.line)
                for one, is_clean in pieces
            ]
    # A source without rows still has a shard, so that what reads it learns the schema.
    return shards or [JsonShard(str(files[0]), source, forms[0], columns, clean=True, start=0, size=0, line=1)]
