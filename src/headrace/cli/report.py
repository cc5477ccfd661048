"""``headrace report``: a run's report."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.output import Command, emit, home_option, json_option
from headrace.cli.runs import find_run
from headrace.config import resolve_home

__all__ = ["command"]


@click.command("report", cls=Command)
@click.argument("run_id", default="last")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="[default: runs/RUN/report.html]")
@home_option
@json_option
def command(run_id: str, output: Path | None, home: str | None, *, as_json: bool) -> None:
    """Write a run's report: one HTML page that needs nothing else and works offline.

    Example:
      headrace report last -o report.html
    """
    from headrace.metadata import MetadataReader
    from headrace.storage import write_atomic
    from headrace.web import run_report

    place = resolve_home(home)
    with MetadataReader(place) as reader:
        run = find_run(reader, run_id)
    target = output or place / "runs" / run.id / "report.html"
    page = run_report(place, run.id)
    write_atomic(target, page)
    emit({"run": run.id, "report": str(target), "bytes": len(page.encode())}, f"wrote {target}", as_json=as_json)
