"""Runs a function in a process of its own, several times, and reads what the operating system says about it."""

from __future__ import annotations

import multiprocessing as mp
import resource
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Comparison", "Measured", "compare", "measure"]

RUNS = 5


@dataclass(frozen=True)
class Measured:
    """Medians over the runs, after one that is not counted; memory is the peak of the process in bytes."""

    wall: float
    cpu: float
    memory: int


@dataclass(frozen=True)
class Comparison:
    """What headrace takes, what a peer takes for the same work, and how much that is for one of ``units``."""

    name: str
    peer: str
    ours: Measured
    theirs: Measured
    units: int = 1
    unit: str = "run"


def measure(function: Callable[[], Callable[[], Any]], runs: int = RUNS) -> Measured:
    """Measure what ``function()`` returns; ``function`` itself, which prepares, is not timed."""
    context = mp.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(function, runs, sender))
    process.start()
    sender.close()
    try:
        wall, cpu, memory = receiver.recv()
    finally:
        process.join()
    return Measured(wall, cpu, memory)


def compare(
    name: str,
    ours: Callable[[], Callable[[], Any]],
    peer: str,
    theirs: Callable[[], Callable[[], Any]],
    *,
    units: int = 1,
    unit: str = "run",
    runs: int = RUNS,
) -> Comparison:
    """Measure both, one after the other."""
    return Comparison(name, peer, measure(ours, runs), measure(theirs, runs), units, unit)


def _child(function: Callable[[], Callable[[], Any]], runs: int, sender: Any) -> None:
    work = function()
    work()
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    sender.send((statistics.median(walls), statistics.median(cpus), _peak_memory()))


def _peak_memory() -> int:
    # A new process inherits ru_maxrss from the one that started it; Linux's own high-water mark begins anew.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
