"""The folders of a home, and clearing away what dead runs have left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.errors import UsageError
from headrace.pipeline.locks import FileLock, is_locked
from headrace.storage import disk_errors, remove_tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headrace.metadata import MetadataReader, MetadataStore, RunRecord, StepRecord

__all__ = ["Home", "cancel_run", "run_states", "step_states", "sweep"]


@dataclass(frozen=True)
class Home:
    """Where things lie under a home folder."""

    path: Path

    def run(self, run_id: str) -> Path:
        """Folder of a run: its lock and the logs of its steps."""
        return self.path / "runs" / run_id

    def lock(self, run_id: str) -> FileLock:
        """Return the lock that a living run holds."""
        return FileLock(self.run(run_id) / "lock")

    def log(self, run_id: str, step_id: str) -> Path:
        """File with what a step printed."""
        return self.run(run_id) / f"{step_id}.log"

    def staging(self, run_id: str) -> Path:
        """Folder of artifacts that a run has not published yet."""
        return self.path / "staging" / run_id

    def scratch(self, key: str) -> Path:
        """Folder for work that outlives a killed step."""
        return self.path / "scratch" / key

    def artifacts(self) -> Path:
        """Folder of all published artifacts."""
        return self.path / "artifacts"

    def is_alive(self, run_id: str) -> bool:
        """Say whether the run's process, or a worker of it, lives."""
        return is_locked(self.run(run_id) / "lock")


def run_states(reader: MetadataReader, runs: list[RunRecord]) -> list[RunRecord]:
    """Return runs with ``interrupted`` for those that say they are running though their process is dead."""
    from dataclasses import replace

    home = Home(reader.home)
    return [
        replace(run, state="interrupted") if run.state == "running" and not home.is_alive(run.id) else run
        for run in runs
    ]


def step_states(run: RunRecord, steps: Sequence[StepRecord]) -> list[StepRecord]:
    """Return the steps of a run of ``run_states``: in one that was interrupted, no step runs or waits."""
    from dataclasses import replace

    over = run.state == "interrupted"
    return [replace(s, state="interrupted") if over and s.state in ("running", "waiting") else s for s in steps]


def cancel_run(reader: MetadataReader, run_id: str) -> RunRecord:
    """Ask the process of a run to stop; the run is ``cancelled`` once its steps have ended.

    Raises
    ------
    UsageError
        If the run is not going on, or on another machine.
    """
    import os
    import signal
    import socket

    run = reader.run(run_id)
    if run.state != "running" or not Home(reader.home).is_alive(run.id):
        raise UsageError("Only a run that is going on can be cancelled", got=f"{run.id}, which is {run.state}")
    if run.host != socket.gethostname():
        raise UsageError("A run is cancelled on the machine where it runs", got=f"{run.id}, which runs on {run.host}")
    os.kill(run.pid, signal.SIGTERM)
    return run


def sweep(home: Home, store: MetadataStore) -> list[str]:
    """Clear away what dead runs left half-done, and return their ids.

    Their artifacts that never reached the metadata, their staging areas and the locks of their steps go; scratch
    folders stay, since a later run may go on from them.
    """
    staging = home.path / "staging"
    with disk_errors(staging):
        staged = {entry.name for entry in staging.iterdir()} if staging.is_dir() else set()
    suspects = {run.id for run in store.runs(state="running")} | staged
    swept = []
    for run_id in sorted(suspects):
        lock = home.lock(run_id)
        if not lock.acquire():
            continue
        try:
            known = store.artifact_ids_of_run(run_id)
            for folder in home.artifacts().glob(f"*/{run_id}-*"):
                if folder.name not in known:
                    remove_tree(folder)
            remove_tree(home.staging(run_id))
            store.interrupt_run(run_id, time.time())
            swept.append(run_id)
        finally:
            lock.release()
    # A run that died between recording a step and letting go of it leaves the lock of a step that is now reused.
    for path in home.scratch("*.lock").parent.glob("*.lock"):
        held = FileLock(path)
        if held.acquire():
            held.release(remove=True)
    return swept
