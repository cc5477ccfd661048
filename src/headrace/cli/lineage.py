"""``headrace lineage``: what made a thing, and what was made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.output import Command, emit, home_option, json_option, seconds, table
from headrace.cli.published import pushed_artifact
from headrace.config import resolve_home

if TYPE_CHECKING:
    from headrace.metadata import ExecutionRecord, LineageGraph, MetadataReader

__all__ = ["command"]


@click.command("lineage", cls=Command)
@click.argument("reference")
@home_option
@json_option
def command(reference: str, home: str | None, *, as_json: bool) -> None:
    """Print the data, code, parameters and steps that made a model, an artifact or a file of one; and what used it.

    Example:
      headrace lineage census
      headrace lineage models/census/3
      headrace lineage .headrace/artifacts/Examples/20250101-…
    """
    from headrace.metadata import MetadataReader

    place = resolve_home(home)
    with MetadataReader(place) as reader:
        graph = reader.lineage(_artifact(place, reader, reference))
    emit(graph.to_dict(), lambda: _text(reference, graph), as_json=as_json)


def _artifact(home: Path, reader: MetadataReader, reference: str) -> str | Path:
    """Return the id of the artifact that stands for a published model, or the reference itself."""
    from headrace.errors import ModelError
    from headrace.registry import Registry

    place = Path(reference).resolve()
    if home / "artifacts" in place.parents:
        return place
    registry = Registry(home)
    if registry.root in place.parents and place.exists():
        # A model, or a file of one.
        reference = "/".join(place.relative_to(registry.root).parts[:2])
    elif "/" not in reference and reference not in registry.names():
        return reference
    folder = registry.resolve(reference)
    record = pushed_artifact(reader, folder)
    if record is None:
        raise ModelError(
            "A model that a run of this home published has its lineage here",
            got=str(folder),
            where=str(home),
            fix=f"See {folder / 'lineage.json'}" if (folder / "lineage.json").is_file() else None,
        )
    return record.id


def _text(reference: str, graph: LineageGraph) -> str:
    record = graph.artifact
    when = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [f"{reference}: {record.type} {record.id}, made {when}, digest {record.digest[:16]}"]
    if graph.data:
        rows = [[one.path, one.digest[:16], one.parameter] for one in graph.data]
        lines += ["", "data", _indent(table(["file", "digest", "parameter"], rows))]
    lines += ["", "made by"]
    lines += [_execution(graph, one) for one in graph.upstream]
    if graph.downstream:
        lines += ["", "used by"]
        lines += [_execution(graph, one) for one in graph.downstream]
    return "\n".join(lines)


def _execution(graph: LineageGraph, execution: ExecutionRecord) -> str:
    took = seconds(execution.finished - execution.started)
    lines = [f"  {execution.step_id}  run {execution.run_id}  code {execution.code_digest[:12]}  {took}"]
    lines += [f"      {name} = {_short(value)}" for name, value in execution.parameters.items() if value is not None]
    for side, pairs in (("from", execution.inputs), ("made", execution.outputs)):
        for name, artifact in pairs:
            known = graph.artifacts.get(artifact)
            digest = f"  {known.digest[:12]}" if known else "  (removed)"
            lines.append(f"      {side} {name}: {artifact}{digest}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        said = {name: one for name, one in value.items() if one not in (None, {}, [], "")}
        value = ", ".join(f"{name}={one}" for name, one in said.items())
    text = str(value)
    return text if len(text) <= 100 else text[:99] + "…"


def _indent(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())
