"""Mends data by a declared policy, and accounts for all that it did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np
import pyarrow as pa

from headrace.data import Dataset, ReportingShard, as_source, warn_of_rows
from headrace.data.splits import hash_rows
from headrace.engines import LocalEngine, fold_counted
from headrace.errors import UsageError
from headrace.validation.anomalies import Anomalies
from headrace.validation.examples import check_rows
from headrace.validation.mending import Plan, action_for, is_nested, mended_schema
from headrace.validation.repair_policy import RepairChange, RepairPolicy, RepairReport, RowsAside, check_policy
from headrace.validation.row_checks import text_of
from headrace.validation.row_findings import REASONS, ROW
from headrace.validation.sql_rules import rules_in
from headrace.validation.validate import check_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.data import SetAside, Shard, Unreadable
    from headrace.engines import Engine
    from headrace.schema import Rule as SqlRule
    from headrace.schema import Schema
    from headrace.validation.anomalies import Anomaly
    from headrace.validation.row_findings import RowFindings

__all__ = ["repair"]

# The number of a row while shards are mended side by side: the shard's number, and the row's within it.
_SHARD_BITS = 40
_EXAMPLES = 10
_STEPS = ("trim", "null_value", "null:type", "cast", "mapping", "spelling", "other", "clip", "null", "fill")
_DISTINCT = 1_000


def repair(
    source: Any,
    schema: Schema,
    policy: RepairPolicy | None = None,
    *,
    environment: str | None = None,
    rules: Sequence[SqlRule] = (),
    side_file: str | Path | None = None,
    engine: Engine | None = None,
) -> tuple[Dataset, RepairReport]:
    """Mend data so that it fits a schema, and say all that was done.

    Values are trimmed, cast, and spelled as the schema has them; then rows are checked, and what breaks a rule by more
    than the schema tolerates is cleared, clipped, filled, or set aside, as the policy says. That is repeated until
    nothing new breaks.

    Parameters
    ----------
    source
        Anything that ``headrace.data.as_source`` takes, or a dataset. It is read several times, and never changed.
    schema
        What the data should look like.
    policy
        What may be done; :class:`RepairPolicy` as it is when None. Lists and structs are not mended inside: their rows
        stay or are set aside.
    environment
        Features that are ``not_in_environment`` need not be there.
    rules
        More SQL rules over rows than the schema has (extra ``sql``).
    side_file
        A Parquet file to write with the rows that are set aside, as they were, their numbers in ``headrace_row``
        (counted from 0 among the rows that can be read), and the reasons in ``headrace_reasons``.
    engine
        Where the work runs; on this machine's threads when None.

    Returns
    -------
    Dataset
        The mended data. It is mended again each time that it is read; ``headrace.data.snapshot`` writes it down.
    RepairReport
        The account; ``rows_in`` is ``rows_out + rows_set_aside``.

    Raises
    ------
    DataError
        If the source cannot be read.
    SchemaError
        If a rule cannot be understood.
    UsageError
        If the policy is for features that are not in the schema.
    StorageError
        If the side file cannot be written.
    """
    wanted = policy or RepairPolicy()
    check_environment(schema, environment)
    check_policy(wanted, dict.fromkeys(schema.names))
    dataset = source if isinstance(source, Dataset) else as_source(source).dataset()
    for name in (ROW, REASONS):
        if name in dataset.columns:
            raise UsageError("The data has no column of this name of ours", got=name, fix="Rename or drop it")
    runner = engine or LocalEngine()
    held = tuple(rules_in((*schema.rules, *rules), "rows", environment))
    plan = Plan(schema, wanted, environment, held, dataset.schema)
    plan, findings = _settled(dataset, plan, runner)
    account, unreadable = fold_counted(runner, _numbered(dataset), partial(_Account, plan))
    warn_of_rows(unreadable, account.rows)
    remaining = Anomalies(tuple(findings.anomalies(mended_schema(plan), "repaired")), ("repaired",))
    report = account.report(remaining, unreadable)
    if side_file is not None:
        _write_aside(dataset, plan, account, Path(side_file))
    shards = tuple(_MendedShard(shard, index, plan) for index, shard in enumerate(dataset.shards))
    return Dataset(mended_schema(plan), shards), report


def _settled(dataset: Dataset, plan: Plan, engine: Engine) -> tuple[Plan, RowFindings]:
    """Return the plan under which nothing new breaks, and what was found then."""
    while True:
        mended = Dataset(
            mended_schema(plan).append(pa.field(ROW, pa.int64())),
            tuple(_MendedShard(shard, index, plan, numbered=True) for index, shard in enumerate(dataset.shards)),
        )
        findings = check_rows(mended, plan.checks(), limit=_EXAMPLES, engine=engine, warn=False)
        actions, repeats = dict(plan.actions), dict(plan.repeats)
        for anomaly in findings.anomalies(mended_schema(plan), "repaired"):
            if anomaly.severity == "error":
                _act(anomaly, plan, findings, actions, repeats)
        if (len(actions), _count(repeats)) == (len(plan.actions), _count(plan.repeats)) and plan.policy.duplicates:
            found = engine.fold(mended.shards, partial(_Keys, plan.policy.duplicates)).repeats()
            if found.size:
                reason = f"{','.join(plan.policy.duplicates)}:duplicate_key"
                repeats[reason] = np.union1d(repeats.get(reason, np.empty(0, np.int64)), found)
        if (len(actions), _count(repeats)) == (len(plan.actions), _count(plan.repeats)):
            return plan, findings
        plan = replace(plan, actions=actions, repeats=repeats)


def _act(
    anomaly: Anomaly,
    plan: Plan,
    findings: RowFindings,
    actions: dict[Any, str],
    repeats: dict[str, np.ndarray],
) -> None:
    path = anomaly.steps
    if not path and anomaly.rule != "custom":
        return
    index = mended_schema(plan).get_field_index(path[0]) if path else -1
    nested = index >= 0 and (len(path) > 1 or is_nested(mended_schema(plan).field(index).type))
    action = action_for(anomaly.rule, path[0] if path else "", plan, nested=nested)
    if action == "keep":
        return
    if anomaly.rule == "unique":
        reason = f"{'.'.join(path)}:unique"
        repeats[reason] = np.union1d(repeats.get(reason, np.empty(0, np.int64)), findings.repeats(path))
        return
    # Values inside lists and structs stay; their rows do not.
    key = (() if anomaly.rule == "custom" else path, anomaly.rule, anomaly.name)
    actions[key] = "set_aside" if nested else action


def _count(repeats: dict[str, np.ndarray]) -> int:
    return sum(rows.size for rows in repeats.values())


@dataclass(frozen=True)
class _NumberedShard:
    """A shard whose batches have the numbers of their rows."""

    shard: Shard
    index: int

    @property
    def num_rows(self) -> int | None:
        return self.shard.num_rows

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 - all are needed
        yield from self._numbered(self.shard.read())

    def read_reporting(
        self,
        report: Callable[[Unreadable], None],
        columns: Sequence[str] | None = None,  # noqa: ARG002 - all are needed
    ) -> Iterator[pa.RecordBatch]:
        reporting = isinstance(self.shard, ReportingShard)
        yield from self._numbered(self.shard.read_reporting(report) if reporting else self.shard.read())  # type: ignore[attr-defined]

    def _numbered(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        first = self.index << _SHARD_BITS
        for batch in batches:
            numbers = pa.array(np.arange(first, first + batch.num_rows))
            schema = batch.schema.append(pa.field(ROW, pa.int64()))
            yield pa.RecordBatch.from_arrays([*batch.columns, numbers], schema=schema)
            first += batch.num_rows


@dataclass(frozen=True)
class _MendedShard:
    """A shard that is mended whenever it is read."""

    shard: Shard
    index: int
    plan: Plan
    numbered: bool = False

    @property
    def num_rows(self) -> int | None:
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield from self._mended(_NumberedShard(self.shard, self.index).read(), columns)

    def read_reporting(
        self, report: Callable[[Unreadable], None], columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        yield from self._mended(_NumberedShard(self.shard, self.index).read_reporting(report), columns)

    def _mended(self, batches: Iterator[pa.RecordBatch], columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        checks = self.plan.checks()
        names = list(mended_schema(self.plan).names if columns is None else columns) + [ROW] * self.numbered
        for batch in batches:
            yield self.plan.apply(batch, checks).batch.select(list(dict.fromkeys(names)))


def _numbered(dataset: Dataset) -> Dataset:
    schema = dataset.schema.append(pa.field(ROW, pa.int64()))
    return Dataset(schema, tuple(_NumberedShard(shard, index) for index, shard in enumerate(dataset.shards)))


class _Keys:
    """Hashes of keys and the numbers of their rows; a monoid."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []

    def update(self, batch: pa.RecordBatch) -> None:
        rows = batch.column(batch.schema.get_field_index(ROW)).to_numpy()
        self._parts.append((hash_rows(batch, self._names), rows))

    def merge(self, other: Self) -> None:
        self._parts += other._parts

    def result(self) -> _Keys:
        return self

    def repeats(self) -> np.ndarray:
        """Return the rows whose key stands in an earlier row too."""
        if not self._parts:
            return np.empty(0, np.int64)
        hashes, rows = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        order = np.lexsort((rows, hashes))
        again = np.flatnonzero(hashes[order][1:] == hashes[order][:-1]) + 1
        return np.sort(rows[order][again])


@dataclass
class _Aside:
    rows: int = 0
    first: list[int] = field(default_factory=list)


class _Account:
    """Counts what a plan does; a monoid."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._checks = plan.checks()
        self.rows = self._out = 0
        self._values: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], Counter[tuple[str | None, str | None]]] = {}
        self._aside: dict[str, _Aside] = {}
        # Rows of each shard, from which the numbers of rows in the whole data follow.
        self._sizes: Counter[int] = Counter()

    def update(self, batch: pa.RecordBatch) -> None:
        mended = self._plan.apply(batch, self._checks)
        numbers = batch.column(batch.schema.get_field_index(ROW)).to_numpy()
        self.rows += batch.num_rows
        self._out += mended.batch.num_rows
        if batch.num_rows:
            self._sizes[int(numbers[0]) >> _SHARD_BITS] += batch.num_rows
        for name, action, _, before, after in mended.changes:
            self._values[name, action] += len(before)
            self._count(self._examples.setdefault((name, action), Counter()), before, after)
        for row, reasons in mended.aside.items():
            for reason in dict.fromkeys(reasons):
                aside = self._aside.setdefault(reason, _Aside())
                aside.rows += 1
                if len(aside.first) < _EXAMPLES:
                    aside.first.append(int(numbers[row]))

    def merge(self, other: Self) -> None:
        self.rows += other.rows
        self._out += other._out
        self._values.update(other._values)
        self._sizes.update(other._sizes)
        for key, examples in other._examples.items():
            self._examples.setdefault(key, Counter()).update(examples)
        for reason, aside in other._aside.items():
            mine = self._aside.setdefault(reason, _Aside())
            mine.rows += aside.rows
            mine.first = sorted([*mine.first, *aside.first])[:_EXAMPLES]

    def result(self) -> _Account:
        return self

    def place(self, number: int) -> int:
        """Return the number of a row in the whole data, from its shard's and its own."""
        shard = number >> _SHARD_BITS
        before = sum(size for index, size in self._sizes.items() if index < shard)
        return before + (number & ((1 << _SHARD_BITS) - 1))

    def report(self, remaining: Anomalies, unreadable: SetAside) -> RepairReport:
        """Return the account, with the numbers of rows in the whole data."""
        plan = self._plan
        order = {name: index for index, name in enumerate(mended_schema(plan).names)}

        def step(item: tuple[tuple[str, str], int]) -> tuple[int, tuple[int, str]]:
            (name, action), _ = item
            return order[name], _step(action)

        changes = [
            RepairChange(
                name, action, count, tuple(pair for pair, _ in self._examples[name, action].most_common(_EXAMPLES))
            )
            for (name, action), count in sorted(self._values.items(), key=step)
        ]
        aside = [
            RowsAside(reason, one.rows, tuple(self.place(number) for number in sorted(one.first)))
            for reason, one in sorted(self._aside.items(), key=lambda item: (-item[1].rows, item[0]))
        ]
        placed = [
            msgspec.structs.replace(one, row_numbers=tuple(self.place(number) for number in one.row_numbers))
            for one in remaining
        ]
        names = mended_schema(plan).names
        return RepairReport(
            self.rows,
            self._out,
            self.rows - self._out,
            unreadable.rows,
            tuple(changes),
            tuple(aside),
            tuple(name for name in names if name not in plan.columns.names),
            tuple(name for name in plan.columns.names if name not in names),
            Anomalies(tuple(placed), remaining.splits),
        )

    def _most_frequent(self, name: str, action: str) -> tuple[tuple[str | None, str | None], ...]:
        return tuple(pair for pair, _ in self._examples[name, action].most_common(_EXAMPLES))

    def _count(self, counter: Counter[tuple[str | None, str | None]], before: pa.Array, after: pa.Array) -> None:
        pairs = pa.table({"a": before, "b": after}).group_by(["a", "b"]).aggregate([([], "count_all")]).to_pylist()
        for pair in pairs:
            texts = [None if pair[key] is None else text_of(pair[key]) for key in ("a", "b")]
            counter[texts[0], texts[1]] += pair["count_all"]
        if len(counter) > _DISTINCT:
            for key, _ in counter.most_common()[_DISTINCT // 2 :]:
                del counter[key]


def _step(action: str) -> tuple[int, str]:
    """Return where an action stands in the order in which values are mended."""
    known = action if action in _STEPS else action.partition(":")[0]
    return _STEPS.index(known), action


def _write_aside(dataset: Dataset, plan: Plan, account: _Account, path: Path) -> None:
    """Write the rows that were set aside, as they were."""
    from headrace.data.parquet_files import ParquetWriter

    schema = dataset.schema.append(pa.field(ROW, pa.int64())).append(pa.field(REASONS, pa.list_(pa.string())))
    writer = ParquetWriter(path, schema)
    checks = plan.checks()
    try:
        for batch in _numbered(dataset).batches():
            aside = plan.apply(batch, checks).aside
            rows = sorted(aside)
            taken = batch.take(pa.array(rows, pa.int64()))
            places = [account.place(number) for number in taken.column(taken.num_columns - 1).to_pylist()]
            said = pa.array([list(dict.fromkeys(aside[row])) for row in rows], pa.list_(pa.string()))
            columns = [*taken.columns[:-1], pa.array(places, pa.int64()), said]
            writer.write(pa.RecordBatch.from_arrays(columns, schema=schema))
    except BaseException:
        writer.abort()
        raise
    writer.finish()
