"""The crash test: a model must survive, in a server of its own, the rows that it will be asked about."""

from __future__ import annotations

import signal
import statistics
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError, ServingError
from headrace.model import Signature, first_difference, load_model, model_folder
from headrace.serving.answers import arrays_from_rows, as_table, json_rows
from headrace.serving.background import BackgroundServer
from headrace.serving.client import ModelClient

if TYPE_CHECKING:
    import os

    from headrace.model import LoadedModel

__all__ = ["CrashTestResult", "crash_test"]

_NAME = "candidate"
_SINGLE = 20


@dataclass(frozen=True)
class CrashTestResult:
    """What the crash test found.

    Parameters
    ----------
    ok
        Whether the model may be published.
    reason
        Why not, or None.
    rows, rows_left_out
        Rows that were replayed, and rows that JSON cannot say (NaN or infinity in a column).
    requests
        Requests that were answered.
    load_seconds
        From the start of the process until it answered.
    latency_ms
        ``p50``, ``p99`` and ``max`` of a request with one row, in milliseconds.
    peak_memory_mb
        The most memory that the process held, in 2**20 bytes; None where the system does not tell.
    """

    ok: bool
    reason: str | None
    rows: int = 0
    rows_left_out: int = 0
    requests: int = 0
    load_seconds: float | None = None
    latency_ms: dict[str, float] | None = None
    peak_memory_mb: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def crash_test(
    model: str | os.PathLike[str],
    source: Any,
    *,
    timeout_s: float = 60.0,
    request_timeout_s: float = 10.0,
    max_memory_mb: float | None = None,
    batch_size: int = 64,
    max_rows: int = 200,
) -> CrashTestResult:
    """Load the very model folder in a server of its own and replay rows against it.

    Parameters
    ----------
    model
        A model folder.
    source
        Rows: a table, a batch, a list of dictionaries, a path or a data source.
    timeout_s
        Time in which the server must have loaded the model.
    request_timeout_s
        Time for one answer.
    max_memory_mb
        Memory that the server's process may hold at most, in 2**20 bytes; it is killed as soon as it holds more.
    batch_size
        Rows in a request, after some requests of one row.
    max_rows
        Rows that are replayed.

    Returns
    -------
    CrashTestResult
        Not ``ok`` if the process dies, the model cannot be loaded, an answer takes too long or is an error, too much
        memory is used, or an answer differs by a bit from what the same rows give in this process.

    Raises
    ------
    HeadraceError
        If the rows themselves cannot be read.
    """
    table = as_table(source, max_rows)
    try:
        folder = model_folder(model)
        signature = Signature.load(folder)
    except HeadraceError as error:
        return CrashTestResult(ok=False, reason=str(error))
    rows, kept = json_rows(table, signature)
    left_out = table.num_rows - len(kept)
    if not rows:
        return CrashTestResult(ok=False, reason="Every row has a NaN or infinity, which no request can carry")
    watch = _MemoryWatch(max_memory_mb)
    server = BackgroundServer(models={_NAME: folder}, start_seconds=timeout_s, spawned=watch.start)
    began = time.perf_counter()
    replay = _Replay()
    reason: str | None = None
    load_seconds = None
    try:
        server.start()
        load_seconds = time.perf_counter() - began
        # Only a model that another process has survived is opened in this one.
        replay.run(server.url, folder, rows, batch_size, request_timeout_s)
    except HeadraceError as error:
        reason = _explain(server, watch, error)
    finally:
        watch.stop()
        server.stop(seconds=5)
    if reason is None and watch.exceeded:
        reason = watch.complaint
    return CrashTestResult(
        ok=reason is None,
        reason=reason,
        rows=replay.rows,
        rows_left_out=left_out,
        requests=replay.requests,
        load_seconds=load_seconds,
        latency_ms=replay.latency_ms(),
        peak_memory_mb=watch.peak_mb,
    )


def _explain(server: BackgroundServer, watch: _MemoryWatch, error: HeadraceError) -> str:
    if watch.exceeded:
        return watch.complaint
    # The connection breaks a moment before the process can be waited for.
    code = server.wait(1.0) if isinstance(error, ServingError) else None
    if code is None or code == 0:
        return str(error)
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    log = server.log(500)
    return f"The server's process {how} ({error})" + (f": {log}" if log else "")


class _Replay:
    """Sends rows and compares the answers with this process's own."""

    def __init__(self) -> None:
        self.rows = self.requests = 0
        self._seconds: list[float] = []

    def run(self, url: str, folder: Path, rows: list[dict[str, Any]], batch_size: int, timeout: float) -> None:
        """Replay; raises ServingError at the first thing that is wrong."""
        with ModelClient(url, timeout=timeout) as client:
            state = client.status(_NAME)[0]
            if state["state"] != "AVAILABLE":
                raise ServingError("The model must load", got=state["status"]["error_message"])
            answers = []
            for start, size in _requests(len(rows), batch_size):
                part = rows[start : start + size]
                began = time.perf_counter()
                predictions = client.predict(_NAME, part)
                if size == 1:
                    self._seconds.append(time.perf_counter() - began)
                self.requests += 1
                answers.append((start, part, predictions))
        model = load_model(folder)
        for start, part, predictions in answers:
            _compare(model, start, part, predictions)
        self.rows = len(rows)

    def latency_ms(self) -> dict[str, float] | None:
        """Summarise the requests of one row."""
        if not self._seconds:
            return None
        ordered = sorted(second * 1000 for second in self._seconds)
        return {
            "p50": statistics.median(ordered),
            "p99": ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))],
            "max": ordered[-1],
        }


def _requests(rows: int, batch_size: int) -> list[tuple[int, int]]:
    single = [(start, 1) for start in range(min(rows, _SINGLE))]
    return single + [(start, batch_size) for start in range(0, rows, batch_size)]


def _compare(model: LoadedModel, start: int, rows: list[dict[str, Any]], predictions: Any) -> None:
    answered = arrays_from_rows(predictions, model.signature)
    for name, expected in model.predict(rows).items():
        if answered[name].shape != expected.shape:
            raise ServingError(
                f"The server's {name!r} must be what this process computes",
                got=f"shape {list(answered[name].shape)} instead of {list(expected.shape)}",
            )
        difference = first_difference(expected, answered[name])
        if difference is not None:
            raise ServingError(
                f"The server's {name!r} must be what this process computes, bit for bit",
                got=str(difference),
                where=f"{len(rows)} rows from row {start}",
            )


class _MemoryWatch:
    """Looks at a process's memory all the time, and kills it when it holds too much."""

    def __init__(self, limit_mb: float | None) -> None:
        self._limit_mb = limit_mb
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self.peak_mb: float | None = None
        self.exceeded = False

    @property
    def complaint(self) -> str:
        """What to say of a process that held too much."""
        return f"The server's process held {self.peak_mb:.0f} MiB of memory; {self._limit_mb:g} MiB are allowed"

    def start(self, pid: int) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._watch, args=(pid,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after a last look."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, pid: int) -> None:
        import os

        last = False
        while True:
            peak = _peak_memory_mb(pid)
            if peak is not None:
                self.peak_mb = max(peak, self.peak_mb or 0.0)
                if self._limit_mb is not None and peak > self._limit_mb and not self.exceeded:
                    self.exceeded = True
                    try:
                        os.kill(pid, signal.SIGTERM if last else getattr(signal, "SIGKILL", signal.SIGTERM))
                    except ProcessLookupError:
                        return
            if last:
                return
            last = self._done.wait(0.02)


def _peak_memory_mb(pid: int) -> float | None:
    """Read the most memory that a process has held, from Linux's /proc."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return None
    return None
