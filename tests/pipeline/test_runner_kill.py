"""Whatever is killed, whenever: nothing half-written is seen, and the next run goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace.errors import MetadataError, UsageError
from headrace.metadata import MetadataReader
from headrace.pipeline import cancel_run, run_states
from headrace.storage import tree_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pipeline.conftest import Project

BODY = """
def many(word: str) -> Text:
    artifact = Text.create()
    for i in range(20):
        (artifact.path / f"part-{i}").write_text(word * 1000)
        time.sleep(0.002)
    (artifact.path / "text").write_text(word)
    return artifact


@component
def begin(word: str) -> Text:
    return many(word)


@component
def grow(text: Text) -> Text:
    return many(text.read() + ".")


@pipeline
def demo():
    a, b = begin("a"), begin("b")
    join([grow(grow(a)), grow(b)])
"""

RUN = """
import sys
from headrace.pipeline import run_pipeline
result = run_pipeline("pipeline.py", home="home", on_event=lambda e: print(e.kind, e.step_id, flush=True))
print(result.state)
sys.exit(result.exit_code)
"""


def start(project: Project) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=project.folder, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came")


def wait_until(ready: Callable[[], object], failure: str) -> None:
    end = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < end, failure
        time.sleep(0.01)


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate()
    return process.returncode


def workers_of(home: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().decode()
            except OSError:
                continue
            if "headrace.pipeline.worker" in line and str(home) in line:
                found.append(int(entry.name))
    return found


def has_begun(home: Path) -> bool:
    """Say whether the database has tables: a kill may come before."""
    try:
        MetadataReader(home).close()
    except MetadataError as error:
        assert error.fix is not None  # noqa: PT017
        assert error.fix.startswith("Run a pipeline first")  # noqa: PT017
        return False
    return True


def is_running(home: Path) -> bool:
    if not has_begun(home):
        return False
    with MetadataReader(home) as reader:
        return any(run.state == "running" for run in run_states(reader, reader.runs()))


def check_home(home: Path, *, swept: bool = False) -> None:
    if not has_begun(home):
        return
    with MetadataReader(home) as reader:
        artifacts = reader.artifacts()
        for artifact in artifacts:
            assert tree_digest(home / artifact.path) == artifact.digest
            maker = reader.producers([artifact.id])
            assert len(maker) == 1
            assert maker[0].state == "done"
    if swept:
        on_disk = {path.relative_to(home).as_posix() for path in home.glob("artifacts/*/*")}
        assert on_disk == {artifact.path for artifact in artifacts}
        assert not list((home / "staging").glob("*"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("seed", range(6))
def test_kill_the_runner_at_any_moment(project: Project, seed: int) -> None:
    chance = random.Random(seed)
    project.write(BODY)
    for _ in range(3):
        process = start(project)
        time.sleep(0.3 + chance.random() * 1.2)
        process.send_signal(signal.SIGKILL)
        finish(process)
        wait_until(lambda: not workers_of(project.home), "a worker outlived its runner")
        check_home(project.home)
        # A child that was forked as its parent was killed holds the run's lock until it becomes a worker, and ends.
        wait_until(lambda: not is_running(project.home), "a run is said to go on without its runner")
    result = project.run()
    assert result.state == "done"
    assert (result.step("join").paths["Text"] / "text").read_text() == "a..-b."
    check_home(project.home, swept=True)
    with MetadataReader(project.home) as reader:
        assert {run.state for run in reader.runs()} <= {"interrupted", "done"}
        for run in reader.runs():
            assert not {s.state for s in reader.steps(run.id)} & {"waiting", "running"}
    assert set(project.states().values()) == {"reused"}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_kill_a_worker(project: Project) -> None:
    project.write(
        """
        @component
        def forever() -> Text:
            text = write("half")
            Path("begun").write_text(str(os.getpid()))
            time.sleep(60)
            return text

        @pipeline
        def demo():
            twice(forever())
            make()
        """
    )
    process = start(project)
    begun = project.folder / "begun"
    wait_until(lambda: begun.exists() and begun.read_text(), "the step never began")
    os.kill(int(begun.read_text()), signal.SIGKILL)
    assert finish(process) == 1
    with MetadataReader(project.home) as reader:
        run = reader.runs()[0]
        steps = {step.step_id: step for step in reader.steps(run.id)}
    assert run.state == "failed"
    assert {name: step.state for name, step in steps.items()} == {
        "forever": "failed",
        "twice": "skipped",
        "make": "done",
    }
    assert steps["forever"].error is not None
    assert "SIGKILL" in steps["forever"].error["message"]
    check_home(project.home, swept=True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_is_clean(project: Project, number: signal.Signals) -> None:
    # A child that no other test on this machine has.
    nap = f"sleep 61.{os.getpid()}{number:d}"
    project.write(
        f"""
        @component
        def forever() -> Text:
            os.system("{nap} &")
            Path("begun").touch()
            time.sleep(600)
            return write("x")

        @pipeline
        def demo():
            twice(forever())
        """
    )
    process = start(project)
    wait_until((project.folder / "begun").exists, "the step never began")
    if number == signal.SIGTERM:
        with MetadataReader(project.home) as reader:
            cancel_run(reader, reader.runs()[0].id)
    else:
        process.send_signal(number)
    assert process.wait(60) == 130
    finish(process)
    with MetadataReader(project.home) as reader:
        run = reader.runs()[0]
        assert (run.state, run.exit_code) == ("cancelled", 130)
        assert {step.state for step in reader.steps(run.id)} == {"cancelled"}
    check_home(project.home, swept=True)
    with MetadataReader(project.home) as reader, pytest.raises(UsageError, match="which is cancelled"):
        cancel_run(reader, reader.runs()[0].id)
    assert nap not in subprocess.run(["ps", "ax"], capture_output=True, text=True, check=True).stdout


def test_two_runs_at_once_share_their_work(project: Project) -> None:
    project.write(
        """
        @component
        def once(word: str) -> Text:
            with Path("log").open("a") as log:
                log.write(word)
            time.sleep(0.3)
            return write(word)

        @pipeline
        def demo():
            join([once("a"), once("b"), once("c")])
        """
    )
    processes = [start(project) for _ in range(3)]
    for process in processes:
        wait_for(process, "run finished")
        assert finish(process) == 0
    assert sorted((project.folder / "log").read_text()) == ["a", "b", "c"]
    check_home(project.home, swept=True)
    with MetadataReader(project.home) as reader:
        assert [run.state for run in reader.runs()] == ["done"] * 3


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_scratch_outlives_a_kill(project: Project) -> None:
    project.write(
        """
        @component
        def resume(text: Text) -> Text:
            step = current_step()
            saved = step.scratch / "saved"
            if saved.exists():
                return write(saved.read_text())
            saved.write_text("checkpoint")
            Path("begun").touch()
            time.sleep(600)
            return write("never")

        @pipeline
        def demo():
            resume(make())
        """
    )
    process = start(project)
    wait_until((project.folder / "begun").exists, "the step never began")
    process.send_signal(signal.SIGKILL)
    finish(process)
    result = project.run()
    assert (result.step("resume").paths["Text"] / "text").read_text() == "checkpoint"
    assert not list((project.home / "scratch").iterdir())
