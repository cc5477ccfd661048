"""``headrace verify``: the proof that all ways to predict agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.output import Command, emit, home_option, json_option
from headrace.cli.published import pushed_artifact
from headrace.config import resolve_home
from headrace.errors import UsageError

if TYPE_CHECKING:
    from typing import Any

__all__ = ["command"]


@click.command("verify", cls=Command)
@click.argument("model")
@click.argument("data", required=False)
@click.option("--rows", type=click.IntRange(min=1), default=1000, show_default=True, help="How many rows to replay.")
@home_option
@json_option
def command(model: str, data: str | None, rows: int, home: str | None, *, as_json: bool) -> int:
    """Replay rows through every way to predict and compare the answers bit for bit; leaves with 3 when they differ.

    The ways are the batch path, Python, the REST server in both forms, and plain ONNX Runtime. Rows come from DATA, or
    from the examples of the run that made the model.

    MODEL may be the folder of a transform: its graph is then applied to one batch, to single rows, to parts of shuffled
    rows, and once for each distinct text of DATA.

    Example:
      headrace verify census
      headrace verify census/3 new.parquet --rows 5000
      headrace verify .headrace/artifacts/TransformGraph/20261125-3f2a91-transform new.parquet
    """
    if (Path(model) / "transform.onnx").is_file():
        return _transform(model, data, rows, as_json=as_json)
    from headrace.registry import Registry
    from headrace.serving import verify

    place = resolve_home(home)
    folder = Registry(place).resolve(model)
    report = verify(folder, data or _examples(place, folder), max_rows=rows)
    emit(report.to_dict(), str(report), as_json=as_json)
    return 0 if report.ok else 3


def _transform(folder: str, data: str | None, rows: int, *, as_json: bool) -> int:
    from headrace.transform import TransformGraph

    if data is None:
        raise UsageError("The rows to replay are wanted", got=f"a transform alone: {folder}", fix="Name a data file")
    report = TransformGraph.load(folder).verify(data, max_rows=rows)
    emit(report.to_dict(), str(report), as_json=as_json)
    return 0 if report.ok else 3


def _examples(home: Path, folder: Path) -> Any:
    """Open the raw examples that the model was made from."""
    from headrace.components import Examples
    from headrace.metadata import MetadataReader

    with MetadataReader(home) as reader:
        record = pushed_artifact(reader, folder)
        if record is None:
            raise UsageError(
                "The rows to replay are wanted", got=f"no run in {home} made {folder}", fix="Name a data file"
            )
        graph = reader.lineage(record.id)
    raw = [
        artifact
        for execution in graph.upstream
        if execution.component == "evaluator"
        for _, identity in execution.inputs
        if (artifact := graph.artifacts.get(identity)) is not None and artifact.type == "Examples"
    ]
    if not raw:
        raise UsageError(
            "The rows to replay are wanted", got="no examples in the model's lineage", fix="Name a data file"
        )
    examples = Examples(home / raw[0].path)
    return examples.split(examples.splits[-1])
