"""The demo: census data, from raw files to a served prediction, in at most twenty lines."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.errors import HeadraceError, StepError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.pipeline import RunResult

__all__ = ["main"]


def main(directory: str = "demo") -> int:
    """Make the census example in ``directory``, run it, serve the model and ask it about two people."""
    try:
        _demo(Path(directory))
    except HeadraceError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    return 0


def _demo(directory: Path) -> None:
    from headrace.cli.init import command as init

    began = time.perf_counter()
    init.main([str(directory), "--example", "census", "--json"], standalone_mode=False)
    raise SystemExit(began)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
