"""Snapshots: any source as Parquet, split, with the rows that could not be read beside it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from headrace.data.memory import as_source
from headrace.data.parallel import in_order
from headrace.data.parquet_files import ParquetWriter, storage_errors
from headrace.data.source import ReportingShard, Unreadable
from headrace.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.data.dataset import Shard
    from headrace.data.splits import Splitter

__all__ = ["SnapshotReport", "snapshot"]

UNREADABLE = "unreadable.parquet"
_UNREADABLE_SCHEMA = pa.schema(
    [("file", pa.string()), ("row", pa.int64()), ("reason", pa.string()), ("text", pa.string())]
)
_SAMPLE = 100
A = TypeVar("A", bound=Any)


class _Engine(Protocol):
    def fold(self, shards: Sequence[Shard], make: Callable[[], A], *, columns: Sequence[str] | None = None) -> A: ...


@dataclass(frozen=True)
class SnapshotReport:
    """What a snapshot has written.

    Parameters
    ----------
    rows
        Rows of each split.
    rows_read
        Rows of all splits.
    rows_set_aside
        Rows that could not be read.
    unreadable
        The first 100 of them.
    columns
        The columns and their types.
    """

    rows: dict[str, int]
    rows_read: int
    rows_set_aside: int
    unreadable: tuple[Unreadable, ...]
    columns: dict[str, str]


@dataclass(frozen=True)
class _Task:
    """Writes one shard's rows when it is read, and yields a batch that says how it went."""

    index: int
    shard: Shard
    directory: str
    schema: pa.Schema
    splitter: Splitter | None
    name: str

    @property
    def num_rows(self) -> int | None:
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 - a report has one
        yield pa.record_batch({"part": [json.dumps(asdict(self.run()))]})

    def run(self) -> _Part:
        names = (self.name,) if self.splitter is None else self.splitter.names
        folder = Path(self.directory)
        writers = [ParquetWriter(folder / name / f"part-{self.index:05d}.parquet", self.schema) for name in names]
        aside = ParquetWriter(folder / f".unreadable-{self.index:05d}.parquet", _UNREADABLE_SCHEMA)
        part = _Part({}, 0, [])
        waiting: list[Unreadable] = []

        def report(row: Unreadable) -> None:
            part.set_aside += 1
            if len(part.sample) < _SAMPLE:
                part.sample.append(asdict(row))
            waiting.append(row)

        def flush() -> None:
            if waiting:
                aside.write(pa.RecordBatch.from_pylist([asdict(row) for row in waiting], _UNREADABLE_SCHEMA))
                waiting.clear()

        try:
            batches = self.shard.read_reporting(report) if isinstance(self.shard, ReportingShard) else self.shard.read()
            for batch in batches:
                flush()
                if self.splitter is None:
                    writers[0].write(batch)
                    continue
                assigned = self.splitter.assign(batch)
                for split, writer in enumerate(writers):
                    writer.write(batch.take(pa.array(np.flatnonzero(assigned == split))))
            flush()
            for name, writer in zip(names, writers, strict=True):
                part.rows[name] = writer.rows
                writer.close()
            aside.close()
        except BaseException:
            for writer in [*writers, aside]:
                writer.abort()
            raise
        return part


@dataclass
class _Part:
    rows: dict[str, int]
    set_aside: int
    sample: list[dict[str, Any]]


@dataclass
class _Parts:
    parts: list[_Part] = field(default_factory=list)

    def update(self, batch: pa.RecordBatch) -> None:
        self.parts += [_Part(**json.loads(text)) for text in batch.column(0).to_pylist()]

    def merge(self, other: _Parts) -> None:
        self.parts += other.parts

    def result(self) -> list[_Part]:
        return self.parts


def snapshot(
    source: Any,
    directory: str | Path,
    *,
    split: Splitter | None = None,
    name: str = "all",
    max_bad_rows: float | None = None,
    engine: _Engine | None = None,
) -> SnapshotReport:
    """Write a source as ``<directory>/<split>/part-*.parquet``.

    Rows that cannot be read are in ``<directory>/unreadable.parquet`` (file, row, reason, text): rows read and rows
    set aside add up to the rows that are there.

    Parameters
    ----------
    source
        Anything that `as_source` takes.
    directory
        A folder, made where it is absent.
    split
        Assigns rows to splits.
    name
        The one split's name, without ``split``.
    max_bad_rows
        How many rows may be unreadable: a number, or below 1 a share of the rows. No limit when None, but one row must
        be readable.
    engine
        Runs the shards; threads when None.

    Raises
    ------
    DataError
        If the source cannot be read, or too many of its rows.
    StorageError
        If the folder cannot be written, as when the disk is full. Nothing written in part stays.
    """
    if max_bad_rows is not None and max_bad_rows < 0:
        raise UsageError("max_bad_rows is a number of rows, or below 1 a share of them", got=max_bad_rows)
    dataset = as_source(source).dataset()
    folder = Path(directory)
    names = (name,) if split is None else split.names
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    taken = [item for item in (*names, UNREADABLE) if (folder / item).exists() and item != UNREADABLE]
    if taken:
        raise UsageError("A snapshot is written to a folder of its own", got=f"{folder / taken[0]} exists")
    tasks = [
        _Task(index, shard, str(folder), dataset.schema, split, name) for index, shard in enumerate(dataset.shards)
    ]
    try:
        parts = list(in_order(_Task.run, tasks)) if engine is None else engine.fold(tasks, _Parts).result()
        report = _summary(parts, names, dataset.schema)
        _check(report, max_bad_rows)
        for empty in [item for item in names if not report.rows[item]]:
            ParquetWriter(folder / empty / "part-00000.parquet", dataset.schema).finish()
        _gather(folder)
    except BaseException:
        for item in names:
            shutil.rmtree(folder / item, ignore_errors=True)
        for file in folder.glob(".unreadable-*.parquet"):
            file.unlink(missing_ok=True)
        raise
    return report


def _summary(parts: Sequence[_Part], names: Sequence[str], schema: pa.Schema) -> SnapshotReport:
    rows = {item: sum(part.rows.get(item, 0) for part in parts) for item in names}
    sample = [Unreadable(**row) for part in parts for row in part.sample][:_SAMPLE]
    return SnapshotReport(
        rows,
        sum(rows.values()),
        sum(part.set_aside for part in parts),
        tuple(sample),
        {item.name: str(item.type) for item in schema},
    )


def _check(report: SnapshotReport, max_bad_rows: float | None) -> None:
    bad = report.rows_set_aside
    if not bad:
        return
    total = bad + report.rows_read
    shown = "; ".join(str(row) for row in report.unreadable[:5]) + ("; …" if bad > 5 else "")
    encoding = bool(report.unreadable) and all("is not UTF-8" in one.reason for one in report.unreadable)
    mend = "Name the file's encoding, for example encoding='latin-1'" if encoding else "Mend the rows"
    if not report.rows_read:
        raise DataError("Not one row can be read", got=f"{bad:,} unreadable rows", where=shown, fix=mend)
    if max_bad_rows is None:
        return
    share = 0 < max_bad_rows < 1
    if bad > (max_bad_rows * total if share else max_bad_rows):
        limit = f"{100 * max_bad_rows:.6g}% of the rows" if share else f"{max_bad_rows:,} rows"
        raise DataError(
            f"At most {limit} may be unreadable",
            got=f"{bad:,} of {total:,}",
            where=shown,
            fix=f"{mend}, or allow more with max_bad_rows",
        )


def _gather(folder: Path) -> None:
    """Put the shards' unreadable rows into one file, in the order of the shards."""
    import pyarrow.parquet as pq

    files = sorted(folder.glob(".unreadable-*.parquet"))
    if not files:
        return
    writer = ParquetWriter(folder / UNREADABLE, _UNREADABLE_SCHEMA)
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches():
            writer.write(batch)
    writer.finish()
    for file in files:
        file.unlink()
