"""Ingestion: a source becomes an immutable snapshot in splits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from headrace.components.artifacts import SET_ASIDE, Examples
from headrace.errors import UsageError, did_you_mean
from headrace.pipeline import component

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.data import Source

__all__ = ["example_gen"]

Weights = Mapping[str, int]
SHOWN_UNREADABLE = 20
UNREADABLE = "unreadable.parquet"
_SPLIT = re.compile(r"\w[\w.-]*")


@component
def example_gen(
    source: Source | Mapping[str, Source],
    *,
    splits: Weights | Mapping[str, Weights] | None = None,
    by: Sequence[str] | None = None,
    max_bad_rows: float | None = None,
) -> Examples:
    """Read a source into an immutable snapshot.

    Where a source has spans, the snapshot's ``spans`` say which of them, in which version, it was made of.

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
        case: see ``Examples.unreadable``.

    Raises
    ------
    DataError
        If nothing can be read, too many rows are unreadable, or sources disagree about the type of a column.
    UsageError
        If the splits do not fit the sources.
    """
    from headrace.data import hash_splits, same_types, snapshot, spans_read

    named = _named(source, splits)
    if by is not None and not any(weights for _, weights in named.values()):
        raise UsageError("by names the key of splits by hash, and there are none", got=by, where="example_gen")
    # Before anything is read: a span that arrives meanwhile is not said to have been in it.
    spans = {name: [one._asdict() for one in spans_read(source)] for name, (source, _) in named.items()}
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
        _keep_unreadable(examples.path, name)
        rows |= report.rows
        rows_read += report.rows_read
        rows_set_aside += report.rows_set_aside
        unreadable += [{"file": one.file, "row": one.row, "reason": one.reason} for one in report.unreadable]
    summary = {
        "rows": rows,
        "rows_read": rows_read,
        "rows_set_aside": rows_set_aside,
        "unreadable": unreadable[:SHOWN_UNREADABLE],
    }
    with_spans = {name: files for name, files in spans.items() if files}
    examples.describe(summary | ({"spans": with_spans} if with_spans else {}))
    return examples


def _named(
    source: Source | Mapping[str, Source], splits: Weights | Mapping[str, Weights] | None
) -> dict[str, tuple[Source, Weights | None]]:
    """Return source name → (source, weights of its splits)."""
    if isinstance(source, Mapping):
        if not source:
            raise UsageError("At least one source is wanted", got="an empty mapping", where="example_gen")
        nested = cast("Mapping[str, Weights]", splits or {})
        for name in nested:
            if name not in source:
                raise UsageError(
                    "splits splits sources that are given",
                    got=name,
                    where="example_gen",
                    fix=did_you_mean(name, source),
                )
        named = {name: (one, nested.get(name)) for name, one in source.items()}
        form = '{"<source>": {"train": 8, "eval": 2}}'
    else:
        named = {"all": (source, cast("Weights | None", splits))}
        form = '{"train": 8, "eval": 2}'
    made: list[str] = []
    for name, (_, weights) in named.items():
        if weights is not None and not (isinstance(weights, Mapping) and all(map(_is_weight, weights.values()))):
            raise UsageError(
                "splits says how much goes to each split", got=splits, where="example_gen", fix=f"Write {form}"
            )
        made += [name] if weights is None else weights
    for split in made:
        if not _SPLIT.fullmatch(split) or split == SET_ASIDE:
            raise UsageError("The name of a split is the name of a folder", got=split, where="example_gen")
    twice = {split for split in made if made.count(split) > 1}
    if twice:
        raise UsageError("Every split needs a name of its own", got=", ".join(sorted(twice)), where="example_gen")
    return named


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _keep_unreadable(folder: Path, name: str) -> None:
    # Every snapshot writes a file of that name, and the next source makes another snapshot in the folder.
    file = folder / UNREADABLE
    if file.exists():
        (folder / SET_ASIDE).mkdir(exist_ok=True)
        file.rename(folder / SET_ASIDE / f"{name}.parquet")
