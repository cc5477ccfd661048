"""A model server in a process of its own, for as long as a ``with`` block lasts."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Self

from headrace.errors import ServingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BackgroundServer"]


class BackgroundServer:
    """Runs ``python -m headrace.serving`` and stops it at the end.

    Parameters
    ----------
    models_dir, models, host, port, keep, poll_seconds
        As for :class:`~headrace.serving.ModelServer`; port 0 takes a free one.
    start_seconds
        Time in which the server must have loaded its models and answer.
    spawned
        Called with the process's id as soon as there is one, before any model is loaded.

    Attributes
    ----------
    url, port, pid
        Known once it runs.
    """

    def __init__(
        self,
        models_dir: str | os.PathLike[str] | None = None,
        models: Mapping[str, str | os.PathLike[str]] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keep: int = 2,
        poll_seconds: float = 1.0,
        start_seconds: float = 60.0,
        spawned: Callable[[int], None] | None = None,
    ) -> None:
        self._command = [sys.executable, "-m", "headrace.serving", "--host", host, "--port", str(port)]
        self._command += ["--keep", str(keep), "--poll-seconds", str(poll_seconds), "--stop-at-end-of-input"]
        if models_dir is not None:
            self._command += ["--models-dir", os.fspath(models_dir)]
        for name, path in (models or {}).items():
            self._command += ["--model", f"{name}={os.fspath(path)}"]
        self._start_seconds = start_seconds
        self._host = host
        self._spawned = spawned
        self._process: subprocess.Popen[bytes] | None = None
        self._log: Any = None
        self.port = port

    @property
    def url(self) -> str:
        """The server's address."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process."""
        return self._running().pid

    @property
    def exit_code(self) -> int | None:
        """How the process ended (minus the signal that ended it), or None while it runs."""
        return self._running().poll()

    def wait(self, seconds: float) -> int | None:
        """Wait for the process to end; returns its exit code, or None if it still runs or never did."""
        if self._process is None:
            return None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def start(self) -> Self:
        """Start, and return when the server answers.

        Raises
        ------
        ServingError
            If it ends instead, or takes longer than ``start_seconds``; the message has the end of its log.
        """
        # A file rather than a pipe: nobody needs to read it for the server to go on.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        if self._spawned is not None:
            self._spawned(self._process.pid)
        line: list[bytes] = []
        assert self._process.stdout is not None
        reader = threading.Thread(target=lambda out: line.append(out.readline()), args=(self._process.stdout,))
        reader.start()
        reader.join(self._start_seconds)
        if reader.is_alive():
            self.kill()
            reader.join()
            text = self.log()
            self.stop()
            raise ServingError(
                f"The server must answer within {self._start_seconds:g} s", got="it still loads", where=text or None
            )
        if not line or not line[0]:
            code = self._process.wait()
            text = self.log()
            self.stop()
            raise ServingError("The server must start", got=f"exit code {code}", where=text or None)
        self.port = int(json.loads(line[0])["port"])
        return self

    def stop(self, seconds: float = 30.0) -> None:
        """Let it finish running requests and end; kill it after ``seconds``."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._log is not None and not self._log.closed:
            self._log.close()

    def kill(self) -> None:
        """End the process at once."""
        self._running().kill()
        self._running().wait()

    def log(self, characters: int = 2000) -> str:
        """Return the end of what the server logged."""
        if self._log is None or self._log.closed:
            return ""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - characters))
        return str(self._log.read().decode(errors="replace")).strip()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServingError("The server was not started", fix="Use it in a with block, or call start()")
        return self._process
