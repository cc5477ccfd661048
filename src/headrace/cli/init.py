"""``headrace init``: a project to start from."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from headrace.cli.output import Command, emit, json_option
from headrace.examples.project import EXAMPLES, create_project

__all__ = ["command"]


@click.command("init", cls=Command)
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option("--example", type=click.Choice(EXAMPLES), default="census", show_default=True, help="What to start from.")
@click.option("--no-data", is_flag=True, help="Write the code only; bring the data yourself.")
@json_option
def command(directory: Path | None, example: str, *, no_data: bool, as_json: bool) -> None:
    """Start a project from an example: its pipeline, its schema and its data.

    Files that exist already are never overwritten.

    Example:
      headrace init --example census my-census
      cd my-census && headrace run pipeline.py
    """
    target = directory or Path(example)
    created = create_project(example, target, with_data=not no_data)
    lines = [f"wrote {path}" for path in created.written]
    lines += [f"kept  {path} (it was there already)" for path in created.kept]
    if created.data:
        size = sum(path.stat().st_size for path in created.data) / 1e6
        lines.append(f"data  {target / 'data'}: {len(created.data)} files, {size:.1f} MB, checked by SHA-256")
    if no_data:
        lines.append(f"data  {target / 'data'} is yours to fill; without --no-data it is fetched")
    lines.append(f"next  cd {shlex.quote(str(target))} && headrace run pipeline.py")
    plain = {name: [str(path) for path in getattr(created, name)] for name in ("written", "kept", "data")}
    emit(plain, "\n".join(lines), as_json=as_json)
