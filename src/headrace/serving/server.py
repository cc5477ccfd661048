"""The model server as a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import ServingError, import_extra
from headrace.serving.http import HttpLimits, HttpListener
from headrace.serving.repository import ModelRepository
from headrace.serving.rest import RestApi

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

__all__ = ["ModelServer", "serve"]

_log = logging.getLogger("headrace.serving")


@dataclass
class ModelServer:
    """Serves models over HTTP.

    Parameters
    ----------
    models_dir
        ``<models_dir>/<name>/<version>/``, watched.
    models
        Further models: name to a model folder, or to a folder of numbered versions.
    host, port
        Where to listen; port 0 takes a free one.
    keep
        Versions of each model that stay loaded.
    poll_seconds
        Time between two looks at the folders.
    limits
        What clients may ask.
    drain_seconds
        Time that running requests have when the server stops.
    """

    models_dir: str | os.PathLike[str] | None = None
    models: Mapping[str, str | os.PathLike[str]] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8501
    keep: int = 2
    poll_seconds: float = 1.0
    limits: HttpLimits = field(default_factory=HttpLimits)
    drain_seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.models_dir is None and not self.models:
            raise ServingError("A server needs models", fix="Give a folder of models, or a model as NAME=PATH")
        for name, path in self.models.items():
            if not Path(path).is_dir():
                raise ServingError(f"The folder of model {name!r} must exist", got=str(path))
        if self.models_dir is not None and not Path(self.models_dir).is_dir():
            raise ServingError("The folder of models must exist", got=str(self.models_dir), fix="Publish a model first")
        self.repository = ModelRepository(
            None if self.models_dir is None else Path(self.models_dir),
            {name: Path(path) for name, path in self.models.items()},
            keep=self.keep,
            poll_seconds=self.poll_seconds,
        )
        self._listener: HttpListener | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def run(self, stop: asyncio.Event, *, started: Callable[[ModelServer], None] | None = None) -> None:
        """Load the models, listen, and answer until ``stop`` is set; then finish running requests.

        ``started`` is called when the server answers; ``port`` is the actual one then.

        Raises
        ------
        ServingError
            If the port is taken.
        """
        with ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 1)), "headrace-predict") as pool:
            api = RestApi(self.repository, pool)
            listener = self._listener = HttpListener(api, self.limits)
            # The port first: a server that cannot listen says so before it spends time on loading.
            self.port = await listener.start(self.host, self.port)
            loop = asyncio.get_running_loop()
            try:
                await loop.run_in_executor(None, self.repository.start)
                if started is not None:
                    started(self)
                await stop.wait()
            finally:
                api.draining = True
                await listener.stop(self.drain_seconds)
                await loop.run_in_executor(None, self.repository.stop)

    def cut(self) -> None:
        """End the requests that a server which stops still waits for."""
        if self._listener is not None:
            self._listener.cut()


def serve(
    server: ModelServer,
    *,
    started: Callable[[ModelServer], None] | None = None,
    stop_at_end_of_input: bool = False,
) -> None:
    """Run a server until SIGTERM or SIGINT; SIGHUP has it look for new versions at once.

    Running requests are finished first; a second signal ends them.

    Parameters
    ----------
    server
        The server.
    started
        Called when it answers.
    stop_at_end_of_input
        Also stop when standard input ends, so that a server does not outlive the process that started it.

    Raises
    ------
    ServingError
        If the port is taken.
    """

    async def main() -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()

        def end() -> None:
            if stop.is_set():
                server.cut()
            stop.set()

        # Windows has no handlers on the loop; Ctrl-C raises KeyboardInterrupt there.
        if sys.platform != "win32":
            loop.add_signal_handler(signal.SIGTERM, end)
            loop.add_signal_handler(signal.SIGINT, end)
            loop.add_signal_handler(signal.SIGHUP, server.repository.reload)
        if stop_at_end_of_input:
            wait = threading.Thread(
                target=_wait_for_end_of_input, args=(lambda: loop.call_soon_threadsafe(stop.set),), daemon=True
            )
            wait.start()
        await server.run(stop, started=started)

    run_loop(main())


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop, or on asyncio's own loop on Windows, which uvloop does not know."""
    try:
        factory = None if sys.platform == "win32" else import_extra("uvloop", "serve").new_event_loop
    except BaseException:
        main.close()
        raise
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


def _wait_for_end_of_input(then: Callable[[], Any]) -> None:
    # Not through sys.stdin: its lock, held by a waiting thread, would trip the interpreter when it ends.
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        then()


def announce(server: ModelServer) -> None:
    """Write one line of JSON to standard output: where the server listens."""
    sys.stdout.write(json.dumps({"host": server.host, "port": server.port, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
