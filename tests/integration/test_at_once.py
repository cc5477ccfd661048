"""Several runs, and a server, in one home at the same time."""

from __future__ import annotations

import json
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

from headrace.components import Examples
from headrace.metadata import MetadataReader
from headrace.registry import Registry
from headrace.serving import BackgroundServer, ModelClient

if TYPE_CHECKING:
    from tests.integration.conftest import Project

TREES = ("--set", "model=trees")


def people(project: Project) -> list[dict[str, Any]]:
    with MetadataReader(project.home) as reader:
        record = next(one for one in reader.artifacts(type_name="Examples") if one.properties.get("rows_read"))
    table = Examples(project.home / record.path).split("test").to_table()
    rows: list[dict[str, Any]] = table.slice(0, 5).drop_columns(["income_bracket"]).to_pylist()
    return rows


def test_runs_in_one_home(project: Project) -> None:
    project.edit(('{"min_change": -0.005}', '{"min_change": -0.5}'))
    other = project.folder / "other.py"
    other.write_text(project.file.read_text("utf-8").replace("n_trees=30", "n_trees=20"), "utf-8")
    processes = [project.start("run", file, *TREES, "--json") for file in ("pipeline.py", "pipeline.py", "other.py")]
    printed = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], printed
    started = [
        event["step_id"]
        for out, _ in printed
        for event in map(json.loads, out.splitlines())
        if event["kind"] == "started"
    ]
    # What they share was done once; the two trainings and what follows, twice.
    assert sorted(started) == sorted(
        ["example_gen", "statistics_gen", "schema_gen", "example_validator", "transform"]
        + 2 * ["trainer", "evaluator", "infra_validator", "pusher"]
    )
    project.check()
    assert len(Registry(project.home).versions("census")) == 2
    listed = json.loads(project.cli("runs", "list", "--json").stdout)
    assert [run["state"] for run in listed] == ["done"] * 3
    assert "reused" in set(project.run(*TREES).values())


def test_a_push_while_the_server_serves(project: Project, trees_run: Project) -> None:
    shutil.copytree(trees_run.home, project.home)
    rows = people(project)
    answers: list[Any] = []
    faults: list[BaseException] = []
    over = threading.Event()

    def ask(url: str) -> None:
        try:
            with ModelClient(url) as client:
                while not over.is_set():
                    answers.append(client.predict("census", rows)[0]["logistic"][0])
        except BaseException as error:  # noqa: BLE001 - any fault is a dropped request
            faults.append(error)

    with BackgroundServer(project.home / "models", poll_seconds=0.1) as server:
        clients = [threading.Thread(target=ask, args=(server.url,)) for _ in range(3)]
        for thread in clients:
            thread.start()
        project.edit(("n_trees=30", "n_trees=60"))
        ended = project.run(*TREES)
        assert ended["pusher"] == "finished"
        end = time.monotonic() + 20
        with ModelClient(server.url) as watcher:
            while watcher.status("census")[0] != _available(2):
                assert time.monotonic() < end
                time.sleep(0.05)
        settled = len(answers)
        while len(answers) < settled + 30 and not faults:
            time.sleep(0.01)
        over.set()
        for thread in clients:
            thread.join()
    assert not faults
    assert len(answers) > 100
    before, after = answers[0], answers[-1]
    assert before != after
    assert set(answers) == {before, after}
    # Three clients at once: an answer of the old version may still be noted down after the first of the new one.
    first = answers.index(after)
    assert set(answers[:first]) == {before}
    assert set(answers[first + 10 :]) == {after}


def _available(version: int) -> dict[str, Any]:
    status = {"error_code": "OK", "error_message": ""}
    return {"version": str(version), "state": "AVAILABLE", "status": status}


def test_looking_while_a_run_writes(project: Project, trees_run: Project) -> None:
    shutil.copytree(trees_run.home, project.home)
    project.edit(("n_trees=30", "n_trees=31"))
    process = project.start("run", "pipeline.py", *TREES)
    commands = [("models", "list"), ("runs", "list"), ("models", "show", "census"), ("runs", "show", "last")]
    looks = 0
    while process.poll() is None:
        json.loads(project.cli(*commands[looks % len(commands)], "--json").stdout)
        looks += 1
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert looks >= len(commands)
