"""``headrace repair``: mend data so that it fits a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.output import Command, emit, json_option
from headrace.cli.sources import source_options
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.cli.sources import Described
    from headrace.validation import RepairPolicy

__all__ = ["command"]


@click.command("repair", cls=Command)
@source_options
@click.option(
    "--schema", "schema_path", type=click.Path(path_type=Path), required=True, help="What the data should look like."
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The Parquet file to write."
)
@click.option(
    "--policy",
    type=click.Path(dir_okay=False, path_type=Path),
    help="YAML that says what may be done: default, features, duplicates, rows, new_columns, as hr.RepairPolicy.",
)
@click.option("--environment", help="The schema's environment, as serving.")
@click.option(
    "--side-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows that are set aside, with reasons, to this Parquet file.",
)
@json_option
def command(
    data: Described,
    schema_path: Path,
    output: Path,
    policy: Path | None,
    environment: str | None,
    side_file: Path | None,
    *,
    as_json: bool,
) -> int:
    """Trim, cast, respell, clip, fill or set aside what does not fit a schema, and say all that was done.

    Nothing is lost: rows in are rows out and rows set aside. Leaves with 3 when the result still does not fit.

    Example:
      headrace repair new.csv --schema schema.yaml -o mended.parquet --side-file aside.parquet
      headrace repair new.csv --schema schema.yaml -o mended.parquet --policy policy.yaml
    """
    from headrace.data.parquet_files import ParquetWriter
    from headrace.schema import Schema
    from headrace.validation import repair

    schema = Schema.load(schema_path)
    wanted = None if policy is None else _policy(policy)
    mended, report = repair(data.source(), schema, wanted, environment=environment, side_file=side_file)
    writer = ParquetWriter(output, mended.schema)
    try:
        for batch in mended.batches():
            writer.write(batch)
        writer.finish()
    except BaseException:
        writer.abort()
        raise
    written = [f"wrote {path}" for path in (output, side_file) if path is not None]
    lines = [str(report), *(f"left: {one.message}" for one in report.remaining.errors), *written]
    emit(report.to_dict() | {"written": str(output)}, "\n".join(lines), as_json=as_json)
    return 0 if report.remaining.ok else 3


def _policy(path: Path) -> RepairPolicy:
    import msgspec
    import yaml

    from headrace.validation import RepairPolicy

    try:
        plain = yaml.safe_load(path.read_text("utf-8"))
        return msgspec.convert(plain or {}, RepairPolicy)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise UsageError(
            "A policy of repair is YAML with default, features, duplicates, rows and new_columns",
            got=str(error).replace("\n", " "),
            where=str(path),
        ) from error
