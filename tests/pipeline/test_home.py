from __future__ import annotations

import time
from typing import TYPE_CHECKING

from headrace.metadata import MetadataStore, RunRecord, StepRecord
from headrace.pipeline import run_states, step_states, sweep
from headrace.pipeline.home import Home
from headrace.pipeline.locks import FileLock

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
        for run in run_states(store, store.runs()):
            assert [step.state for step in step_states(run, store.steps(run.id))] == [run.state]
        assert sweep(home, store) == ["dead"]
        assert {path.name for path in home.artifacts().glob("*/*")} == {"living-a"}
        assert [path.name for path in (tmp_path / "staging").iterdir()] == ["living"]
        assert store.run("dead").state == "interrupted"
        assert store.steps("dead")[0].state == "interrupted"
        assert store.steps("living")[0].state == "running"
        lock.release()
        assert sweep(home, store) == ["living"]
        assert sweep(home, store) == []


def test_sweep_removes_the_locks_of_steps_that_nobody_holds(tmp_path: Path) -> None:
    home = Home(tmp_path)
    held, left = (FileLock(home.scratch(f"{key}.lock")) for key in ("held", "left"))
    for lock in (held, left):
        assert lock.acquire()
    left.release()
    with MetadataStore(tmp_path) as store:
        sweep(home, store)
    assert held.path.exists()
    assert not left.path.exists()
