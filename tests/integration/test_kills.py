"""Whatever is killed, whenever: nothing half-written is ever seen, and the next run ends in the same model."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.integration.conftest import Project

from headrace.metadata import MetadataReader
from headrace.model import load_model
from headrace.registry import Registry
from headrace.serving import BackgroundServer, ModelClient

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

MOMENTS = 20
ORDER = [
    "example_gen", "statistics_gen", "schema_gen", "example_validator", "transform", "trainer", "evaluator",
    "infra_validator", "pusher",
]  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """So many seconds after the first step of ``steps`` has started."""

    step: str
    seconds: float


def timeline(project: Project) -> list[tuple[str, float, float]]:
    """Return (step, start, end) of an undisturbed run, in seconds since its beginning."""
    with MetadataReader(project.home) as reader:
        (run,) = reader.runs()
        steps = reader.steps(run.id)
    starts = sorted((step.started - run.started, step.step_id) for step in steps if step.started is not None)
    assert run.finished is not None
    ends = [*(start for start, _ in starts[1:]), run.finished - run.started]
    return [(step, start, end) for (start, step), end in zip(starts, ends, strict=True)]


def moments(project: Project, count: int, seed: int, within: str | None = None) -> list[Moment]:
    """Draw moments evenly from the whole of an undisturbed run (or from one step), in the order of time."""
    chance = random.Random(seed)
    spans = [span for span in timeline(project) if within in (None, span[0])]
    first, last = spans[0][1], spans[-1][2]
    found = []
    for at in sorted(first + (last - first) * chance.random() for _ in range(count)):
        step, start, _ = next(span for span in reversed(spans) if span[1] <= at)
        found.append(Moment(step, at - start))
    return found


def kill_at(process: subprocess.Popen[str], moment: Moment) -> bool:
    """Kill at that moment; False if the run was over before."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        # What an earlier attempt has done is not started again: the moment is then one of the next step.
        if event["kind"] == "started" and ORDER.index(event["step_id"]) >= ORDER.index(moment.step):
            time.sleep(moment.seconds)
            break
    killed = process.poll() is None
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.communicate()
    return killed and process.returncode == -signal.SIGKILL


def wait_for_the_end_of_workers(project: Project) -> None:
    end = time.monotonic() + 20
    while project.workers():
        assert time.monotonic() < end, "a worker outlived its runner"
        time.sleep(0.02)


def states(project: Project) -> list[str]:
    listed: list[dict[str, Any]] = json.loads(project.cli("runs", "list", "--limit", "100", "--json").stdout)
    return [run["state"] for run in listed]


def kill_often(project: Project, plan: list[Moment], *arguments: str) -> int:
    killed = 0
    for moment in plan:
        process = project.start("run", str(project.file), "--json", *arguments)
        hit = kill_at(process, moment)
        if not hit:
            # The last steps were faster than in the undisturbed run: begin anew, and kill sooner after the start.
            shutil.rmtree(project.home)
            hit = kill_at(
                project.start("run", str(project.file), "--json", *arguments), Moment(ORDER[0], moment.seconds / 2)
            )
        killed += hit
        wait_for_the_end_of_workers(project)
        project.check()
        if (project.home / "metadata.db").exists():
            assert set(states(project)) <= {"interrupted", "done"}
            if states(project):
                last = json.loads(project.cli("runs", "show", "last", "--json").stdout)
                assert {step["state"] for step in last["steps"]} <= {"done", "reused", "interrupted"}
    return killed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_trees_survive_twenty_kills(project: Project, trees_run: Project) -> None:
    plan = moments(trees_run, MOMENTS, seed=1994)
    assert len({moment.step for moment in plan}) >= 4
    killed = kill_often(project, plan, "--set", "model=trees")
    assert killed == MOMENTS
    ended = project.run("--set", "model=trees")
    assert set(ended.values()) <= {"finished", "reused"}
    project.check()
    assert states(project)[0] == "done"
    assert set(states(project)[1:]) <= {"interrupted", "done"}
    assert project.version().version == 1
    assert project.version().digest == trees_run.version().digest
    assert not list((project.home / "staging").glob("*"))
    assert not list((project.home / "scratch").glob("*"))
    with MetadataReader(project.home) as reader:
        on_disk = {path.relative_to(project.home).as_posix() for path in project.home.glob("artifacts/*/*")}
        assert on_disk == {artifact.path for artifact in reader.artifacts()}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_network_goes_on_from_its_checkpoint(project: Project, neural_run: Project) -> None:
    # First for certain after an epoch and before the end, then wherever in the training it falls.
    process = project.start("run", str(project.file), "--set", "epochs=3", "--json")
    end = time.monotonic() + 120
    while not checkpoints(project):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.002)
    process.kill()
    process.communicate()
    wait_for_the_end_of_workers(project)
    project.check()
    kill_often(project, moments(neural_run, 2, seed=7, within="trainer"), "--set", "epochs=3")
    project.run("--set", "epochs=3")
    project.check()
    version = project.version()
    training = json.loads((version.path / "training.json").read_text())
    assert training["resumed_from"] in {1, 2, 3}
    assert [epoch for epoch, _ in training["series"]["loss"]] == [1, 2, 3]
    undisturbed = neural_run.version()
    assert json.loads((undisturbed.path / "training.json").read_text())["resumed_from"] is None
    rows = rows_of(project)
    ours, theirs = load_model(version.path).predict(rows), load_model(undisturbed.path).predict(rows)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-6)


def checkpoints(project: Project) -> list[Path]:
    return list((project.home / "scratch").glob("*/checkpoint.npz"))


def rows_of(project: Project) -> Any:
    from headrace.components import Examples

    with MetadataReader(project.home) as reader:
        record = next(one for one in reader.artifacts(type_name="Examples") if one.properties.get("rows_read"))
    dataset = Examples(project.home / record.path).split("test")
    return next(iter(dataset.batches()))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for workers in /proc")
def test_kill_of_a_step(project: Project, trees_run: Project) -> None:
    process = project.start("run", str(project.file), "--json", "--set", "model=trees")
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["kind"] == "started" and event["step_id"] == "trainer":
            break
    end = time.monotonic() + 20
    while not (workers := project.workers()):
        assert time.monotonic() < end
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    rest, _ = process.communicate()
    assert process.returncode == 1
    events = [json.loads(line) for line in rest.splitlines()]
    failed = next(event for event in events if event["kind"] == "failed")
    assert failed["step_id"] == "trainer"
    assert "SIGKILL" in failed["message"]
    assert {event["step_id"] for event in events if event["kind"] == "skipped"} == {
        "evaluator", "infra_validator", "pusher",
    }  # fmt: skip
    project.check()
    assert states(project) == ["failed"]
    ended = project.run("--set", "model=trees")
    assert {step for step, kind in ended.items() if kind == "reused"} == set(ORDER[:5])
    assert project.version().digest == trees_run.version().digest


def test_kill_of_the_server_while_it_swaps(trees_run: Project, tmp_path: Path) -> None:
    """Versions are published all the while; each server that is killed is followed by one that serves them all."""
    project = Project(tmp_path)
    shutil.copytree(trees_run.home / "models", project.home / "models")
    model = trees_run.version().path
    registry = Registry(project.home)
    chance = random.Random(5)
    stop = threading.Event()

    def publish() -> None:
        while not stop.wait(0.05):
            registry.publish("census", model, evaluation=model / "evaluation.json", lineage={})

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for _ in range(5):
            known = registry.get("census").version
            with BackgroundServer(project.home / "models", poll_seconds=0.02) as server:
                with ModelClient(server.url) as client:
                    assert client.ready()
                    assert int(client.status("census")[0]["version"]) >= known
                time.sleep(chance.random() * 0.5)
                os.kill(server.pid, signal.SIGKILL)
                assert server.wait(10) == -signal.SIGKILL
            project.check()
    finally:
        stop.set()
        publisher.join()
    rows = rows_of(trees_run).slice(0, 20).drop_columns(["income_bracket"]).to_pylist()
    with BackgroundServer(project.home / "models") as server, ModelClient(server.url) as client:
        newest = client.status("census")[0]
        assert (newest["state"], int(newest["version"])) == ("AVAILABLE", registry.get("census").version)
        assert len(client.predict("census", rows)) == 20
