"""``headrace validate``: check data against a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.anomalies import counted, told
from headrace.cli.output import Command, emit, json_option
from headrace.cli.sources import source_options

if TYPE_CHECKING:
    from headrace.cli.sources import Described

__all__ = ["command"]


@click.command("validate", cls=Command)
@source_options
@click.option(
    "--schema", "schema_path", type=click.Path(path_type=Path), required=True, help="The schema to check against."
)
@click.option("--environment", help="The schema's environment, as serving.")
@click.option("--previous", metavar="PATH", help="Earlier data, to measure drift against; read with the same options.")
@json_option
def command(
    data: Described,
    schema_path: Path,
    environment: str | None,
    previous: str | None,
    *,
    as_json: bool,
) -> int:
    """Check data against a schema; leaves with 3 when there are errors.

    Example:
      headrace validate new.parquet --schema schema.yaml || echo "not today"
    """
    from headrace.schema import Schema
    from headrace.statistics import generate_statistics
    from headrace.validation import validate_statistics

    schema = Schema.load(schema_path)
    anomalies = validate_statistics(
        generate_statistics(data.source()),
        schema,
        environment=environment,
        previous=None if previous is None else generate_statistics(data.source(previous)),
    )
    lines = [*told(anomalies, splits=False), counted(anomalies)]
    emit(anomalies.to_dict(), "\n".join(lines), as_json=as_json)
    return 0 if anomalies.ok else 3
