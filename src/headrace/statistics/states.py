"""States of statistics in files: a new day costs one day, and the days before it are merged."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.data.set_aside import SetAside
from headrace.data.source import Unreadable
from headrace.errors import DataError, UsageError
from headrace.statistics.accumulate import StatisticsAccumulator
from headrace.statistics.options import StatsOptions
from headrace.statistics.packing import pack, unpack
from headrace.storage import from_json, to_json, to_plain, write_atomic

if TYPE_CHECKING:
    import os

__all__ = ["load_state", "merge_states", "save_state"]

_MAGIC = b"headrace statistics state\n"
# Raised when an accumulator's attributes change their meaning.
_VERSION = 1
_THEIRS = ("slice_functions", "generators", "feature_generators")


def save_state(accumulator: StatisticsAccumulator, path: str | os.PathLike[str]) -> None:
    """Write what an accumulator has seen to a file, from which others go on; the file is whole or not there.

    Raises
    ------
    UsageError
        If the options hold functions or accumulators of the user's, which a file cannot hold; pickle it then.
    StorageError
        If it cannot be written.
    """
    options = accumulator.options
    for name in _THEIRS:
        if getattr(options, name):
            raise UsageError(
                "A state in a file is of headrace's own statistics", got=f"options with {name}", fix="Pickle it instead"
            )
    held = {
        "version": _VERSION,
        "name": accumulator.name,
        "options": _plain_options(options),
        "columns": accumulator.columns.serialize().to_pybytes(),
        "aside": (accumulator.aside.rows, [_plain_row(row) for row in accumulator.aside.first]),
        "state": accumulator.state(),
    }
    write_atomic(Path(path), _MAGIC + pack(held))


def load_state(path: str | os.PathLike[str]) -> StatisticsAccumulator:
    """Return the accumulator whose state is in a file; nothing in the file is run.

    Raises
    ------
    DataError
        If there is no such file, it is not a state, or it is of another version.
    """
    rule = "A state of statistics is a file that save_state has written"
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(rule, got=error.strerror or str(error), where=str(path)) from error
    if not content.startswith(_MAGIC):
        raise DataError(rule, got="another file", where=str(path))
    try:
        held = unpack(content[len(_MAGIC) :])
        _check_version(held["version"])
        schema = pa.ipc.read_schema(pa.py_buffer(held["columns"]))
        made = StatisticsAccumulator(schema, held["name"], _options(held["options"]))
        made.restore(held["state"])
        rows, first = held["aside"]
        made.aside = SetAside(rows, tuple(Unreadable(**row) for row in first))
    except DataError as error:
        raise DataError(error.rule, got=error.got, where=str(path), fix=error.fix) from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, UsageError, pa.ArrowException) as error:
        raise DataError(rule, got=f"a state without its parts ({error})", where=str(path)) from error
    return made


def merge_states(*accumulators: StatisticsAccumulator) -> StatisticsAccumulator:
    """Return one accumulator of all that several have seen; they stay as they are.

    Raises
    ------
    UsageError
        If there is none, or they are of different columns or options.
    """
    if not accumulators:
        raise UsageError("At least one state is merged", got="none")
    first = accumulators[0]
    total = StatisticsAccumulator(first.columns, first.name, first.options)
    for one in accumulators:
        if not one.columns.equals(first.columns):
            raise UsageError("States that are merged are of the same columns", got=_difference(first, one))
        changed = _changed(first.options, one.options)
        if changed:
            raise UsageError("States that are merged are of the same options", got=changed)
        total.merge(one)
    return total


def _check_version(version: Any) -> None:
    if version != _VERSION:
        raise DataError(
            f"This headrace reads states of version {_VERSION}",
            got=f"version {version}",
            fix="Compute the statistics anew",
        )


def _difference(first: StatisticsAccumulator, other: StatisticsAccumulator) -> str:
    mine, theirs = ({field.name: str(field.type) for field in one.columns} for one in (first, other))
    apart = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
    said = [f"{name!r}: {mine.get(name, 'absent')} and {theirs.get(name, 'absent')}" for name in apart[:3]]
    return ", ".join(said) or "another order of columns"


def _changed(first: StatsOptions, other: StatsOptions) -> str:
    mine, theirs = _plain_options(first), _plain_options(other)
    return ", ".join(f"{name}: {mine[name]!r} and {theirs[name]!r}" for name in mine if mine[name] != theirs[name])


def _plain_options(options: StatsOptions) -> dict[str, Any]:
    """Return the options, with lists for tuples and the schema as JSON; functions and classes stay what they are."""
    held = {one.name: getattr(options, one.name) for one in fields(StatsOptions)}
    schema = held.pop("schema")
    plain = {name: value if value and name in _THEIRS else to_plain(value) for name, value in held.items()}
    return {**plain, "schema": None if schema is None else to_json(schema)}


def _options(held: dict[str, Any]) -> StatsOptions:
    from headrace.schema import Schema

    schema = held.pop("schema")
    found = None if schema is None else from_json(Schema, schema, rule="A state holds a schema")
    return StatsOptions(**held, schema=found)


def _plain_row(row: Unreadable) -> dict[str, Any]:
    return {"file": row.file, "row": row.row, "reason": row.reason, "text": row.text}
