"""``headrace runs``: list and show runs, and read their logs."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.output import Commands, ago, emit, home_option, json_option, seconds, table
from headrace.config import resolve_home
from headrace.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.metadata import MetadataReader, RunRecord, StepRecord

__all__ = ["command", "find_run"]


@click.group("runs", cls=Commands)
def command() -> None:
    """List and show runs, and read their logs.

    A run is named by its id, by the start of it, or as ``last``.

    Example:
      headrace runs list
      headrace runs show last
      headrace runs logs last trainer
    """


@command.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@home_option
@json_option
def list_runs(limit: int, home: str | None, *, as_json: bool) -> None:
    """Print runs, the newest first.

    Example:
      headrace runs list --limit 5
    """
    from headrace.metadata import MetadataReader
    from headrace.pipeline import run_states

    place = resolve_home(home)
    with MetadataReader(place) as reader:
        runs = run_states(reader, reader.runs(limit=limit))
    now = time.time()
    rows = [
        [one.id, one.pipeline, one.state, ago(one.started, now), seconds(_took(one)), _settings(one)] for one in runs
    ]
    head = ["run", "pipeline", "state", "started", "took", "parameters"]
    emit([asdict(one) for one in runs], lambda: table(head, rows) if rows else f"no runs in {place}", as_json=as_json)


@command.command("show")
@click.argument("run_id", default="last")
@home_option
@json_option
def show(run_id: str, home: str | None, *, as_json: bool) -> None:
    """Print the steps of a run, and why it failed if it did.

    Example:
      headrace runs show last
    """
    from headrace.metadata import MetadataReader
    from headrace.pipeline import step_states

    with MetadataReader(resolve_home(home)) as reader:
        run = find_run(reader, run_id)
        steps = step_states(run, reader.steps(run.id))

    def text() -> str:
        rows = [[one.step_id, one.state, seconds(_step_took(one)), _memory(one)] for one in steps]
        lines = [f"{run.id}  {run.pipeline}  {run.state}  {seconds(_took(run))}  {run.file}"]
        lines += [f"  {name} = {value}" for name, value in run.parameters.items()]
        lines += ["", table(["step", "state", "took", "memory"], rows, right=[2, 3])]
        lines += [f"\n{one.step_id}: {one.error.get('message', '')}" for one in steps if one.error]
        return "\n".join(lines)

    emit(asdict(run) | {"steps": [asdict(one) for one in steps]}, text, as_json=as_json)


@command.command("logs")
@click.argument("run_id", default="last")
@click.argument("step", required=False)
@home_option
@json_option
def logs(run_id: str, step: str | None, home: str | None, *, as_json: bool) -> None:
    """Print what the steps of a run printed, or one of them.

    Of a step that was reused it is what the step printed when it ran.

    Example:
      headrace runs logs last trainer
    """
    from headrace.metadata import MetadataReader

    place = resolve_home(home)
    with MetadataReader(place) as reader:
        run = find_run(reader, run_id)
        records = reader.steps(run.id)
        executions = {
            one.id: one for one in reader.executions([one.execution_id for one in records if one.execution_id])
        }
    steps = [one.step_id for one in records]
    if step is not None and step not in steps:
        raise UsageError("A step of the run is wanted", got=step, fix=did_you_mean(step, steps))
    # A step that was reused printed in an earlier run.
    ran = {one.step_id: executions.get(one.execution_id or "") for one in records}
    found = {
        one: _log(place, *((run.id, one) if (made := ran[one]) is None else (made.run_id, made.step_id)))
        for one in ([step] if step else steps)
    }
    printed = {one: log for one, log in found.items() if log}
    text = "\n".join(f"--- {one}\n{log.rstrip()}" for one, log in printed.items()) or "the steps printed nothing"
    emit(printed, text, as_json=as_json)


def find_run(reader: MetadataReader, run_id: str) -> RunRecord:
    """Return a run by its id, the start of it, or ``last``.

    Raises
    ------
    MetadataError
        If there is none.
    UsageError
        If there has been no run at all.
    """
    from headrace.pipeline import run_states

    if run_id == "last":
        newest = reader.runs(limit=1)
        if not newest:
            raise UsageError("There has been no run in this home", got=str(reader.home), fix="Start one: headrace run")
        return run_states(reader, newest)[0]
    return run_states(reader, [reader.run(run_id)])[0]


def _log(home: Path, run_id: str, step: str) -> str:
    path = home / "runs" / run_id / f"{step}.log"
    return path.read_text("utf-8", errors="replace") if path.is_file() else ""


def _took(run: RunRecord) -> float | None:
    return None if run.finished is None else run.finished - run.started


def _step_took(step: StepRecord) -> float | None:
    if step.state == "reused" or step.started is None or step.finished is None:
        return None
    return step.finished - step.started


def _memory(step: StepRecord) -> str:
    return f"{step.peak_memory / 1e6:.0f} MB" if step.peak_memory and step.state != "reused" else "-"


def _settings(run: RunRecord) -> str:
    text = ", ".join(f"{name}={_brief(value)}" for name, value in run.parameters.items())
    return text if len(text) <= 60 else text[:59] + "…"


def _brief(value: Any) -> str:
    path = PurePath(str(value))
    return f"…/{path.name}" if path.is_absolute() and len(path.parts) > 2 else str(value)
