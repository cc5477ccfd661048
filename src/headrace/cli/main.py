"""The ``headrace`` command: a table of commands that are imported when they are called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NoReturn

import click

from headrace._version import __version__
from headrace.cli.output import Commands, fail, rows_left_out_on_stderr
from headrace.errors import HeadraceError

__all__ = ["COMMANDS", "main"]

# name: (module, one line for --help); the order is the one in which a newcomer needs them.
COMMANDS = {
    "init": ("headrace.cli.init", "Start a project from an example."),
    "run": ("headrace.cli.run", "Run a pipeline; what has not changed is reused."),
    "runs": ("headrace.cli.runs", "List, show and read the logs of runs."),
    "report": ("headrace.cli.report", "Write a run's report, one HTML page."),
    "stats": ("headrace.cli.stats", "Statistics of any data."),
    "schema": ("headrace.cli.schema", "Infer, show, compare, accept and export schemas."),
    "validate": ("headrace.cli.validate", "Check data against a schema."),
    "repair": ("headrace.cli.repair", "Mend data so that it fits a schema."),
    "lineage": ("headrace.cli.lineage", "What made a thing, and what was made of it."),
    "models": ("headrace.cli.models", "List and show published models."),
    "serve": ("headrace.cli.serve", "Serve models over HTTP."),
    "predict": ("headrace.cli.predict", "Predict rows of a file or of standard input."),
    "verify": ("headrace.cli.verify", "Prove that all ways to predict give the same bits."),
    "doctor": ("headrace.cli.doctor", "Say what is installed and what is wrong."),
}


# A group without a command prints its help; click 8.2 and later raise this on the way.
_NO_COMMAND: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


class _Table(Commands):
    """A group whose commands live in modules that ``--help`` need not import."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Table, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="headrace")
def root() -> None:
    """Take a machine-learning model from raw data to served production.

    Begin with:
      headrace init --example census my-census
      cd my-census && headrace run pipeline.py

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 checked and found wanting.
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    given = sys.argv[1:] if args is None else args
    try:
        with rows_left_out_on_stderr():
            result: Any = root.main(args=given, prog_name="headrace", standalone_mode=False)
    except _NO_COMMAND as error:
        click.echo(error.ctx.get_help())
        sys.exit(0)
    except (HeadraceError, click.ClickException, OSError) as error:
        fail(error, as_json="--json" in given)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(130)
    sys.exit(result if isinstance(result, int) else 0)
