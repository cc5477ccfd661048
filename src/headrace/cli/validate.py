"""``headrace validate``: check data against a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.output import emit, json_option
from headrace.cli.sources import source_options

if TYPE_CHECKING:
    from headrace.data import Source

__all__ = ["command"]


@click.command("validate")
@source_options
@click.option(
    "--schema", "schema_path", type=click.Path(path_type=Path), required=True, help="The schema to check against."
)
@click.option("--environment", help="The schema's environment, as serving.")
@click.option("--previous", metavar="PATH", help="Earlier data, to measure drift against; read with the same options.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    source: Source,
    schema_path: Path,
    environment: str | None,
    previous: str | None,
    *,
    as_json: bool,
) -> int:
    """Check data against a schema; leaves with 3 when there are errors.

    \b
    Example:
      headrace validate new.parquet --schema schema.yaml || echo "not today"
    """
    from dataclasses import replace

    from headrace.schema import Schema
    from headrace.statistics import generate_statistics
    from headrace.validation import validate_statistics

    earlier = None
    if previous is not None:
        earlier = replace(source, path=previous) if hasattr(source, "path") else previous
    anomalies = validate_statistics(
        generate_statistics(source),
        Schema.load(schema_path),
        environment=environment,
        previous=None if earlier is None else generate_statistics(earlier),
    )
    lines = []
    for one in anomalies:
        lines.append(f"{one.severity}: {one.message}")
        if one.examples:
            lines.append(f"  seen: {', '.join(one.examples[:5])}")
        if one.suggestion:
            lines.append(f"  fix: {one.suggestion}")
    lines.append(f"{len(anomalies.errors)} errors, {len(anomalies.warnings)} warnings")
    emit(anomalies.to_dict(), "\n".join(lines), as_json=as_json)
    return 0 if anomalies.ok else 3
