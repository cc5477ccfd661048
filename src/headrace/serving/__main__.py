"""``python -m headrace.serving``: the server as a child process, which says where it listens on standard output."""

from __future__ import annotations

import argparse
import logging
import sys

from headrace.errors import HeadraceError
from headrace.serving.server import ModelServer, announce, serve


def main() -> int:
    """Run the server; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m headrace.serving", description="Serve models over HTTP.")
    parser.add_argument("--models-dir", help="folder of <name>/<version>/")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=PATH", help="one model; may be repeated")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--keep", type=int, default=2)
    parser.add_argument("--poll-seconds", type=float, default=1.0)
    parser.add_argument("--stop-at-end-of-input", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        server = ModelServer(
            options.models_dir,
            dict(item.partition("=")[::2] for item in options.model),
            options.host,
            options.port,
            options.keep,
            options.poll_seconds,
        )
        serve(server, started=announce, stop_at_end_of_input=options.stop_at_end_of_input)
    except HeadraceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
