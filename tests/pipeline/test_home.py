from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from headrace.metadata import MetadataStore, RunRecord, StepRecord
from headrace.pipeline import run_states, sweep
from headrace.pipeline.home import Home
from headrace.pipeline.locks import FileLock, is_locked

if TYPE_CHECKING:
    from pathlib import Path


def run_record(run_id: str) -> RunRecord:
    return RunRecord(run_id, "demo", "pipeline.py", {}, "running", time.time(), None, None, 1, "here")


def test_sweep_clears_dead_runs_and_leaves_living_ones(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with MetadataStore(tmp_path) as store:
        for run_id in ("dead", "living"):
            store.begin_run(run_record(run_id), [StepRecord(run_id, "a", 0, "make", (), "running")])
            (home.artifacts() / "Text" / f"{run_id}-a").mkdir(parents=True)
            (home.staging(run_id) / "a").mkdir(parents=True)
        lock = home.lock("living")
        assert lock.acquire()
        states = {run.id: run.state for run in run_states(store, store.runs())}
        assert states == {"dead": "interrupted", "living": "running"}
        assert sweep(home, store) == ["dead"]
        assert {path.name for path in home.artifacts().glob("*/*")} == {"living-a"}
        assert [path.name for path in (tmp_path / "staging").iterdir()] == ["living"]
        assert store.run("dead").state == "interrupted"
        assert store.steps("dead")[0].state == "interrupted"
        assert store.steps("living")[0].state == "running"
        lock.release()
        assert sweep(home, store) == ["living"]
        assert sweep(home, store) == []


def test_locks_exclude_and_end_with_their_process(tmp_path: Path) -> None:
    path = tmp_path / "a" / "lock"
    assert not is_locked(path)
    lock = FileLock(path)
    assert lock.acquire()
    assert is_locked(path)
    assert not FileLock(path).acquire()
    lock.release()
    assert not is_locked(path)
    script = (
        "import sys, time; from pathlib import Path; from headrace.pipeline.locks import FileLock\n"
        f"assert FileLock(Path({str(path)!r})).acquire() or True\nprint('held', flush=True)\ntime.sleep(60)"
    )
    script = script.replace("assert FileLock(", "lock = FileLock(").replace(".acquire() or True", "\nlock.acquire()")
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_locked(path)
    holder.kill()
    holder.communicate()
    assert not is_locked(path)


def test_a_removed_lock_file_is_made_anew(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    first.release(remove=True)
    assert not (tmp_path / "lock").exists()
    assert second.acquire()
    assert second.descriptor is not None
    second.release()
    second.release()
