"""``headrace validate``: check data against a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from headrace.cli.anomalies import counted, told
from headrace.cli.output import Command, emit, json_option
from headrace.cli.sources import source_options
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.cli.sources import Described
    from headrace.schema import Schema
    from headrace.validation import Anomalies

    Levels = dict[str, Literal["error", "warning", "off"]]

__all__ = ["command"]


@click.command("validate", cls=Command)
@source_options
@click.option(
    "--schema", "schema_path", type=click.Path(path_type=Path), required=True, help="The schema to check against."
)
@click.option("--environment", help="The schema's environment, as serving.")
@click.option("--previous", metavar="PATH", help="Earlier data, to measure drift against; read with the same options.")
@click.option("--serving", metavar="PATH", help="Serving data, to measure skew against; read with the same options.")
@click.option("--rows", is_flag=True, help="Check every row, and say which rows are wrong.")
@click.option(
    "--side-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows that are wrong, with reasons, to this Parquet file; goes with --rows.",
)
@click.option(
    "--severity",
    "severities",
    multiple=True,
    metavar="RULE=LEVEL",
    help="Count a rule as error, warning or off, as column_new=error or age:drift_*=warning; may be repeated.",
)
@click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the anomalies as JUnit XML to this file."
)
@json_option
def command(
    data: Described,
    schema_path: Path,
    environment: str | None,
    previous: str | None,
    serving: str | None,
    side_file: Path | None,
    severities: tuple[str, ...],
    junit: Path | None,
    *,
    rows: bool,
    as_json: bool,
) -> int:
    """Check data against a schema; leaves with 3 when there are errors.

    Example:
      headrace validate new.parquet --schema schema.yaml || echo "not today"
      headrace validate new.csv --schema schema.yaml --rows --side-file wrong.parquet
      headrace validate april.parquet --schema schema.yaml --previous march.parquet --junit drift.xml
    """
    from headrace.schema import Schema
    from headrace.storage import write_atomic

    schema = Schema.load(schema_path)
    levels = _levels(severities)
    anomalies = _of_statistics(data, schema, environment, previous, serving, levels)
    if rows or side_file is not None:
        anomalies = _with_rows(anomalies, data, schema, environment, side_file, levels)
    if junit is not None:
        write_atomic(junit, anomalies.to_junit())
    written = [f"wrote {path}" for path in (side_file, junit) if path is not None]
    lines = [*told(anomalies, splits=False), counted(anomalies), *written]
    emit(anomalies.to_dict(), "\n".join(lines), as_json=as_json)
    return 0 if anomalies.ok else 3


def _levels(given: tuple[str, ...]) -> Levels:
    levels: Levels = {}
    for one in given:
        rule, equals, level = one.rpartition("=")
        if not equals or not rule:
            raise UsageError("A severity is RULE=LEVEL", got=one, fix="As column_new=error, or range=off")
        levels[rule] = cast("Literal['error', 'warning', 'off']", level)
    return levels


def _of_statistics(
    data: Described,
    schema: Schema,
    environment: str | None,
    previous: str | None,
    serving: str | None,
    levels: Levels,
) -> Anomalies:
    from headrace.statistics import generate_statistics
    from headrace.validation import validate_statistics

    return validate_statistics(
        generate_statistics(data.source(), schema=schema),
        schema,
        environment=environment,
        previous=None if previous is None else generate_statistics(data.source(previous), schema=schema),
        serving=None if serving is None else generate_statistics(data.source(serving), schema=schema),
        severity=levels,
    )


def _with_rows(
    anomalies: Anomalies,
    data: Described,
    schema: Schema,
    environment: str | None,
    side_file: Path | None,
    levels: Levels,
) -> Anomalies:
    """Put what the rows say in place of what the statistics say of the same rule."""
    from headrace.validation import Anomalies, validate_examples

    by_row = validate_examples(
        data.source(), schema, environment=environment, side_file=side_file, severity=levels, name=anomalies.splits[0]
    )
    known = {(one.feature, one.rule, one.name) for one in by_row}
    others = [one for one in anomalies if (one.feature, one.rule, one.name) not in known and one.rule != "needs_rows"]
    return Anomalies((*by_row, *others), anomalies.splits)
