"""Checks rows against a schema: which rows break which rule, in one pass."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data import Dataset, as_source, warn_of_rows
from headrace.engines import LocalEngine, fold_counted
from headrace.errors import UsageError
from headrace.statistics import Statistics, generate_statistics
from headrace.validation.anomalies import Anomalies
from headrace.validation.policy import judged
from headrace.validation.row_checks import Hit, RowChecks
from headrace.validation.row_findings import REASONS, ROW, RowFindings
from headrace.validation.sql_rules import rules_in
from headrace.validation.validate import check_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.engines import Engine
    from headrace.schema import Rule as SqlRule
    from headrace.schema import Schema
    from headrace.validation.policy import SeverityPolicy

__all__ = [
    "anomaly_statistics",
    "check_rows",
    "offending",
    "reason_of",
    "validate_examples",
    "with_reasons",
    "write_offending",
]


def validate_examples(
    source: Any,
    schema: Schema,
    *,
    environment: str | None = None,
    side_file: str | Path | None = None,
    limit: int = 10,
    rules: Sequence[SqlRule] = (),
    severity: SeverityPolicy | None = None,
    engine: Engine | None = None,
    name: str = "data",
) -> Anomalies:
    """Check every row against a schema; nothing is changed.

    Counts of rows are exact. Drift, skew, and how many distinct values there are can only be told from statistics:
    see :func:`validate_statistics`.

    Parameters
    ----------
    source
        Anything that ``headrace.data.as_source`` takes, or a dataset.
    schema
        What the rows should look like.
    environment
        Features that are ``not_in_environment`` need not be there.
    side_file
        A Parquet file to write with all rows that break a rule: their columns, ``headrace_row`` (counted from 0 among
        the rows that can be read) and ``headrace_reasons`` (as ``age:range``). It takes a second pass, and is there
        whole or not at all.
    limit
        How many row numbers and values an anomaly shows.
    rules
        More SQL rules over rows than the schema has (extra ``sql``).
    severity
        As for :func:`validate_statistics`.
    engine
        Where the work runs; on this machine's threads when None.
    name
        Name of the data set in the anomalies.

    Returns
    -------
    Anomalies
        With ``row_numbers``. For columns whose values are unique, memory grows by 16 bytes a row; strings are compared
        by hashes of 64 bits.

    Raises
    ------
    DataError
        If the source cannot be read.
    SchemaError
        If a rule cannot be understood.
    StorageError
        If the side file cannot be written.
    MissingExtraError
        If there are SQL rules and DuckDB is not installed.
    """
    check_environment(schema, environment)
    if limit < 0:
        raise UsageError("limit is 0 or more", got=limit)
    dataset = source if isinstance(source, Dataset) else as_source(source).dataset()
    checks = RowChecks(schema, environment, rules_in((*schema.rules, *rules), "rows", environment))
    findings = check_rows(dataset, checks, limit=limit, engine=engine)
    found = findings.anomalies(dataset.schema, name)
    anomalies = Anomalies(judged(found, severity, [rule.name for rule in (*schema.rules, *rules)]), (name,))
    if side_file is not None:
        write_offending(dataset, checks, anomalies, findings, Path(side_file))
    return anomalies


def anomaly_statistics(source: Any, schema: Schema, *, environment: str | None = None, **options: Any) -> Statistics:
    """Return statistics of the rows that break a rule: of all of them, and of those of each reason.

    Parameters
    ----------
    source, schema, environment
        As for :func:`validate_examples`.
    options
        ``rules`` and ``severity``, likewise.

    Returns
    -------
    Statistics
        The data sets ``anomalous`` and one a reason, as ``age:range``; none where every row fits.
    """
    from headrace.data import open_parquet

    with tempfile.TemporaryDirectory() as folder:
        side = Path(folder) / "rows.parquet"
        validate_examples(source, schema, environment=environment, side_file=side, **options)
        rows = open_parquet(side)
        if rows.count_rows() == 0:
            return Statistics(())
        reasons = sorted(
            {reason for batch in rows.batches([REASONS]) for reason in pc.list_flatten(batch.column(0)).to_pylist()}
        )
        parts = []
        for reason in (None, *reasons):
            part = Dataset(_without_marks(rows.schema), tuple(_ReasonShard(shard, reason) for shard in rows.shards))
            parts.append(generate_statistics(part, name=reason or "anomalous").datasets[0])
    return Statistics(tuple(parts))


def check_rows(
    dataset: Dataset, checks: RowChecks, *, limit: int = 10, engine: Engine | None = None, warn: bool = True
) -> RowFindings:
    """Look at every row once."""
    make = partial(_findings, checks.schema, checks.environment, checks.rules, limit)
    total, aside = fold_counted(engine or LocalEngine(), dataset, make)
    if warn:
        warn_of_rows(aside, total.rows)
    return total


def offending(
    dataset: Dataset, checks: RowChecks, anomalies: Anomalies, findings: RowFindings
) -> Iterator[tuple[pa.RecordBatch, int, list[Hit]]]:
    """Yield the batches, the number of the first row of each, and the hits of the anomalies that were found."""
    wanted = {(anomaly.steps, anomaly.rule, anomaly.name) for anomaly in anomalies}
    # Of a rule of the user's only its name counts.
    names = {anomaly.name for anomaly in anomalies if anomaly.rule == "custom"}
    repeats = {path: findings.repeats(path) for path in checks.features if (path, "unique", "") in wanted}
    presence = {path for path, rule, _ in wanted if rule in ("missing_values", "few_present")}
    first = 0
    for batch in dataset.batches():
        hits = [
            hit
            for hit in checks.look(batch).hits
            if hit.key in wanted
            or (hit.rule == "custom" and hit.name in names)
            or (hit.rule == "missing_values" and hit.path in presence)
        ]
        for path, rows in repeats.items():
            low, high = np.searchsorted(rows, [first, first + batch.num_rows])
            if high > low:
                hits.append(Hit(path, "unique", rows[low:high] - first, pa.array([], pa.string())))
        yield batch, first, hits
        first += batch.num_rows


def write_offending(
    dataset: Dataset, checks: RowChecks, anomalies: Anomalies, findings: RowFindings, path: Path
) -> None:
    """Write all rows that break a rule, with their numbers and the reasons.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    from headrace.data.parquet_files import ParquetWriter

    schema = dataset.schema.append(pa.field(ROW, pa.int64())).append(pa.field(REASONS, pa.list_(pa.string())))
    writer = ParquetWriter(path, schema)
    try:
        for batch, first, hits in offending(dataset, checks, anomalies, findings):
            writer.write(with_reasons(batch, first, hits, schema))
    except BaseException:
        writer.abort()
        raise
    writer.finish()


def with_reasons(batch: pa.RecordBatch, first: int, hits: Sequence[Hit], schema: pa.Schema) -> pa.RecordBatch:
    """Return the rows of a batch that break a rule, with their numbers and the reasons."""
    reasons: dict[int, list[str]] = {}
    for hit in hits:
        text = reason_of(hit)
        for row in hit.rows.tolist():
            reasons.setdefault(row, []).append(text)
    rows = np.array(sorted(reasons), np.int64)
    taken = batch.take(pa.array(rows))
    said = pa.array([reasons[row] for row in rows.tolist()], pa.list_(pa.string()))
    return pa.RecordBatch.from_arrays([*taken.columns, pa.array(rows + first), said], schema=schema)


def reason_of(hit: Hit) -> str:
    """Return a reason as ``age:range``, or the name of the user's rule."""
    if hit.name:
        return hit.name if hit.rule == "custom" else f"{hit.name}:{hit.rule}"
    return f"{'.'.join(hit.path)}:{hit.rule}"


def _findings(schema: Schema, environment: str | None, rules: Sequence[SqlRule], limit: int) -> RowFindings:
    # Each shard has its own checks, since a connection to DuckDB is for one thread.
    return RowFindings(RowChecks(schema, environment, rules), limit)


def _without_marks(schema: pa.Schema) -> pa.Schema:
    return pa.schema([column for column in schema if column.name not in (ROW, REASONS)])


@dataclass(frozen=True)
class _ReasonShard:
    """The rows of a side file that were written for one reason, or for any."""

    shard: Any
    reason: str | None

    @property
    def num_rows(self) -> int | None:
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        for batch in self.shard.read():
            kept = batch
            if self.reason is not None:
                reasons = batch.column(batch.schema.get_field_index(REASONS)).to_pylist()
                kept = batch.filter(pa.array([self.reason in said for said in reasons], pa.bool_()))
            names = [name for name in batch.schema.names if name not in (ROW, REASONS)] if columns is None else columns
            yield kept.select(list(names))
