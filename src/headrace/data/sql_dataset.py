"""Rows of databases as a dataset: partitions that are queries, each of which can be run again."""

from __future__ import annotations

import datetime as dt
import decimal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headrace.data.dataset import Dataset
from headrace.data.memory import normalise_dataset
from headrace.data.source import Unreadable
from headrace.data.splits import hash_rows
from headrace.data.sql_database import ArrowDatabase, RowDatabase, open_database
from headrace.data.sql_values import ARROW_TYPES, kind_of_values, to_array, value_kinds
from headrace.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.data.sql_source import SqlSource

__all__ = ["SqlRowShard", "SqlShard", "content_digest", "open_sql"]

_NUMBERS = (int, float, decimal.Decimal)
_TEXT_SHOWN = 1_000
_LABEL_SHOWN = 60


@dataclass(frozen=True)
class SqlShard:
    """A query of a database that gives Arrow batches."""

    url: str = field(repr=False)
    query: str
    schema: pa.Schema

    @property
    def num_rows(self) -> int | None:
        """Rows of the query: only running it can tell."""
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Run the query; yields batches of at most 65,536 rows, and at least one."""
        names = self.schema.names if columns is None else list(columns)
        schema = pa.schema([self.schema.field(name) for name in names])
        empty = True
        with open_database(self.url) as database:
            assert isinstance(database, ArrowDatabase)
            for batch in database.batches(_selected(database, self.query, names)):
                empty = False
                chosen = batch.select(names)
                if chosen.schema != schema:
                    raise DataError(
                        "The columns have changed while they were read", got=str(chosen.schema), where=self.query
                    )
                yield chosen
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=schema)


@dataclass(frozen=True)
class SqlRowShard:
    """A query of a database that gives rows.

    Parameters
    ----------
    url
        The database.
    query
        What to run.
    label
        What the rows are called in reports.
    kinds
        The columns and their types.
    """

    url: str = field(repr=False)
    query: str
    label: str
    kinds: tuple[tuple[str, str], ...]

    @property
    def num_rows(self) -> int | None:
        """Rows of the query: only running it can tell."""
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Run the query, and yield the rows whose values are of the columns' types."""
        yield from self._batches(columns, None)

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows whose values are of the columns' types, and report the others."""
        yield from self._batches(columns, report)

    def _batches(
        self, columns: Sequence[str] | None, report: Callable[[Unreadable], None] | None
    ) -> Iterator[pa.RecordBatch]:
        all_names = [name for name, _ in self.kinds]
        names = all_names if columns is None else list(columns)
        schema = _schema([(name, dict(self.kinds)[name]) for name in names])
        empty, before = True, 0
        with open_database(self.url) as database:
            assert isinstance(database, RowDatabase)
            # All columns are read, so that the rows that can be read do not depend on the columns that are wanted.
            for rows in database.rows(self.query):
                arrays: dict[str, pa.Array] = {}
                problems: dict[int, str] = {}
                for (name, kind), values in zip(self.kinds, zip(*rows, strict=True), strict=True):
                    arrays[name], bad = to_array(values, kind)
                    for row, reason in bad.items():
                        problems.setdefault(row, f"column {name!r}: {reason}")
                batch = _record_batch([arrays[name] for name in names], schema, len(rows))
                if problems:
                    good = np.ones(len(rows), bool)
                    good[list(problems)] = False
                    batch = batch.filter(pa.array(good))
                    for row in sorted(problems):
                        text = repr(dict(zip(all_names, rows[row], strict=True)))[:_TEXT_SHOWN]
                        if report is not None:
                            report(Unreadable(self.label, before + row + 1, problems[row], text))
                before += len(rows)
                if batch.num_rows:
                    empty = False
                    yield batch
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=schema)


def _schema(kinds: Sequence[tuple[str, str]]) -> pa.Schema:
    return pa.schema([pa.field(name, ARROW_TYPES[kind]) for name, kind in kinds])


def _record_batch(arrays: list[pa.Array], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    if not arrays:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _selected(database: RowDatabase | ArrowDatabase, query: str, names: Sequence[str]) -> str:
    chosen = ", ".join(map(database.quote, names)) or "1 AS headrace_row"
    return f"SELECT {chosen} FROM ({query}) AS headrace_source"  # noqa: S608 - the query is the user's own


def open_sql(source: SqlSource) -> Dataset:
    """Find the columns and the partitions, and return the dataset."""
    label = " ".join(source.statement.split())
    label = label if len(label) <= _LABEL_SHOWN else label[: _LABEL_SHOWN - 1] + "…"
    with open_database(source.url) as database:
        query = source.statement if source.is_query else _table_query(database, source.statement)
        there = database.columns(query)
        twice = sorted({name for name in there if there.count(name) > 1})
        if twice:
            raise DataError("The columns of a query have distinct names", got=twice, fix="Name them with AS")
        wanted = there if source.columns is None else list(source.columns)
        on = [] if source.partition_on is None else [source.partition_on]
        for name in [*wanted, *on, *dict(source.types)]:
            if name not in there:
                raise DataError(
                    "A column that the data has is wanted", got=name, where=label, fix=did_you_mean(name, there)
                )
        cuts = [query] if source.partition_on is None else _partitions(database, query, source, label)
        if isinstance(database, ArrowDatabase):
            if source.types:
                raise UsageError(
                    "types are for databases that do not say the types of their columns",
                    got=dict(source.types),
                    fix="Write CAST(… AS …) in the query",
                )
            schema = database.schema(_selected(database, query, wanted))
            shards = tuple(SqlShard(source.url, cut, schema) for cut in cuts)
            return normalise_dataset(Dataset(schema, shards))
        queries = [cut if source.columns is None else _selected(database, cut, wanted) for cut in cuts]
        kinds = _kinds(database, source, queries, wanted)
    found = tuple(SqlRowShard(source.url, cut, label, tuple(kinds)) for cut in queries)
    return Dataset(_schema(kinds), found)


def _table_query(database: RowDatabase | ArrowDatabase, table: str) -> str:
    schema, _, name = table.rpartition(".")
    # A table of another schema is not in the list; the database itself says if it is not there.
    tables = database.tables()
    if not schema and name not in tables:
        raise DataError("There is no such table", got=name, fix=did_you_mean(name, tables))
    quoted = ".".join(database.quote(part) for part in (schema, name) if part)
    return f"SELECT * FROM {quoted}"  # noqa: S608 - the table is there


def _kinds(
    database: RowDatabase, source: SqlSource, queries: Sequence[str], wanted: Sequence[str]
) -> list[tuple[str, str]]:
    """Return the type of each column: as given, as the table declares it, or as all of its values allow."""
    known = ({} if source.is_query else database.declared(source.statement)) | dict(source.types)
    seen: dict[str, set[type]] = {name: set() for name in wanted if name not in known}
    if seen:
        for query in queries:
            for rows in database.rows(_selected(database, query, list(seen))):
                for name, values in zip(seen, zip(*rows, strict=True), strict=True):
                    seen[name] |= value_kinds(values)
    return [(name, known.get(name) or kind_of_values(seen[name])) for name in wanted]


def _partitions(database: RowDatabase | ArrowDatabase, query: str, source: SqlSource, label: str) -> list[str]:
    """Return queries that have every row once, whatever rows there are when they run."""
    name = str(source.partition_on)
    column = database.quote(name)
    inside = f"({query}) AS headrace_source"
    low, high = database.one(f"SELECT MIN({column}), MAX({column}) FROM {inside}")  # noqa: S608 - the query is the user's own
    bounds = _bounds(low, high, source.partitions, name, label)
    inner = f"SELECT * FROM {inside} WHERE"  # noqa: S608
    edges = [*bounds, None]
    cuts = []
    for before, after in zip([None, *bounds], edges, strict=True):
        conditions = [f"{column} >= {before}"] if before is not None else []
        conditions += [f"{column} < {after}"] if after is not None else []
        cuts.append(f"{inner} {' AND '.join(conditions) or f'{column} IS NOT NULL'}")
    return [*cuts, f"{inner} {column} IS NULL"]


def _bounds(low: Any, high: Any, partitions: int, name: str, label: str) -> list[str]:
    """Return where to cut, as written in SQL, rising and without repetition."""
    if low is None or high is None or partitions == 1:
        return []
    if isinstance(low, int) and isinstance(high, int):
        cuts = [str(low + (high - low) * part // partitions) for part in range(1, partitions)]
    elif isinstance(low, _NUMBERS) and isinstance(high, _NUMBERS) and np.isfinite([float(low), float(high)]).all():
        first, spread = float(low), float(high) - float(low)
        cuts = [repr(first + spread * (part / partitions)) for part in range(1, partitions)]
    else:
        cuts = [f"'{cut}'" for cut in _moments(low, high, partitions)]
        if not cuts:
            raise UsageError(
                "partition_on is a column of finite numbers, dates or timestamps",
                got=f"{name!r} has {low!r} to {high!r}",
                where=label,
            )
    return list(dict.fromkeys(cuts))


def _moments(low: Any, high: Any, partitions: int) -> list[str]:
    """Return points of time in the form of the column's; none if it has no times."""
    try:
        first, last = (dt.datetime.fromisoformat(v) if isinstance(v, str) else v for v in (low, high))
        spread = last - first
        points = [first + spread * part / partitions for part in range(1, partitions)]
        separator = "T" if isinstance(low, str) and "T" in low else " "
        texts = [point.isoformat(separator) if isinstance(point, dt.datetime) else str(point) for point in points]
    except (ValueError, TypeError, AttributeError):
        return []
    only_dates = isinstance(low, str) and len(low) == len("2026-01-01")
    return [text[:10] if only_dates else text for text in texts] if isinstance(spread, dt.timedelta) else []


def content_digest(dataset: Dataset) -> str:
    """Return the number of rows and the sum of their hashes, which does not depend on their order."""
    rows, total = 0, 0
    for batch in dataset.batches():
        rows += batch.num_rows
        plain = [_hashable(column) for column in batch.columns]
        hashed = hash_rows(pa.RecordBatch.from_arrays(plain, names=batch.schema.names), batch.schema.names)
        total = (total + int(hashed.sum(dtype=np.uint64))) % 2**64
    return f"rows:{rows}:{total:016x}:{dataset.schema.to_string()}"


def _hashable(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return pa.array([None if value is None else repr(value) for value in column.to_pylist()], pa.string())
    return column
