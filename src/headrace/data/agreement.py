"""Sources whose columns have the same types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headrace.data.csv_source import CSV_TYPES, CsvSource
from headrace.data.json_source import JsonSource
from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.data.source import Source

__all__ = ["same_types"]


def same_types(sources: Mapping[str, Source]) -> dict[str, Source]:
    """Let the first source decide the types of the columns that all sources share.

    Whole numbers become ``float64`` where another source has fractions. In CSV and JSON sources a value that does not
    fit its column's type makes its row unreadable, as always.

    Parameters
    ----------
    sources
        By name, in order.

    Raises
    ------
    DataError
        If a source that carries its own types disagrees with the first one.
    """
    if len(sources) < 2:
        return dict(sources)
    found = {name: {f.name: str(f.type) for f in source.dataset().schema} for name, source in sources.items()}
    first = next(iter(found.values()))
    wanted = {
        column: "float64" if {types.get(column, kind) for types in found.values()} == {"int64", "double"} else kind
        for column, kind in first.items()
    }
    agreed: dict[str, Source] = {}
    for name, source in sources.items():
        changed = {column: kind for column, kind in found[name].items() if wanted.get(column, kind) != kind}
        if not changed:
            agreed[name] = source
        elif isinstance(source, CsvSource | JsonSource) and all(wanted[column] in CSV_TYPES for column in changed):
            types = dict(source.types) | {column: CSV_TYPES[wanted[column]] for column in changed}
            agreed[name] = replace(source, types=tuple(sorted(types.items())))
        else:
            column = next(iter(changed))
            raise DataError(
                f"Column {column!r} must have the same type in all sources",
                got=f"{wanted[column]} in {next(iter(found))!r} and {changed[column]} in {name!r}",
                fix="Cast it in one of them",
            )
    return agreed
