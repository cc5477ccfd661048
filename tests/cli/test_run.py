from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]

STEPS = [
    *("example_gen", "statistics_gen", "schema_gen", "example_validator", "transform", "trainer", "evaluator"),
    "pusher",
]


def test_a_line_for_every_step(project: Path) -> None:
    lines = (project / "first.txt").read_text("utf-8").splitlines()
    assert lines[0].startswith("census: run 20")
    assert lines[0].endswith(", 8 steps")
    assert [line.split()[:2] for line in lines[1:9]] == [[step, "done"] for step in STEPS]
    assert all(line.endswith(" MB") for line in lines[1:9])
    assert lines[9].startswith("done in ")
    assert lines[10] == "pushed models/census/1"
    assert lines[11].startswith("look at it: headrace report 20")
    assert len(lines) == 12


def test_what_is_known_is_reused(own: Path, headrace: Call) -> None:
    first = headrace("run", "--json", "--home", own / ".headrace")
    assert first.code == 0
    events = [json.loads(line) for line in first.out.splitlines()]
    assert events[0]["kind"] == "run started"
    assert events[-1]["kind"] == "run finished"
    again = headrace("run")
    assert again.code == 0
    lines = again.out.splitlines()
    assert lines[1:9] == [f"  {step.ljust(19)}reused" for step in STEPS]
    assert "published before as models/census/1" in lines
    assert again.err == ""


def test_the_run_goes_on_when_nobody_reads_its_lines(own: Path, headrace: Call) -> None:
    command = [sys.executable, "-m", "headrace.cli", "run", "pipeline.py"]
    with subprocess.Popen(command, cwd=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("census: run ")
        process.stdout.close()
        assert process.wait(120) == 0
    assert headrace("runs", "show", "--json").json["state"] == "done"


def test_a_model_that_is_not_good_enough(own: Path, headrace: Call) -> None:
    said = headrace("run", "pipeline.py", "--set", "least=0.99")
    assert said.code == 3
    assert "found wanting in " in said.out
    assert said.err.startswith("found wanting: pusher: Only a model that its evaluation blessed is published; got auc")
    shown = headrace("runs", "show", "--json")
    assert shown.code == 0
    run = shown.json
    assert run["state"] == "found wanting"
    assert {step["step_id"]: step["state"] for step in run["steps"]}["pusher"] == "found wanting"
    assert run["parameters"]["least"] == 0.99


def test_anomalies_stop_the_run_and_are_kept(own: Path, headrace: Call) -> None:
    text = (own / "schema.yaml").read_text("utf-8").replace("values: [Female, Male]", "values: [Female]")
    (own / "schema.yaml").write_text(text, "utf-8")
    said = headrace("run")
    assert said.code == 3
    assert "transform          skipped  example_validator found wanting" in said.out
    lines = said.err.splitlines()
    assert lines[0] == "found wanting: example_validator: 3 errors, 0 warnings"
    assert lines[1].startswith("  error: train: sex has only values of its domain")
    assert "'Male' (" in lines[1]
    assert lines[2].strip().startswith("fix: ")
    assert any(line.strip().startswith("fix: ") for line in lines)
    report = headrace("report", "last", "-o", own / "report.html")
    assert report.code == 0
    page = (own / "report.html").read_text("utf-8")
    assert "sex has only values of its domain" in page
    steps = {step["step_id"]: step for step in headrace("runs", "show", "--json").json["steps"]}
    assert steps["example_validator"]["state"] == "found wanting"
    assert steps["trainer"]["state"] == "skipped"
    lineage = headrace("lineage", steps["example_validator"]["execution_id"], "--json").json
    assert lineage["artifact"]["type"] == "ExampleAnomalies"
    assert lineage["artifact"]["properties"] == {"errors": 3, "warnings": 0}
    assert lineage["upstream"][0]["state"] == "found wanting"


def test_a_step_that_fails(own: Path, headrace: Call) -> None:
    pipeline = own / "pipeline.py"
    pipeline.write_text(pipeline.read_text("utf-8").replace('print("tracing")', "return 1 / 0"), "utf-8")
    said = headrace("run")
    assert said.code == 1
    assert "FAILED" in said.out
    assert "trainer            skipped" in said.out
    assert said.err.startswith("error: transform: ")
    assert "pipeline.py:" in said.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["absent.py"], "got no file 'absent.py'"),
        (["pipeline.py", "--set", "trees"], "--set takes NAME=VALUE; got trees"),
        (["pipeline.py", "--set", "tress=5"], "Did you mean 'trees'"),
        (["pipeline.py", "--set", "trees=many"], "many"),
        (["pipeline.py", "--pipeline", "sensus"], "Did you mean 'census'"),
        (["pipeline.py", "--jobs", "0"], "'--jobs'"),
        (["broken.py"], "broken.py, line 2"),
        (["empty.py"], "@hr.pipeline"),
        (["absent_module.py"], "no module 'absentmodule'"),
    ],
)
def test_wrong_usage(here: Path, headrace: Call, tmp_path: Path, args: list[str], message: str) -> None:
    (tmp_path / "broken.py").write_text("x = 1\nif x\n", "utf-8")
    (tmp_path / "empty.py").write_text("x = 1\n", "utf-8")
    (tmp_path / "absent_module.py").write_text("import absentmodule\n", "utf-8")
    name, *rest = args
    file = tmp_path / name if (tmp_path / name).exists() else name
    said = headrace("run", file, *rest, "--home", tmp_path / "home")
    assert said.code == 2
    assert message in said.err
    assert said.err.startswith("error: ")
    assert len(said.err.splitlines()) == 1
    as_json = headrace("run", file, *rest, "--home", tmp_path / "home", "--json")
    assert as_json.code == 2
    assert as_json.err == ""
    assert message in as_json.json["error"]["message"]


def test_a_terminal_shows_what_is_running(
    own: Path, headrace: Call, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    said = headrace("run", "--set", "least=0.71")
    assert said.code == 0
    assert "  running: evaluato\r\x1b[2K" in said.out.replace("\x1b[0m", "")
    assert said.out.split("\n")[1].startswith("\r\x1b[2K  example_gen")
