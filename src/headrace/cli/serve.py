"""``headrace serve``: serve models over HTTP."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from headrace.cli.output import Command, home_option, json_option, to_json
from headrace.config import load_settings, resolve_home
from headrace.errors import UsageError

if TYPE_CHECKING:
    from headrace.serving import ModelServer

__all__ = ["command"]


@click.command("serve", cls=Command)
@click.option("--model", "models", multiple=True, metavar="NAME=PATH", help="A model folder to serve; may be repeated.")
@click.option("--host", help="[default: 127.0.0.1, or HEADRACE_HOST]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one  [default: 8501, or HEADRACE_PORT].")
@click.option(
    "--poll", "poll_seconds", type=float, default=1.0, show_default=True, help="Seconds between looks for new versions."
)
@click.option(
    "--keep", type=click.IntRange(min=1), default=2, show_default=True, help="Versions of a model that are served."
)
@home_option
@json_option
def command(
    models: tuple[str, ...],
    host: str | None,
    port: int | None,
    poll_seconds: float,
    keep: int,
    home: str | None,
    *,
    as_json: bool,
) -> None:
    """Serve all published models, or the folders that are named, with the REST protocol of TensorFlow Serving.

    A version that is pushed while the server runs takes over without a request being lost.

    Example:
      headrace serve --port 8501
      curl localhost:8501/v1/models/census:predict -d '{"instances": [{"age": 25, …}]}'
    """
    from headrace.serving import ModelServer, serve

    named = {}
    for given in models:
        name, equals, path = given.partition("=")
        if not equals or not name or not path:
            raise UsageError("--model takes NAME=PATH", got=given)
        named[name] = path
    settings = load_settings()
    published = resolve_home(home) / "models"
    if not named and not published.is_dir():
        raise UsageError(
            "There is a model to serve",
            got=f"none in {published}",
            fix="Publish one with headrace run, name another --home, or a model folder with --model NAME=PATH",
        )
    server = ModelServer(
        None if named else published,
        named,
        settings.host if host is None else host,
        settings.port if port is None else port,
        keep,
        poll_seconds,
    )
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")

    def started(running: ModelServer) -> None:
        names = running.repository.names
        if as_json:
            click.echo(to_json({"url": running.url, "models": names}))
        else:
            click.echo(f"serving {', '.join(names) or 'no model yet'} at {running.url} (Ctrl-C stops)")
        sys.stdout.flush()

    serve(server, started=started)
