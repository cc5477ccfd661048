"""``headrace schema``: infer, show and compare schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.output import Commands, emit, json_option, table
from headrace.cli.sources import source_options

if TYPE_CHECKING:
    from headrace.cli.sources import Described
    from headrace.schema import Feature, Schema

__all__ = ["command"]


@click.group("schema", cls=Commands)
def command() -> None:
    """Infer, show and compare schemas.

    Example:
      headrace schema infer people.parquet > schema.yaml
      headrace schema show schema.yaml
    """


@command.command("infer")
@source_options
@click.option("--ranges", is_flag=True, help="Numbers get the range that was seen.")
@click.option(
    "--max-domain", type=int, default=100, show_default=True, help="Most distinct strings that make a domain."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@json_option
def infer(data: Described, max_domain: int, output: Path | None, *, ranges: bool, as_json: bool) -> None:
    """Infer a schema that the data satisfies, as YAML to be reviewed and curated.

    Example:
      headrace schema infer people.parquet > schema.yaml
    """
    from headrace.statistics import generate_statistics
    from headrace.validation import infer_schema

    schema = infer_schema(generate_statistics(data.source()), max_string_domain=max_domain, ranges=ranges)
    if output is not None:
        schema.save(output)
        emit({"written": str(output), "features": len(schema)}, f"wrote {output}", as_json=as_json)
    else:
        emit(_plain(schema), lambda: schema.to_yaml().rstrip("\n"), as_json=as_json)


@command.command("show")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
def show(path: Path, *, as_json: bool) -> None:
    """Print a schema as a table.

    Example:
      headrace schema show schema.yaml
    """
    from headrace.schema import Schema

    schema = Schema.load(path)
    rows = [[one.name, one.type.lower(), _presence(one), _domain(one)] for one in schema.features]
    emit(_plain(schema), lambda: table(["feature", "type", "presence", "domain"], rows), as_json=as_json)


@command.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@json_option
def compare(old: Path, new: Path, *, as_json: bool) -> int:
    """Print what changed between two schemas; leaves with 3 when something did.

    Example:
      headrace schema diff schema.yaml new.yaml
    """
    import msgspec

    from headrace.schema import Schema, diff

    changes = diff(Schema.load(old), Schema.load(new))
    text = "\n".join(str(change) for change in changes) or "no difference"
    emit({"changes": [msgspec.to_builtins(change) for change in changes]}, text, as_json=as_json)
    return 3 if changes else 0


def _plain(schema: Schema) -> object:
    import msgspec

    return json.loads(msgspec.json.encode(schema))


def _presence(feature: Feature) -> str:
    if feature.min_fraction == 1:
        return "required"
    return "optional" if feature.min_fraction == 0 else f"at least {feature.min_fraction:.0%}"


def _domain(feature: Feature) -> str:
    if feature.values is not None:
        shown = ", ".join(feature.values[:6])
        return f"{shown}, … {len(feature.values)} values" if len(feature.values) > 6 else shown
    if feature.min is not None or feature.max is not None:
        low = "" if feature.min is None else f"{feature.min:g}"
        high = "" if feature.max is None else f"{feature.max:g}"
        return f"{low} … {high}"
    return ""
