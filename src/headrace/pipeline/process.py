"""Starting a worker process and waiting for its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from headrace.pipeline.spec import Failure, WorkOrder, WorkResult
from headrace.pipeline.worker_files import ORDER_NAME, RESULT_NAME
from headrace.storage import disk_errors, remove_tree, write_atomic

if TYPE_CHECKING:
    from queue import Queue

__all__ = ["Worker", "log_tail"]

_TAIL_LINES = 20
_TAIL_BYTES = 16_384


class Worker:
    """One step in a process of its own.

    Parameters
    ----------
    order
        What it does.
    folder
        Where order and result are written; emptied first.
    log
        File that takes what the process prints.
    done
        Receives the worker when the process has ended.
    """

    def __init__(self, order: WorkOrder, folder: Path, log: Path, done: Queue[Worker]) -> None:
        self.step_id = order.step_id
        self.returncode: int | None = None
        self._order = order
        self._folder = folder
        self._log = log
        self._done = done
        self._process: subprocess.Popen[bytes] | None = None
        self._fault: BaseException | None = None
        self._started = threading.Event()
        remove_tree(folder)
        write_atomic(folder / ORDER_NAME, msgspec.json.encode(order))
        # The kernel ends a worker when the thread that started it ends, so this one thread does both.
        threading.Thread(target=self._live, name=f"headrace-{order.step_id}", daemon=True).start()
        self._started.wait()

    def _live(self) -> None:
        try:
            with disk_errors(self._log):
                self._log.parent.mkdir(parents=True, exist_ok=True)
                log = self._log.open("ab")
            with log:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "headrace.pipeline.worker", str(self._folder / ORDER_NAME)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=_environment(),
                    start_new_session=True,
                    pass_fds=self._order.lock_descriptors if os.name != "nt" else (),
                )
            self._started.set()
            self.returncode = self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
        except BaseException as error:  # noqa: BLE001 - the main thread reports it
            self._fault = error
        finally:
            self._started.set()
            self._done.put(self)

    def kill(self, *, hard: bool = False) -> None:
        """End the process and all that it has started."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        try:
            if os.name == "nt":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL if hard else signal.SIGTERM)
        except ProcessLookupError:
            return

    def result(self) -> WorkResult | Failure:
        """Return what came of it, once the process has ended."""
        path = self._folder / RESULT_NAME
        tail = log_tail(self._log)
        if self._fault is not None:
            raise self._fault
        if path.is_file():
            result = msgspec.json.decode(path.read_bytes(), type=WorkResult)
            if result.failure is not None:
                failure = msgspec.structs.replace(result.failure, log_tail=tail)
                return msgspec.structs.replace(result, failure=failure)
            return result
        code = self.returncode or 0
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
            message = f"its process was killed by signal {-code} ({name})"
            hint = "If nobody killed it, the machine may have run out of memory" if -code == signal.SIGKILL else None
            return Failure(error="Killed", message=message, fix=hint, log_tail=tail)
        return Failure(
            error="Exited", message=f"its process ended with exit code {code} before the step was done", log_tail=tail
        )


def log_tail(log: Path) -> tuple[str, ...]:
    """Return the last lines of a log."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ()
    return tuple(text.splitlines()[-_TAIL_LINES:])


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    # The worker finds modules where this process does. A fixed hash seed gives sets one order in every process.
    environment["PYTHONPATH"] = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    environment["PYTHONUNBUFFERED"] = "1"
    environment["PYTHONFAULTHANDLER"] = "1"
    environment.setdefault("PYTHONHASHSEED", "0")
    return environment
