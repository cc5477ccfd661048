"""``headrace schema``: infer, show and compare schemas."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.output import Commands, emit, json_option, table
from headrace.cli.sources import source_options
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.cli.sources import Described
    from headrace.schema import Feature, Schema
    from headrace.validation import Anomaly

__all__ = ["command"]

_ROUNDS = 5


@click.group("schema", cls=Commands)
def command() -> None:
    """Infer, show, compare, import and export schemas, and accept what data has.

    Example:
      headrace schema infer people.parquet > schema.yaml
      headrace schema show schema.yaml
      headrace schema accept schema.yaml new.parquet --only workclass
    """


@command.command("infer", short_help="Infer a schema that the data satisfies.")
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


@command.command("show", short_help="Print a schema as a table.")
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


@command.command("diff", short_help="Print what changed between two schemas.")
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


@command.command("accept", short_help="Change a schema so that it allows what data has.")
@click.argument("schema_path", metavar="SCHEMA", type=click.Path(path_type=Path))
@source_options
@click.option(
    "--only",
    "wanted",
    multiple=True,
    metavar="FEATURE[:RULE]",
    help="Accept the anomalies of this feature, or one of them; all that can be when left out. May be repeated.",
)
@click.option("--environment", help="The schema's environment, as serving.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write here, not over SCHEMA.")
@json_option
def accept(
    schema_path: Path,
    data: Described,
    wanted: tuple[str, ...],
    environment: str | None,
    output: Path | None,
    *,
    as_json: bool,
) -> int:
    """Change SCHEMA so that it allows what data has: the anomalies' suggestions, all or one by one.

    Prints what changed. Leaves with 3 when errors stay that no change of the schema would help, or that were not
    asked for.

    Example:
      headrace schema accept schema.yaml new.parquet --only workclass:domain_values --only age
    """
    import msgspec

    from headrace.schema import Schema, diff
    from headrace.statistics import generate_statistics
    from headrace.validation import validate_statistics

    schema = Schema.load(schema_path)
    statistics = generate_statistics(data.source(), schema=schema)
    anomalies = validate_statistics(statistics, schema, environment=environment)
    asked = [one.partition(":") for one in wanted]
    for feature, _, rule in asked:
        if not any(one.feature == feature and rule in ("", one.rule) for one in anomalies):
            known = [f"{one.feature}:{one.rule}" for one in anomalies if one.feature is not None]
            raise UsageError(
                "An anomaly that the data has is accepted",
                got=f"{feature}:{rule}" if rule else feature,
                fix=f"There are: {', '.join(known) or 'none'}",
            )

    def chosen(one: Anomaly) -> bool:
        helps = one.suggested is not None or one.removes
        return helps and (
            not asked or any(one.feature == feature and rule in ("", one.rule) for feature, _, rule in asked)
        )

    changed = schema
    # A column of another type may then be out of its range, and so on: each round says what the last one uncovered.
    for _ in range(_ROUNDS):
        before = changed
        changed = anomalies.accept(before, chosen)
        anomalies = validate_statistics(statistics, changed, environment=environment)
        if changed == before:
            break
    changes = diff(schema, changed)
    if changes or output is not None:
        changed.save(output or schema_path)
    left = anomalies.errors
    lines = [str(change) for change in changes] or ["nothing to change"]
    lines += [f"left: {one.message}" for one in left]
    plain = {
        "changes": [msgspec.to_builtins(change) for change in changes],
        "left": [msgspec.to_builtins(one) for one in left],
    }
    emit(plain, "\n".join(lines), as_json=as_json)
    return 3 if left else 0


@command.command("import", short_help="Turn a schema.pbtxt of TFX into YAML.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@json_option
def import_(path: Path, output: Path | None, *, as_json: bool) -> None:
    """Turn a schema.pbtxt of TFX into YAML; needs the extra tfx.

    Example:
      headrace schema import schema.pbtxt -o schema.yaml
    """
    from headrace.schema import Schema

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        schema = Schema.from_pbtxt(path)
    for one in said:
        click.echo(f"{click.style('warning:', fg='yellow', bold=True)} {one.message}", err=True)
    _written(schema.to_yaml(), output, len(schema), as_json=as_json, plain=_plain(schema))


@command.command("export", short_help="Print a schema in the form of another tool.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--to", "form", type=click.Choice(["pbtxt", "json-schema"]), required=True, help="TFX's form, or JSON Schema."
)
@click.option("--environment", help="For JSON Schema: the rows of this environment, as serving.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@json_option
def export(path: Path, form: str, environment: str | None, output: Path | None, *, as_json: bool) -> None:
    """Print a schema in the form of another tool.

    Example:
      headrace schema export schema.yaml --to pbtxt -o schema.pbtxt
      headrace schema export schema.yaml --to json-schema --environment serving
    """
    from headrace.schema import Schema

    schema = Schema.load(path)
    if form == "pbtxt":
        text = schema.to_pbtxt()
        plain: object = {"pbtxt": text}
    else:
        plain = schema.to_json_schema(environment=environment)
        text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    _written(text, output, len(schema), as_json=as_json, plain=plain)


def _written(text: str, output: Path | None, features: int, *, as_json: bool, plain: object) -> None:
    """Write a text to a file and say so, or print it."""
    if output is None:
        emit(plain, text.rstrip("\n"), as_json=as_json)
        return
    from headrace.storage import write_atomic

    write_atomic(output, text)
    emit({"written": str(output), "features": features}, f"wrote {output}", as_json=as_json)


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
