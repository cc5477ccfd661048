"""Sources whose columns have the same types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from headrace.data.csv_source import CSV_TYPES, CsvSource
from headrace.data.json_source import JsonSource
from headrace.data.sql_source import SQL_TYPES, SqlSource
from headrace.data.tfrecord_source import TFRECORD_TYPES, TFRecordSource
from headrace.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.data.source import Source

__all__ = ["same_types"]

_Inferring: TypeAlias = CsvSource | JsonSource | SqlSource | TFRecordSource
_LIST = "list<item: "


def same_types(sources: Mapping[str, Source]) -> dict[str, Source]:
    """Let the first source decide the types of the columns that all sources share.

    Whole numbers become ``float64`` where another source has fractions. In sources that find types out (CSV, JSON,
    TFRecord, SQL), a value that does not fit its column's type makes its row unreadable, as always.

    Parameters
    ----------
    sources
        By name, in order.

    Raises
    ------
    DataError
        If a source disagrees with the first one, and carries its own types, or cannot be told such a type.
    """
    if len(sources) < 2:
        return dict(sources)
    found = {name: _types(source) for name, source in sources.items()}
    first, types = next(iter(found.items()))
    wanted = {column: _common([known.get(column, kind) for known in found.values()]) for column, kind in types.items()}
    agreed: dict[str, Source] = {}
    for name, source in sources.items():
        changed = [column for column, kind in found[name].items() if wanted.get(column, kind) != kind]
        told = _told(source, {column: wanted[column] for column in changed})
        now = _types_told(told) if changed and isinstance(told, SqlSource | TFRecordSource) else wanted
        for column in changed:
            if told is None or now.get(column) != wanted[column]:
                raise DataError(
                    f"Column {column!r} must have the same type in all sources",
                    got=f"{wanted[column]} in {first!r} and {found[name][column]} in {name!r}",
                    fix=_fix(source, column, wanted[column], found[name][column]),
                )
        agreed[name] = source if told is None else told
    return agreed


def _types(source: Source) -> dict[str, str]:
    return {field.name: str(field.type) for field in source.dataset().schema}


def _types_told(source: Source) -> dict[str, str]:
    """Return the types that a source has which was told some; none where it does not take them."""
    try:
        return _types(source)
    except UsageError:
        # A database that says its types.
        return {}


def _common(kinds: list[str]) -> str:
    """Return the first type, or that of fractions where the others differ from it by that alone."""
    items = [_item(kind) for kind in kinds]
    same_lists = len({kind.replace(item, "") for kind, item in zip(kinds, items, strict=True)}) == 1
    if same_lists and set(items) == {"int64", "double"}:
        return kinds[0].replace(items[0], "double")
    return kinds[0]


def _item(kind: str) -> str:
    """Return the type of what is in lists, at any depth."""
    while kind.startswith(_LIST):
        kind = kind.removeprefix(_LIST).removesuffix(">")
    return kind


def _word(source: _Inferring, kind: str) -> str | None:
    """Return what a source calls a type in its ``types``; None where it has no word for it."""
    if isinstance(source, TFRecordSource):
        # There a word is for the values, whether they are in lists or not.
        return TFRECORD_TYPES.get({"double": "float64"}.get(_item(kind), _item(kind)))
    known = SQL_TYPES if isinstance(source, SqlSource) else CSV_TYPES
    return known.get({"double": "float64", "date32[day]": "date32"}.get(kind, kind))


def _told(source: Source, kinds: Mapping[str, str]) -> Source | None:
    """Return the source with types for some columns; None where it cannot be told them."""
    if not kinds:
        return source
    if not isinstance(source, _Inferring):
        return None
    types = dict(source.types)
    for column, kind in kinds.items():
        word = _word(source, kind)
        if word is None:
            return None
        types[column] = word
    return replace(source, types=tuple(sorted(types.items())))


def _fix(source: Source, column: str, wanted: str, kind: str) -> str:
    if isinstance(source, TFRecordSource) and _item(wanted) == _item(kind):
        return "Say scalars=False, or scalars=True, in all of them"
    if isinstance(source, SqlSource):
        return f"Cast {column} in the query"
    if isinstance(source, CsvSource | JsonSource):
        return "Read all files as one source, and split it by hash; or read the other columns alone, with columns="
    return "Cast it in one of them"
