from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from headrace.errors import UsageError, WiringError
from headrace.pipeline import load_pipeline, origin_of, pipeline, run_pipeline, search_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipeline.conftest import Project

ONE = """
@pipeline
def demo():
    make()
"""


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        ("import nonexistent_thing\n", "no module 'nonexistent_thing'", "import nonexistent_thing"),
        ("x = 1 +\n", "must be Python", "x = 1 +"),
        ("raise RuntimeError('bang')\n", "RuntimeError: bang", "bang"),
        ("sys.exit(3)\n", "SystemExit: 3", "sys.exit(3)"),
        ("x = 1\n", "a function with @pipeline; got none", None),
        (ONE + ONE.replace("demo", "other"), "several pipelines", None),
    ],
)
def test_files_that_cannot_be_loaded(project: Project, body: str, message: str, line: str | None) -> None:
    project.write(body)
    with pytest.raises(UsageError) as caught:
        project.run()
    assert message in str(caught.value)
    assert caught.value.exit_code == 2
    if line is not None:
        assert f"{project.file}, line {project.line(line)}" in str(caught.value)


def test_absent_file_and_name(project: Project) -> None:
    with pytest.raises(UsageError, match="no file"):
        project.run()
    project.write(ONE + ONE.replace("demo", "other"))
    with pytest.raises(UsageError, match="Did you mean 'other'"):
        project.run(pipeline_name="othr")
    assert project.run(pipeline_name="other").pipeline == "other"


def test_an_error_in_a_module_beside_it_names_that_module(project: Project) -> None:
    project.write("import beside\n" + ONE)
    beside = project.folder / "beside.py"
    beside.write_text("x = 1\ny = 1 / 0\n")
    with pytest.raises(UsageError, match="ZeroDivisionError") as caught:
        project.run()
    assert f"{beside}, line 2" in str(caught.value)


def test_edits_are_seen_by_a_process_that_lives_on(project: Project) -> None:
    project.write("import beside_too\n" + ONE.replace("make()", "make(beside_too.WORD)"))
    beside = project.folder / "beside_too.py"
    beside.write_text("WORD = 'one'\n")
    assert project.states() == {"make": "done"}
    beside.write_text("WORD = 'three'\n")
    assert project.states() == {"make": "done"}
    beside.write_text("WORD = 'three'  # a comment\n")
    assert project.states() == {"make": "reused"}


def test_local_pipelines_cannot_be_found_by_steps() -> None:
    @pipeline
    def local() -> None:
        pass

    with pytest.raises(WiringError, match="at the top of its file"):
        run_pipeline(local)


def test_pipelines_of_packages_load_by_name(tmp_path: Path) -> None:
    package = tmp_path / "work_of_mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "parts.py").write_text(
        "from headrace.pipeline import Artifact, component\n\n"
        "class Text(Artifact):\n    pass\n\n"
        "@component\ndef make(word: str = 'a') -> Text:\n    return Text.create()\n"
    )
    (package / "flow.py").write_text(
        "from headrace.pipeline import pipeline\nfrom .parts import make\n\n@pipeline\ndef demo():\n    make()\n"
    )
    script = (
        "from work_of_mine.flow import demo\nfrom headrace.pipeline import run_pipeline\n"
        "result = run_pipeline(demo, home='home')\nprint(result.state, result.steps[0].failure)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "done None\n", done.stderr


def test_the_search_path_is_left_as_it_was(project: Project) -> None:
    project.write(ONE)
    before = list(sys.path)
    origin = origin_of(project.file)
    with search_path(origin):
        assert sys.path[0] == str(project.folder)
        assert load_pipeline(origin).name == "demo"
    assert sys.path == before


def test_a_file_that_runs_itself_when_imported_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.py"
    file.write_text(
        "from headrace.pipeline import pipeline, run_pipeline\n\n\n"
        "@pipeline\ndef demo():\n    pass\n\n\n"
        f"run_pipeline(demo, home={str(tmp_path / 'home')!r})\n"
    )
    with pytest.raises(UsageError, match="__main__") as caught:
        run_pipeline(file, home=tmp_path / "home")
    assert caught.value.where == f"{file}, line 9"
