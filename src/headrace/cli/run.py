"""``headrace run``: run a pipeline."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.anomalies import counted, told
from headrace.cli.output import Command, home_option, json_option, seconds, to_json
from headrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.pipeline import RunEvent, RunResult, StepResult

__all__ = ["command"]


@click.command("run", cls=Command)
@click.argument("file", type=click.Path(path_type=Path), default=Path("pipeline.py"))
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter of the pipeline; may be repeated."
)
@click.option("--pipeline", "name", help="Which pipeline, where the file has several.")
@click.option("--jobs", type=click.IntRange(min=1), help="Steps side by side  [default: one a processor].")
@click.option("--no-cache", is_flag=True, help="Run every step, whatever there is already.")
@home_option
@json_option
def command(
    file: Path,
    settings: tuple[str, ...],
    name: str | None,
    jobs: int | None,
    home: str | None,
    *,
    no_cache: bool,
    as_json: bool,
) -> int:
    """Run the pipeline in FILE; steps whose code, parameters and data have not changed are reused.

    Leaves with 3 when the data has anomalies or the model is not blessed, with 1 when a step fails. A run that was
    killed goes on where it was when it is started again.

    Example:
      headrace run pipeline.py
      headrace run pipeline.py --set model=trees --set epochs=5
      headrace run pipeline.py --json | jq -c 'select(.kind == "finished")'
    """
    from headrace.pipeline import run_pipeline

    show = _WhileHeard(_print_json if as_json else _Lines(live=sys.stdout.isatty()))
    result = run_pipeline(
        file,
        params=_parameters(settings),
        home=home,
        jobs=jobs,
        use_cache=not no_cache,
        on_event=show,
        pipeline_name=name,
    )
    if show.heard:
        _close(result, as_json=as_json)
    return result.exit_code


def _parameters(settings: tuple[str, ...]) -> dict[str, str]:
    given = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise UsageError("--set takes NAME=VALUE", got=setting)
        given[name] = value
    return given


def _print_json(event: RunEvent) -> None:
    click.echo(to_json({key: value for key, value in asdict(event).items() if value is not None}))


class _WhileHeard:
    """Stops talking when nobody reads any more, as in ``headrace run | head``; the run goes on."""

    def __init__(self, show: Callable[[RunEvent], None]) -> None:
        self._show = show
        self.heard = True

    def __call__(self, event: RunEvent) -> None:
        if not self.heard:
            return
        try:
            self._show(event)
            sys.stdout.flush()
        except BrokenPipeError:
            self.heard = False
            # What is still in the buffer must not raise again when the process ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Lines:
    """One line a step: live ones on a terminal, plain ones in a file."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._running: dict[str, None] = {}
        self._width = 0

    def __call__(self, event: RunEvent) -> None:
        if event.kind == "run started":
            self._width = max(map(len, event.steps), default=0)
            click.echo(f"{event.message}: run {event.run_id}, {len(event.steps)} steps")
            return
        if event.step_id is None:
            return
        if event.kind == "started":
            self._running[event.step_id] = None
        else:
            self._running.pop(event.step_id, None)
            self._clear()
            click.echo(self._line(event))
        if self._live and self._running:
            self._clear()
            # A line that wraps could not be cleared.
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"  running: {', '.join(self._running)}"[:width], nl=False)

    def _clear(self) -> None:
        if self._live:
            click.echo("\r\x1b[2K", nl=False)

    def _line(self, event: RunEvent) -> str:
        mark, colour = {
            "finished": ("done", "green"),
            "reused": ("reused", "cyan"),
            "failed": ("FAILED", "red"),
            "found wanting": ("WANTING", "yellow"),
        }.get(event.kind, (event.kind, None))
        name = f"  {event.step_id}".ljust(self._width + 4)
        text = f"{name}{click.style(mark, fg=colour)}{' ' * (8 - len(mark))}"
        if event.kind == "finished" or (event.seconds and event.kind != "reused"):
            memory = f"{event.peak_memory / 1e6:.0f} MB" if event.peak_memory else ""
            return f"{text} {seconds(event.seconds):>8}  {memory:>8}".rstrip()
        if event.message and event.kind == "skipped":
            return f"{text} {event.message}"
        return text.rstrip()


def _why(step: StepResult) -> str:
    """Say why a step ended as it did; anomalies a line each."""
    for name, record in step.outputs.items():
        if record.type == "ExampleAnomalies":
            from headrace.validation import Anomalies

            anomalies = Anomalies.load(step.paths[name] / "anomalies.json")
            return "\n  ".join([counted(anomalies), *told(anomalies, splits=True)])
    return str(step.error)


def _close(result: RunResult, *, as_json: bool) -> None:
    if as_json:
        return
    for step in result.steps:
        if step.error is not None and step.state in ("failed", "found wanting"):
            failed = step.state == "failed"
            head = click.style("error:" if failed else "found wanting:", fg="red" if failed else "yellow", bold=True)
            click.echo(f"{head} {step.id}: {_why(step)}", err=True)
    for step in result.steps:
        for record in step.outputs.values():
            found = record.properties
            if record.type == "ExampleAnomalies" and step.error is None and (found["errors"] or found["warnings"]):
                click.echo(
                    f"{step.id} found {_count(found['errors'], 'error')}, {_count(found['warnings'], 'warning')}"
                )
    click.echo(f"{result.state} in {seconds(result.seconds)}")
    for step in result.steps:
        for record in step.outputs.values():
            if record.type == "PushedModel" and step.state in ("done", "reused"):
                target = record.properties
                what = "pushed" if step.state == "done" else "published before as"
                click.echo(f"{what} models/{target['name']}/{target['version']}")
    click.echo(f"look at it: headrace report {result.run_id}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
