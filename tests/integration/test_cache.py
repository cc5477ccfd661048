"""What changed runs again, with what follows from it, and nothing else does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Project

STEPS = [
    "example_gen", "statistics_gen", "schema_gen", "example_validator", "transform", "trainer", "evaluator",
    "infra_validator", "pusher",
]  # fmt: skip
TREES = ("--set", "model=trees")


@pytest.fixture
def done(project: Project, trees_run: Project) -> Project:
    """Return a project whose steps have all run."""
    shutil.copytree(trees_run.home, project.home)
    return project


def ran(project: Project, *arguments: str) -> set[str]:
    """Run again and return the steps that did not come from the cache."""
    ended = project.run(*TREES, *arguments)
    assert list(ended)
    assert set(ended) == set(STEPS)
    assert set(ended.values()) <= {"finished", "reused"}
    return {step for step, kind in ended.items() if kind != "reused"}


def test_a_line_of_preprocessing_fn(done: Project) -> None:
    done.edit(("[18, 25, 30, 35, 40, 45, 50, 55, 60, 65]", "[18, 25, 30, 35, 40, 45, 50, 55, 60]"))
    assert ran(done) == {"transform", "trainer", "evaluator", "infra_validator", "pusher"}


def test_comments_docstrings_and_other_modules(done: Project) -> None:
    (done.folder / "unrelated.py").write_text("def helper():\n    return 1\n")
    assert ran(done) == set()
    done.edit(
        ("# adult.test ends its labels in a dot.", "# A dot ends the labels of adult.test."),
        ('"""Turn raw columns into features and the label;', '"""Make features and the label of raw columns;'),
        ('"""Census income: ', '"""Income of the census: '),
        ("import headrace as hr\n", "import headrace as hr  # the platform\n\n\n"),
        (
            '    age_group = tft.apply_buckets(inputs["age"], [18,',
            '    age_group = tft.apply_buckets(\n        inputs["age"], [18,',
        ),
    )
    (done.folder / "unrelated.py").write_text('"""Unrelated."""\n\n\ndef helper():\n    return 2  # twice\n')
    assert ran(done) == set()


def test_an_unrelated_line_of_the_same_file(done: Project) -> None:
    done.edit(("\n@hr.pipeline\n", '\ndef unused():\n    return "nobody calls this"\n\n\n@hr.pipeline\n'))
    assert ran(done) == set()


def test_a_helper_in_a_module_beside_the_pipeline(done: Project) -> None:
    (done.folder / "groups.py").write_text("BOUNDS = [18, 25, 30]\n\n\ndef other():\n    return 1\n")
    done.edit(
        ("[18, 25, 30, 35, 40, 45, 50, 55, 60, 65]", "groups.BOUNDS"),
        ("import headrace as hr\n", "import groups\n\nimport headrace as hr\n"),
    )
    following = {"transform", "trainer", "evaluator", "infra_validator", "pusher"}
    assert ran(done) == following
    (done.folder / "groups.py").write_text("BOUNDS = [18, 25, 30]  # years\n\n\ndef other():\n    return 2\n")
    assert ran(done) == set()
    (done.folder / "groups.py").write_text("BOUNDS = [18, 25, 35]\n\n\ndef other():\n    return 2\n")
    assert ran(done) == following


def test_the_data(done: Project) -> None:
    with done.train.open("ab") as data:
        data.write(
            b"39, Private, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, 0, 0, 40, "
            b"United-States, <=50K\n"
        )
    assert ran(done) == set(STEPS)


def test_touching_the_data_changes_nothing(done: Project) -> None:
    done.train.touch()
    done.train.write_bytes(done.train.read_bytes())
    assert ran(done) == set()


def test_a_threshold(done: Project) -> None:
    done.edit(('{"auc": {"min": 0.6}}', '{"auc": {"min": 0.61}}'))
    assert ran(done) == {"evaluator", "pusher"}


def test_a_parameter_of_the_estimator(done: Project) -> None:
    done.edit(("n_trees=30", "n_trees=40"))
    assert ran(done) == {"trainer", "evaluator", "infra_validator", "pusher"}


def test_the_folder_moves(done: Project, tmp_path: Path) -> None:
    done.folder.rename(tmp_path / "elsewhere")
    assert ran(type(done)(tmp_path / "elsewhere")) == set()


def test_an_artifact_that_was_deleted_is_made_again(done: Project) -> None:
    (model,) = (done.home / "artifacts" / "Model").iterdir()
    shutil.rmtree(model)
    assert "trainer" in ran(done)


CACHED_RUN = """
import subprocess, sys, json
started = []
real = subprocess.Popen.__init__
def spy(self, command, *args, **kwargs):
    started.append(command)
    real(self, command, *args, **kwargs)
subprocess.Popen.__init__ = spy
from headrace.cli import main
try:
    main(["run", "pipeline.py", "--json", "--set", "model=trees"])
except SystemExit as end:
    heavy = {"numpy", "pyarrow", "onnx", "onnxruntime", "ndonnx", "spox", "keras", "jax", "lightgbm", "pandas"}
    print(json.dumps({"code": end.code, "started": started, "heavy": sorted(heavy & set(sys.modules))}))
"""


def test_a_cached_run_starts_nothing_and_imports_nothing_heavy(done: Project) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", CACHED_RUN], cwd=done.folder, capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(printed.splitlines()[-1]) == {"code": 0, "started": [], "heavy": []}
