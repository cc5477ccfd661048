"""Datasets: an Arrow schema and shards that can be read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from headrace.data.source import ReportingShard
from headrace.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from headrace.data.source import Unreadable

__all__ = ["Dataset", "NullCountingShard", "Shard", "TableShard", "dataset_from_table", "known_nulls"]


@runtime_checkable
class Shard(Protocol):
    """A small, picklable description of data that can be read any number of times."""

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the shard's record batches, at least one, with only ``columns`` where given, in that order."""
        ...

    @property
    def num_rows(self) -> int | None:
        """Rows in the shard, or None where only reading can tell."""
        ...


@runtime_checkable
class NullCountingShard(Protocol):
    """A shard that may know how many values are missing without being read."""

    def null_counts(self, columns: Sequence[str]) -> dict[str, int]:
        """Return the nulls of those of ``columns`` of which it knows."""
        ...


def known_nulls(shard: Shard, columns: Sequence[str]) -> dict[str, int]:
    """Return the nulls of those of ``columns`` of which a shard knows without being read."""
    return shard.null_counts(columns) if isinstance(shard, NullCountingShard) else {}


@dataclass(frozen=True)
class Dataset:
    """An Arrow schema and the shards that hold its rows.

    Parameters
    ----------
    schema
        The schema of every batch of every shard.
    shards
        In the order of the rows.
    """

    schema: pa.Schema
    shards: tuple[Shard, ...]

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self.schema.names)

    def check_columns(self, columns: Sequence[str]) -> None:
        """Raise DataError, naming the nearest column, unless all ``columns`` exist."""
        for name in columns:
            if name not in self.schema.names:
                raise DataError(
                    "A column that the data has is wanted", got=name, fix=did_you_mean(name, self.schema.names)
                )

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield all record batches, shard after shard."""
        if columns is not None:
            self.check_columns(columns)
        for shard in self.shards:
            yield from shard.read(columns)

    def select(self, columns: Sequence[str]) -> Dataset:
        """Return the dataset with only ``columns``, in that order; nothing is read."""
        import pyarrow as pa

        self.check_columns(columns)
        schema = pa.schema([self.schema.field(name) for name in columns])
        return Dataset(schema, tuple(SelectedShard(shard, tuple(columns)) for shard in self.shards))

    def count_rows(self) -> int:
        """Count the rows, reading only shards that do not know their size."""
        total = 0
        for shard in self.shards:
            known = shard.num_rows
            total += known if known is not None else sum(batch.num_rows for batch in shard.read())
        return total

    def to_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read everything into memory."""
        import pyarrow as pa

        self.check_columns(columns or ())
        schema = self.schema if columns is None else pa.schema([self.schema.field(name) for name in columns])
        return pa.Table.from_batches(self.batches(columns), schema)


@dataclass(frozen=True)
class SelectedShard:
    shard: Shard
    columns: tuple[str, ...]

    @property
    def num_rows(self) -> int | None:
        return self.shard.num_rows

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield from self.shard.read(self.columns if columns is None else columns)

    def null_counts(self, columns: Sequence[str]) -> dict[str, int]:
        return known_nulls(self.shard, columns)

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        wanted = self.columns if columns is None else columns
        if isinstance(self.shard, ReportingShard):
            yield from self.shard.read_reporting(report, wanted)
        else:
            yield from self.shard.read(wanted)


@dataclass(frozen=True)
class TableShard:
    """Rows that are in memory already."""

    table: pa.Table

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the table's batches."""
        import pyarrow as pa

        table = self.table if columns is None else self.table.select(list(columns))
        yield from table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]

    def null_counts(self, columns: Sequence[str]) -> dict[str, int]:
        """Return the nulls of columns."""
        return {name: self.table.column(name).null_count for name in columns}

    @property
    def num_rows(self) -> int:
        """Rows in the table."""
        return int(self.table.num_rows)


def dataset_from_table(table: pa.Table, rows_per_shard: int = 65_536) -> Dataset:
    """Cut a table in memory into shards, without copying."""
    starts = range(0, max(table.num_rows, 1), rows_per_shard)
    return Dataset(table.schema, tuple(TableShard(table.slice(start, rows_per_shard)) for start in starts))
