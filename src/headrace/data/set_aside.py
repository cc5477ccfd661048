"""Rows that were left out because they cannot be read, counted beside the rows that were read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from headrace.data.cautions import warn
from headrace.data.dataset import Dataset, known_nulls
from headrace.data.source import ReportingShard, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from headrace.data.dataset import Shard

__all__ = ["RowsSetAsideWarning", "SetAside", "counted", "set_aside_in", "warn_of_rows"]

_KEY = b"headrace.set_aside"
_SAMPLE = 3


class RowsSetAsideWarning(UserWarning):
    """Some rows of the data cannot be read and were left out."""


@dataclass(frozen=True)
class SetAside:
    """How many rows were left out, and the first three of them.

    Parameters
    ----------
    nullable
        Whether the first one's source has ``null_values``, texts that mean a missing value.
    """

    rows: int = 0
    first: tuple[Unreadable, ...] = ()
    nullable: bool = False

    def __add__(self, other: SetAside) -> SetAside:
        first = self if self.first else other
        return SetAside(self.rows + other.rows, (*self.first, *other.first)[:_SAMPLE], first.nullable)


@dataclass(frozen=True)
class CountedShard:
    """A shard whose last batch, an empty one, says what was left out.

    The count travels in a batch, so that it arrives wherever and in whatever process an engine reads the shard.
    """

    shard: Shard

    @property
    def num_rows(self) -> int | None:
        return self.shard.num_rows

    def null_counts(self, columns: Sequence[str]) -> dict[str, int]:
        return known_nulls(self.shard, columns)

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        if not isinstance(self.shard, ReportingShard):
            yield from self.shard.read(columns)
            return
        rows = 0
        first: list[Unreadable] = []

        def report(row: Unreadable) -> None:
            nonlocal rows
            rows += 1
            if len(first) < _SAMPLE:
                first.append(row)

        last = None
        for batch in self.shard.read_reporting(report, columns):
            last = batch
            yield batch
        if rows and last is not None:
            aside = {"rows": rows, "first": [asdict(row) for row in first], "nullable": _has_null_values(self.shard)}
            said = json.dumps(aside)
            yield last.slice(0, 0).replace_schema_metadata({_KEY: said.encode()})


def counted(dataset: Dataset) -> Dataset:
    """Return the dataset with what is left out of a shard said in a last, empty batch, for `set_aside_in`."""
    return Dataset(dataset.schema, tuple(CountedShard(shard) for shard in dataset.shards))


def set_aside_in(batch: pa.RecordBatch) -> SetAside | None:
    """Return what a batch of a counted dataset says was left out; None if it is a batch of rows."""
    metadata = None if batch.num_rows else batch.schema.metadata
    if not metadata or _KEY not in metadata:
        return None
    said = json.loads(metadata[_KEY])
    return SetAside(said["rows"], tuple(Unreadable(**row) for row in said["first"]), said["nullable"])


def _has_null_values(shard: Shard) -> bool:
    from headrace.data.csv_shards import CsvShard

    while (inner := getattr(shard, "shard", None)) is not None:
        shard = inner
    return isinstance(shard, CsvShard)


def warn_of_rows(aside: SetAside, rows: int) -> None:
    """Warn that rows were left out, at the line outside of headrace that asked for the data; not where none were.

    Parameters
    ----------
    rows
        How many were read.
    """
    if not aside.rows:
        return
    first = str(aside.first[0])
    advice = ". Where such a text means missing, name it in null_values"
    warn(
        f"{aside.rows:,} of {aside.rows + rows:,} rows cannot be read and are left out; the first is {first}"
        + (advice if aside.nullable and " is not of type " in first else ""),
        RowsSetAsideWarning,
    )
