"""The demo: census data, from raw files to a served prediction, in at most twenty lines."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.errors import HeadraceError, ServingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.metadata import ArtifactRecord
    from headrace.pipeline import RunEvent, RunResult

__all__ = ["main"]


def main(directory: str = "demo", *, params: Mapping[str, Any] | None = None) -> int:
    """Make the census example in ``directory``, run it, serve the model, and ask it about some people.

    Parameters
    ----------
    params
        Parameters of the pipeline, as ``{"model": "trees"}``.

    Returns
    -------
    int
        The exit code.
    """
    try:
        return _demo(Path(directory), params)
    except HeadraceError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code


def _demo(directory: Path, params: Mapping[str, Any] | None) -> int:
    from headrace.examples.project import create_project
    from headrace.pipeline import run_pipeline

    fresh = not (directory / "data" / "adult.test").exists()
    if fresh:
        click.echo("fetching the census data (once)")
    created = create_project("census", directory)
    for path in created.data:
        click.echo(f"data       {path}, {path.stat().st_size / 1e6:.1f} MB, SHA-256 checked")
    home = (directory / ".headrace").resolve()
    result = run_pipeline(directory / "pipeline.py", params=params, home=home, on_event=_progress)
    _clear()
    for line in _told(result):
        click.echo(line)
    if result.exit_code:
        result.raise_for_state()
        return result.exit_code
    report = _report(home, result.run_id)
    _serve(home, directory)
    click.echo(f"report     {report}")
    place = shlex.quote(str(directory))
    program = shlex.quote(os.path.relpath(Path(sys.executable).with_name("headrace"), directory))
    click.echo(f"explore    cd {place} && {program} models show census   (or: runs, lineage, verify, serve, --help)")
    return 0


def _progress(event: RunEvent) -> None:
    """Show which step is running, on a terminal only."""
    if event.kind == "started" and sys.stdout.isatty():
        click.echo(f"\r\x1b[2Krunning {event.step_id} …", nl=False)


def _clear() -> None:
    if sys.stdout.isatty():
        click.echo("\r\x1b[2K", nl=False)


def _told(result: RunResult) -> list[str]:
    """Say what came of a run, a line a fact."""
    reused = sum(step.state == "reused" for step in result.steps)
    lines = [
        f"pipeline   {len(result.steps)} steps in {result.seconds:.1f} s, {reused} of them reused ({result.state})"
    ]
    made = {record.type: record for step in reversed(result.steps) for record in step.outputs.values()}
    if (examples := made.get("Examples")) is not None and "rows_read" in examples.properties:
        facts = examples.properties
        splits = ", ".join(f"{name} {count:,}" for name, count in facts["rows"].items())
        lines.append(f"rows       {facts['rows_read']:,} read ({splits}), {facts['rows_set_aside']} unreadable")
    if (anomalies := made.get("ExampleAnomalies")) is not None:
        facts = anomalies.properties
        lines.append(f"anomalies  {facts['errors']} errors, {facts['warnings']} warnings")
    if (evaluation := made.get("ModelEvaluation")) is not None:
        lines += _evaluated(evaluation)
    if (pushed := made.get("PushedModel")) is not None:
        lines.append(f"pushed     models/{pushed.properties['name']}/{pushed.properties['version']}")
    return lines


def _evaluated(evaluation: ArtifactRecord) -> list[str]:
    facts = evaluation.properties
    value = facts["metrics"]["auc"]
    low, high = facts["intervals"]["auc"]
    against = f", not worse than {facts['baseline']}" if facts["baseline"] and facts["blessed"] else ""
    return [
        f"AUC        {value:.4f}, 95 % interval {low:.4f} to {high:.4f}, on all of adult.test",
        f"verdict    {'blessed' if facts['blessed'] else 'NOT blessed'}{against}",
    ]


def _report(home: Path, run_id: str) -> Path:
    from headrace.storage import write_atomic
    from headrace.web import run_report

    path = home / "runs" / run_id / "report.html"
    write_atomic(path, run_report(home, run_id))
    return path


def _serve(home: Path, directory: Path) -> None:
    """Start the model server on a free port, ask it about the two people in both spellings, and stop it."""
    from headrace.serving import BackgroundServer, ModelClient

    people: list[dict[str, Any]] = json.loads((directory / "people.json").read_text("utf-8"))
    # As the raw files and the talk have them: a space before every string.
    spaced = [{name: f" {value}" if isinstance(value, str) else value for name, value in one.items()} for one in people]
    with BackgroundServer(home / "models") as server, ModelClient(server.url) as client:
        click.echo(f"serving    {server.url}/v1/models/census:predict")
        began = time.perf_counter()
        answers = client.predict("census", spaced)
        took = (time.perf_counter() - began) * 1000
        same = client.predict("census", people) == answers
        for one, answer in zip(people, answers, strict=True):
            who = f"{one.get('occupation')}, {one.get('age')}"
            yes = answer["probabilities"][1]
            shown = json.dumps({"classes": answer["classes"], "logits": answer["logits"]})
            click.echo(f"asked      {who}: over 50K with probability {yes:.4f}   {shown}")
        click.echo(
            f"           {took:.1f} ms for all; without the spaces: {'the same' if same else 'DIFFERENT'} answers"
        )
    click.echo("stopped    the server")
    if not same:
        raise ServingError("What cleans the training data cleans the request: spaces make no difference")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
