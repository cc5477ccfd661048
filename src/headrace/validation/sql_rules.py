"""The user's own rules, as SQL predicates that DuckDB evaluates (extra ``sql``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import SchemaError, import_extra
from headrace.validation.anomalies import Anomaly

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from headrace.schema import Rule as SqlRule
    from headrace.statistics import DatasetStatistics, FeatureStatistics

__all__ = ["RowRule", "check_statistics_rules", "rules_in"]

_NUMBER = "headrace_row_number"


def rules_in(rules: Sequence[SqlRule], over: str, environment: str | None) -> list[SqlRule]:
    """Return the rules over rows, or over statistics, that hold in an environment."""
    return [
        rule
        for rule in rules
        if rule.over == over and (not rule.environments or environment is None or environment in rule.environments)
    ]


class RowRule:
    """A predicate over rows.

    Parameters
    ----------
    rule
        The rule; where the predicate is NULL, as it is where a column has no value, it counts as kept, as in a CHECK
        of SQL.

    Raises
    ------
    MissingExtraError
        If DuckDB is not installed.
    """

    def __init__(self, rule: SqlRule) -> None:
        self.rule = rule
        self._connection = _connect()

    def breaking(self, batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
        """Return which rows of a batch break the rule, ascending, int64 of shape [rows that do].

        Raises
        ------
        SchemaError
            If the predicate cannot be understood.
        """
        import numpy as np
        import pyarrow as pa

        rows = pa.Table.from_batches([batch]).append_column(_NUMBER, pa.array(np.arange(batch.num_rows)))
        numbers = _rows_that_break(self._connection, self.rule, rows, _NUMBER)
        return np.sort(np.array(numbers, np.int64))


def check_statistics_rules(
    dataset: DatasetStatistics,
    rules: Sequence[SqlRule],
    previous: DatasetStatistics | None,
    serving: DatasetStatistics | None,
) -> Iterator[Anomaly]:
    """Yield the features that break rules over statistics.

    The table has one row a feature. The columns of the previous and of the serving data have the same names after
    ``previous_`` and ``serving_``, and are NULL where there is none. ``num_unique`` is ``unique``, which is a word of
    SQL and has to be quoted.

    Raises
    ------
    SchemaError
        If a predicate cannot be understood.
    MissingExtraError
        If DuckDB is not installed.
    """
    if not rules:
        return
    import pyarrow as pa

    connection = _connect()
    rows = []
    for feature in dataset.features:
        row = _row(dataset, feature)
        for prefix, other in (("previous_", previous), ("serving_", serving)):
            twin = None if other is None or feature.name not in other else _row(other, other[feature.name])
            row |= {f"{prefix}{key}": None if twin is None else twin[key] for key in _row_types() if key != "feature"}
        rows.append(row)
    types = _row_types()
    columns = {key: types[key.removeprefix("previous_").removeprefix("serving_")] for key in (rows[0] if rows else {})}
    table = pa.Table.from_pylist(rows, pa.schema(list(columns.items())))
    for rule in rules:
        for name in _rows_that_break(connection, rule, table, "feature"):
            if rule.features and name not in rule.features:
                continue
            what = f"{rule.name}: {rule.description}" if rule.description else rule.name
            yield Anomaly(
                name,
                "custom",
                rule.severity,
                dataset.name,
                f"{name} breaks the rule {what} ({rule.sql}).",
                suggestion="Find out what changed, or change the rule",
                name=rule.name,
            )


def _connect() -> Any:
    duckdb = import_extra("duckdb", "sql")
    connection = duckdb.connect(":memory:")
    # A predicate from a schema reads the rows and nothing else.
    connection.execute("SET threads = 1; SET enable_external_access = false; SET lock_configuration = true")
    return connection


def _rows_that_break(connection: Any, rule: SqlRule, table: pa.Table, key: str) -> list[Any]:
    import duckdb

    connection.register("rows", table)
    try:
        found = connection.execute(f'SELECT "{key}" FROM rows WHERE NOT coalesce(({rule.sql}), true)').fetchall()  # noqa: S608
    except duckdb.Error as error:
        raise SchemaError(
            "A rule is a predicate in SQL over the columns",
            got=str(error).splitlines()[0],
            where=f"rule {rule.name!r}: {rule.sql}",
        ) from error
    finally:
        connection.unregister("rows")
    return [row[0] for row in found]


def _row_types() -> dict[str, Any]:
    import pyarrow as pa

    whole = (
        *("num_examples", "num_non_missing", "num_missing", "num_values", "min_num_values", "max_num_values"),
        *("unique", "num_unique", "num_zeros", "num_nan", "num_infinite", "min_length", "max_length"),
        *("num_true", "num_false", "invalid_utf8_count"),
    )
    real = ("mean", "std_dev", "min", "median", "max", "avg_length", "top_frequency")
    types = {"feature": pa.string(), "type": pa.string(), "top_value": pa.string()}
    types |= dict.fromkeys(whole, pa.int64())
    return types | dict.fromkeys(real, pa.float64())


def _row(dataset: DatasetStatistics, feature: FeatureStatistics) -> dict[str, Any]:
    common = feature.common_stats
    row: dict[str, Any] = dict.fromkeys(_row_types())
    row |= {
        "feature": feature.name,
        "type": feature.type,
        "num_examples": dataset.num_examples,
        "num_non_missing": common.num_non_missing,
        "num_missing": common.num_missing,
        "num_values": common.num_values,
        "min_num_values": common.min_num_values,
        "max_num_values": common.max_num_values,
    }
    for stats in (feature.num_stats, feature.string_stats, feature.bool_stats):
        if stats is None:
            continue
        for key in row:
            value = getattr(stats, key, None)
            if value is not None:
                row[key] = value
        row["num_unique"] = row["unique"]
        tops = getattr(stats, "top_values", ())
        if tops:
            row |= {"top_value": tops[0].value, "top_frequency": tops[0].frequency / max(common.num_values, 1)}
    if feature.timestamp_stats is not None:
        row["unique"] = row["num_unique"] = feature.timestamp_stats.unique
    return row
