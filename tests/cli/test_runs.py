from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


def test_list(here: Path, headrace: Call) -> None:
    said = headrace("runs", "list")
    head, *rows = said.out.splitlines()
    assert head.split() == ["run", "pipeline", "state", "started", "took", "parameters"]
    assert len(rows) == 1
    assert rows[0].split()[1:3] == ["census", "done"]
    assert rows[0].endswith("trees=10, least=0.7, data=…/adult.data")
    run = headrace("runs", "list", "--json").json[0]
    assert run["id"] == rows[0].split()[0]
    assert run["exit_code"] == 0


def test_show_by_id_by_its_start_and_as_last(here: Path, headrace: Call) -> None:
    run = headrace("runs", "list", "--json").json[0]["id"]
    shown = [headrace("runs", "show", one) for one in (run, run[:12], "last")]
    assert shown[0].out == shown[1].out == shown[2].out
    lines = shown[0].out.splitlines()
    assert lines[0].startswith(f"{run}  census  done  ")
    assert "  trees = 10" in lines
    assert [line.split()[1] for line in lines[-8:]] == ["done"] * 8
    assert [step["position"] for step in headrace("runs", "show", "--json").json["steps"]] == list(range(8))


def test_logs(here: Path, headrace: Call) -> None:
    said = headrace("runs", "logs")
    assert "--- transform\ntracing\n" in said.out
    assert headrace("runs", "logs", "last", "transform").out.count("---") == 1
    assert headrace("runs", "logs", "last", "schema_gen").out == "the steps printed nothing\n"
    assert "tracing" in headrace("runs", "logs", "--json").json["transform"]


def test_logs_of_a_reused_step_are_those_of_its_run(own: Path, headrace: Call) -> None:
    assert headrace("run").code == 0
    assert len(headrace("runs", "list", "--json").json) == 2
    assert "tracing" in headrace("runs", "logs", "last", "transform").out
    assert headrace("runs", "show").out.splitlines()[-1].split() == ["pusher", "reused", "-", "-"]
    assert len(headrace("runs", "list", "--limit", "1", "--json").json) == 1


def test_what_is_not_there(here: Path, headrace: Call, tmp_path: Path) -> None:
    said = headrace("runs", "show", "1999")
    assert said.code == 1
    assert "A run that exists is wanted; got 1999" in said.err
    step = headrace("runs", "logs", "last", "trainr")
    assert step.code == 2
    assert "Did you mean 'trainer'?" in step.err
    empty = headrace("runs", "list", "--home", tmp_path)
    assert empty.code == 1
    assert "Run a pipeline first" in empty.err
