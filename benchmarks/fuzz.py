"""Broken files for every reader: no crash, no hang, and every row read or set aside.

``python -m benchmarks.fuzz --minutes 60`` prints what each reader did and keeps the files that it did wrong with, each
beside the line that shows it again. Cases run in a process of their own, with limits of time and memory.

Files are made by changing valid ones where it hurts (``tests/fuzzing``). Feedback from coverage would not help: the
readers decide in NumPy and Arrow, where Python's tracing sees one line.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing as mp
import pickle
import re
import resource
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

from tests.fuzzing.targets import TARGETS, judged, made

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["main"]

SECONDS = 10
MEMORY = 4 << 30
SLICE_SECONDS = 15
KEPT = 3


@dataclass
class Tally:
    """What a reader did."""

    cases: int = 0
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, 0)
    rows: int = 0
    aside: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)


def _work(pipe: Connection) -> None:
    """Run cases one after the other, in a process that may die of it."""
    # Not of addresses, of which threads and allocators reserve many that they never use.
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error")
    pipe.send(None)
    with TemporaryDirectory() as folder, contextlib.suppress(EOFError):
        while True:
            target, seed = pipe.recv()
            pipe.send((_one(target, seed, Path(folder)), _reserved() < MEMORY // 2))


def _reserved() -> int:
    """Return the bytes of data that this process has reserved; allocators and threads seldom give any back."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) << 10 for line in status.read_text().splitlines() if line.startswith("VmData:"))


def _one(target: str, seed: int, folder: Path) -> tuple[Any, str]:
    try:
        return judged(made(target, seed), seed, folder), ""
    except Exception as error:  # noqa: BLE001 - whatever comes is what is looked for
        return None, _told(error)


def _told(error: BaseException) -> str:
    """Return the signature of an error in its first line, then all of it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/headrace/" in frame.filename] or frames[-1:]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    words = re.sub(r"[0-9]+|'[^']*'|\"[^\"]*\"|\[.*", "…", str(error).partition("\n")[0])[:80]
    kept = "".join(traceback.format_exception(error))
    return f"{type(error).__name__} at {place}: {words}\n{kept}"


class Worker:
    """The process that cases run in; it is replaced when it dies or hangs."""

    def __init__(self) -> None:
        self._context = mp.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._pipe, far = self._context.Pipe()
        self._process = self._context.Process(target=_work, args=(far,), daemon=True)
        self._process.start()
        far.close()
        # Starting takes a while on a machine that is busy.
        self._pipe.recv()

    def run(self, target: str, seed: int) -> tuple[Any, str]:
        self._pipe.send((target, seed))
        if self._pipe.poll(SECONDS):
            try:
                found, goes_on = self._pipe.recv()
            except EOFError:
                self._process.join()
                code = self._process.exitcode
                self._start()
                return None, f"the process died: {code}\n"
            if not goes_on:
                self.stop()
                self._start()
            return found  # type: ignore[no-any-return]
        self.stop()
        self._start()
        return None, f"no answer in {SECONDS} seconds\n"

    def stop(self) -> None:
        self._process.kill()
        self._process.join()


def _keep(folder: Path, target: str, seed: int, said: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    case = made(target, seed)
    path = folder / f"{target}-{seed}"
    path.with_suffix(".pickle").write_bytes(pickle.dumps((case, seed)))
    path.with_suffix(case.suffix or ".bin").write_bytes(case.data)
    again = f"python -m benchmarks.fuzz --again {path.with_suffix('.pickle')}"
    path.with_suffix(".txt").write_text(f"{again}\n\n{case.options}\n\n{said}", errors="replace")


def _again(path: Path) -> None:
    case, seed = pickle.loads(path.read_bytes())
    with TemporaryDirectory() as folder:
        print(judged(case, seed, Path(folder)))


def fuzz(targets: list[str], minutes: float, seed: int, folder: Path) -> dict[str, Tally]:
    """Give each target its share of the time, by turns."""
    tallies = {target: Tally() for target in targets}
    seeds = {target: itertools.count(seed) for target in targets}
    worker = Worker()
    end = time.monotonic() + 60 * minutes
    share = min(SLICE_SECONDS, 60 * minutes / len(targets))
    for target in itertools.cycle(targets):
        tally, begin = tallies[target], time.monotonic()
        while (now := time.monotonic()) < min(end, begin + share):
            number = next(seeds[target])
            verdict, said = worker.run(target, number)
            tally.cases += 1
            tally.slowest = max(tally.slowest, (time.monotonic() - now, number))
            if said:
                signature = said.partition("\n")[0]
                tally.findings[signature] += 1
                if tally.findings[signature] <= KEPT:
                    _keep(folder, target, number, said)
                    print(f"{target} {number}: {signature}", flush=True)
            else:
                tally.outcomes[verdict.outcome] += 1
                tally.rows += verdict.rows
                tally.aside += verdict.aside
        tally.seconds += time.monotonic() - begin
        if time.monotonic() >= end:
            break
    worker.stop()
    return tallies


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--target", choices=[*TARGETS, "all"], action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--culprits", type=Path, default=Path(gettempdir(), "headrace-culprits"))
    parser.add_argument("--again", type=Path, help="run one kept case in this process")
    given = parser.parse_args()
    if given.again is not None:
        _again(given.again)
        return
    targets = [*TARGETS] if not given.target or "all" in given.target else given.target
    tallies = fuzz(targets, given.minutes, given.seed, given.culprits)
    names = ("cases", "minutes", "slowest", "read", "refused", "rows", "aside", "found")
    print(f"\n{'target':<10}{''.join(f'{name:>10}' for name in names)}")
    for target, tally in tallies.items():
        read = tally.outcomes["read"]
        refused = sum(tally.outcomes.values()) - read
        times = f"{tally.seconds / 60:>10.1f}{tally.slowest[0]:>9.2f}s"
        counts = (read, refused, tally.rows, tally.aside, sum(tally.findings.values()))
        print(f"{target:<10}{tally.cases:>10,}{times}{''.join(f'{count:>10,}' for count in counts)}")
        for outcome, count in tally.outcomes.most_common(12):
            print(f"{'':<10}{count:>9,}  {outcome}")
        for signature, count in tally.findings.most_common():
            print(f"{'':<10}{count:>9,}  FOUND {signature}")
    sys.exit(any(tally.findings for tally in tallies.values()))


if __name__ == "__main__":
    main()
