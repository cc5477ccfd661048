"""Statistics of tables of 21 columns: from Parquet against DuckDB and a bare scan, and from CSV."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Comparison, compare
from benchmarks.tables import csv_table, parquet_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["run"]

MILLION = 1_000_000
# Runs after the one that is not counted.
RUNS = {MILLION: 5, 2 * MILLION: 3, 10 * MILLION: 2}


def run() -> Iterator[Comparison]:
    """Yield one comparison after the other."""
    for rows, runs in RUNS.items():
        table = parquet_table(rows)
        name = f"{rows // MILLION} M rows"
        for peer, theirs in (("DuckDB SUMMARIZE", _summarize), ("bare Parquet scan", _scan)):
            yield compare(
                f"statistics, {name}", partial(_statistics, table), peer, partial(theirs, table),
                units=rows, unit="row", runs=runs,
            )  # fmt: skip
    yield compare(
        "statistics of CSV, 1 M", partial(_statistics, csv_table(MILLION)), "pyarrow.csv.read_csv",
        partial(_read_csv, csv_table(MILLION)), units=MILLION, unit="row", runs=3,
    )  # fmt: skip


def _statistics(table: Path) -> Callable[[], Any]:
    from headrace.statistics import generate_statistics

    return lambda: generate_statistics(str(table))


def _summarize(table: Path) -> Callable[[], Any]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    return lambda: connection.execute(f"SUMMARIZE SELECT * FROM '{table}'").fetchall()


def _scan(table: Path) -> Callable[[], Any]:
    import pyarrow.parquet as pq

    def work() -> int:
        with pq.ParquetFile(table, pre_buffer=False) as file:
            return sum(batch.num_rows for batch in file.iter_batches(65_536))

    return work


def _read_csv(table: Path) -> Callable[[], Any]:
    import pyarrow.csv as pacsv

    return lambda: pacsv.read_csv(table)
