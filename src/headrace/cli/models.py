"""``headrace models``: list and show published models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.output import Commands, emit, home_option, json_option, table
from headrace.config import resolve_home

if TYPE_CHECKING:
    from headrace.registry import ModelVersion

__all__ = ["command"]

SHOWN = ("auc", "pr_auc", "accuracy", "log_loss", "rmse", "mae")


@click.group("models", cls=Commands)
def command() -> None:
    """List and show published models.

    Example:
      headrace models list
      headrace models show census/3
    """


@command.command("list")
@click.argument("name", required=False)
@home_option
@json_option
def list_models(name: str | None, home: str | None, *, as_json: bool) -> None:
    """Print every version of every model, or of one.

    Example:
      headrace models list census
    """
    from headrace.registry import Registry

    registry = Registry(resolve_home(home))
    names = [name] if name else registry.names()
    versions = [version for one in names for version in registry.versions(one)]
    rows = [[str(one), one.published[:19].replace("T", " "), _verdict(one), _metrics(one)] for one in versions]
    empty = f"no models in {registry.root}; headrace run publishes one"
    emit(
        [_plain(version) for version in versions],
        lambda: table(["model", "published (UTC)", "verdict", "metrics"], rows) if rows else empty,
        as_json=as_json,
    )


@command.command("show")
@click.argument("reference")
@home_option
@json_option
def show(reference: str, home: str | None, *, as_json: bool) -> None:
    """Print what a version is: its inputs, outputs, metrics and files.

    Example:
      headrace models show census/3
      headrace models show census --json | jq .signature.inputs
    """
    from headrace.model import Signature
    from headrace.registry import Registry, read_version

    folder = Registry(resolve_home(home)).resolve(reference)
    version = read_version(folder.parent.name, folder)
    signature = Signature.load(folder / "signature.json")
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}

    def text() -> str:
        inputs = [
            [one.name, one.dtype, "optional" if one.feature in signature.optional else "required"]
            for one in signature.inputs
            if one.role == "value"
        ]
        outputs = [[one.name, one.dtype, ", ".join(one.classes or ())] for one in signature.outputs]
        lines = [
            f"{version}  {version.published[:19].replace('T', ' ')} UTC  {_verdict(version)}  {_metrics(version)}",
            f"in {folder}",
            "",
            table(["input", "type", "presence"], inputs),
            "",
            table(["output", "type", "classes"], outputs),
            "",
            table(["file", "bytes"], [[name, f"{size:,}"] for name, size in files.items()], right=[1]),
            "",
            f"what made it: headrace lineage {version}",
        ]
        return "\n".join(lines)

    described = json.loads((folder / "signature.json").read_text("utf-8"))
    emit(_plain(version) | {"signature": described, "files": files}, text, as_json=as_json)


def _plain(version: ModelVersion) -> dict[str, Any]:
    evaluation = version.evaluation or {}
    return {
        "name": version.name,
        "version": version.version,
        "path": str(version.path),
        "published": version.published,
        "digest": version.digest,
        "blessed": version.blessed,
        "metrics": _overall(evaluation),
    }


def _overall(evaluation: dict[str, Any]) -> dict[str, Any]:
    metrics = evaluation.get("overall", {}).get("metrics", {})
    return {name: one.get("value") if isinstance(one, dict) else one for name, one in metrics.items()}


def _verdict(version: ModelVersion) -> str:
    return {True: "blessed", False: "not blessed", None: "not evaluated"}[version.blessed]


def _metrics(version: ModelVersion) -> str:
    overall = _overall(version.evaluation or {})
    return ", ".join(f"{name} {overall[name]:.4f}" for name in SHOWN if isinstance(overall.get(name), float))
