"""Ingestion: a source becomes an immutable snapshot in splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from headrace.components.artifacts import Examples
from headrace.errors import UsageError, did_you_mean
from headrace.pipeline import component

if TYPE_CHECKING:
    from headrace.data import Source

__all__ = ["example_gen"]

Weights = Mapping[str, int]
SHOWN_UNREADABLE = 20


@component
def example_gen(
    source: Source | Mapping[str, Source],
    *,
    splits: Weights | Mapping[str, Weights] | None = None,
    by: Sequence[str] | None = None,
    max_bad_rows: float | None = None,
) -> Examples:
    """Read a source into an immutable snapshot.

    Parameters
    ----------
    source
        What to read (``hr.csv(...)``, ``hr.parquet(...)``), or a mapping of split name → source for splits that are
        given.
    splits
        Split name → weight, for splits by a hash of the row; with a mapping of sources, source name → such weights
        for those that are to be split further. One split named ``"all"`` where nothing is said.
    by
        Key columns to hash instead of the whole row, so that rows of one key stay together.
    max_bad_rows
        Rows of a source that may be set aside as unreadable before the run stops: a count (an int) or a fraction
        (a float below 1). Without it the run goes on while there is a readable row. They are counted and kept in any
        case.

    Raises
    ------
    DataError
        If nothing can be read, or too many rows are unreadable.
    UsageError
        If the splits do not fit the sources.
    """
    from headrace.data import hash_splits, same_types, snapshot

    named = _named(source, splits)
    opened = same_types({name: one for name, (one, _) in named.items()})
    examples = Examples.create()
    rows: dict[str, int] = {}
    unreadable: list[dict[str, Any]] = []
    rows_read = rows_set_aside = 0
    for name, (_, weights) in named.items():
        report = snapshot(
            opened[name],
            examples.path,
            split=None if weights is None else hash_splits(weights, by=by),
            name=name,
            max_bad_rows=max_bad_rows,
        )
        rows |= report.rows
        rows_read += report.rows_read
        rows_set_aside += report.rows_set_aside
        unreadable += [{"file": one.file, "row": one.row, "reason": one.reason} for one in report.unreadable]
    examples.describe(
        {
            "rows": rows,
            "rows_read": rows_read,
            "rows_set_aside": rows_set_aside,
            "unreadable": unreadable[:SHOWN_UNREADABLE],
        }
    )
    return examples


def _named(
    source: Source | Mapping[str, Source], splits: Weights | Mapping[str, Weights] | None
) -> dict[str, tuple[Source, Weights | None]]:
    """Return source name → (source, weights of its splits)."""
    if not isinstance(source, Mapping):
        return {"all": (source, cast("Weights | None", splits))}
    nested = cast("Mapping[str, Weights]", splits or {})
    for name in nested:
        if name not in source:
            raise UsageError(
                "splits splits sources that are given", got=name, where="example_gen", fix=did_you_mean(name, source)
            )
    made = [split for name in source for split in nested.get(name, [name])]
    twice = {split for split in made if made.count(split) > 1}
    if twice:
        raise UsageError("Every split needs a name of its own", got=", ".join(sorted(twice)), where="example_gen")
    return {name: (one, nested.get(name)) for name, one in source.items()}
