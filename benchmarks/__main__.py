"""``make bench``: prints a table, and nothing is asserted: what is fast enough is for people to say.

``python -m benchmarks statistics`` prints one part of it.
"""

from __future__ import annotations

import math
import os
import platform
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks import census, describing, transforming

if TYPE_CHECKING:
    from benchmarks.measure import Comparison

PEERS = ("pandas", "duckdb", "scikit-learn", "onnxruntime", "numpy", "pyarrow")


def main() -> None:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"headrace {version('headrace')}, Python {platform.python_version()}, {cpus} processors, {platform.machine()}"
    )
    print(", ".join(f"{name} {version(name)}" for name in PEERS))
    print("\nmedians of 2 to 5 runs in processes of their own; ratio: headrace / peer, below 1 is faster\n")
    print(f"{'what':<24}{'peer':<32}{'headrace':>11}{'peer':>11}{'ratio':>8}{'CPU':>8}{'MB':>7}{'peer MB':>9}")
    wanted = {"census": census.run, "statistics": describing.run, "transform": transforming.run}
    for name in sys.argv[1:] or wanted:
        for comparison in wanted[name]():
            print(_line(comparison), flush=True)


def _line(one: Comparison) -> str:
    cpu = one.ours.cpu / one.theirs.cpu if one.theirs.cpu else math.nan
    return (
        f"{one.name:<24}{one.peer:<32}{_time(one.ours.wall, one):>11}{_time(one.theirs.wall, one):>11}"
        f"{one.ours.wall / one.theirs.wall:>8.2f}{'' if math.isnan(cpu) else f'{cpu:.2f}':>8}"
        f"{_memory(one.ours.memory):>7}{_memory(one.theirs.memory):>9}"
    )


def _time(wall: float, one: Comparison) -> str:
    if one.units == 1:
        return f"{wall * 1000:.0f} ms"
    return f"{wall / one.units * 1e6:.2f} µs/{one.unit}"


def _memory(peak: int) -> str:
    return f"{peak / 1e6:.0f}" if peak else ""


if __name__ == "__main__":
    main()
