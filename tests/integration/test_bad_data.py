"""Data and code that cannot work, met as a person meets them: at the command line."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.integration.conftest import Project, make_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TREES = ("--set", "model=trees")
NEVER_STOP = ("example_validator(statistics, schema)", 'example_validator(statistics, schema, stop_on="never")')


@pytest.fixture
def small(tmp_path: Path, census_dir: Path) -> Project:
    return make_project(tmp_path / "project", census_dir, rows=600, test_rows=200)


def change(project: Project, edit: Callable[[list[str]], list[str]], *, encoding: str = "utf-8") -> None:
    lines = project.train.read_text("utf-8").splitlines()
    project.train.write_bytes("\n".join(edit(lines)).encode(encoding))


def field(number: int, text: str) -> Callable[[list[str]], list[str]]:
    """Put a text into one field of every line."""
    return lambda lines: [
        ", ".join(text if i == number else value for i, value in enumerate(line.split(", "))) for line in lines
    ]


def assert_says(message: str, *pieces: str, lines: int = 1) -> None:
    for piece in pieces:
        assert piece in message, f"{piece!r} is not in:\n{message}"
    # One line for a person; what the machine thought is in the log.
    assert message.count("\n") <= lines
    assert "Traceback" not in message


def test_missing_file(small: Project) -> None:
    small.train.unlink()
    assert_says(small.refusal(*TREES), "The file does not exist", str(small.train), "Did you mean", "adult.test")


def test_a_folder_where_a_file_is_wanted(small: Project) -> None:
    small.train.unlink()
    small.train.mkdir()
    assert_says(small.refusal(*TREES), "A file is wanted, not a folder", str(small.train), "glob")


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"| only a comment\n"])
def test_empty_file(small: Project, content: bytes) -> None:
    small.train.write_bytes(content)
    assert_says(small.refusal(*TREES), "example_gen", "empty", str(small.train))


def test_wrong_delimiter(small: Project) -> None:
    change(small, lambda lines: [line.replace(", ", ";") for line in lines])
    message = small.refusal(*TREES)
    assert_says(
        message, "example_gen", "15 columns and the separator is ','", "1 column", "Did you mean separator=';'?"
    )
    assert_says(message, f"{small.train}, row 1")


def test_too_few_columns(small: Project) -> None:
    change(small, lambda lines: [line.rpartition(", ")[0] for line in lines])
    assert_says(small.refusal(*TREES), "14 columns instead of 15 in every row", f"{small.train}, row 1", "names")


def test_too_many_columns(small: Project) -> None:
    change(small, lambda lines: [f"{line}, more" for line in lines])
    assert_says(small.refusal(*TREES), "16 columns instead of 15 in every row", f"{small.train}, row 1", "names")


def test_some_rows_with_too_few_columns(small: Project) -> None:
    change(small, lambda lines: [ln.rpartition(", ")[0] if i % 10 == 4 else ln for i, ln in enumerate(lines)])
    message = small.refusal(*TREES)
    assert_says(message, "At most 1% of the rows may be unreadable", "60 of 600", "row 5: 14 columns instead of 15")
    assert_says(message, "max_bad_rows")


def test_bytes_that_are_not_utf8(small: Project) -> None:
    change(small, lambda lines: [line.replace("Private", "Privat\u00e9") for line in lines], encoding="latin-1")
    message = small.refusal(*TREES)
    assert_says(message, "row 3: byte 11 of the row (0xe9) is not UTF-8", str(small.train), "encoding='latin-1'")
    # What it advises works; the domain then differs, which the validator says.
    small.edit(('comment="|")', 'comment="|", encoding="latin-1")'))
    assert_says(small.refusal(*TREES, code=3), "example_validator", "Privat\u00e9", lines=20)


def test_one_bad_row_is_set_aside_and_counted(small: Project) -> None:
    row = small.train.read_bytes().splitlines()[0].replace(b"State-gov", b"Stat\xe9")
    with small.train.open("ab") as file:
        file.write(row + b"\n")
    small.run(*TREES)
    shown = small.cli("report", "last", "--output", "report.html", code=None)
    assert shown.returncode == 0, shown.stderr
    assert "is not UTF-8" in (small.folder / "report.html").read_text("utf-8")


def test_words_in_a_number_column(small: Project) -> None:
    change(small, lambda lines: [ln.replace("39, ", "thirty-nine, ", 1) if ln[:2] == "39" else ln for ln in lines])
    message = small.refusal(*TREES)
    assert_says(message, "row 1: column 'age': 'thirty-nine' is not of type int64", "max_bad_rows")


def test_only_words_in_a_number_column(small: Project) -> None:
    change(small, field(0, "old"))
    assert_says(
        small.refusal(*TREES, code=3), "example_validator", "age is INT by the schema; the data has STRING", lines=20
    )
    small.edit(NEVER_STOP)
    message = small.refusal(*TREES)
    assert_says(message, "transform", "tft.scale_to_z_score takes numbers", f"{small.file}:45")


def test_unknown_column(small: Project) -> None:
    small.edit(('tft.scale_to_z_score(inputs["age"])', 'tft.scale_to_z_score(inputs["aeg"])'))
    message = small.refusal(*TREES)
    assert_says(message, "transform", "no such column", "'aeg'", f"{small.file}:45", "Did you mean 'age'?")


def test_label_with_one_class(small: Project) -> None:
    change(small, lambda lines: [line for line in lines if line.endswith("<=50K")])
    message = small.refusal(*TREES)
    assert_says(message, "trainer", "at least two classes", "only 0 in 'label'", "condition that computes the label")


def test_label_with_one_class_in_the_evaluation(small: Project) -> None:
    lines = small.test.read_text("utf-8").splitlines()
    small.test.write_text("\n".join(line for line in lines if line.endswith(("<=50K.", "validator"))))
    assert_says(small.refusal(*TREES, code=3), "pusher", "auc (overall) has no value", "no positive examples")


def test_a_feature_that_is_all_missing(small: Project) -> None:
    change(small, field(6, "?"))
    message = small.refusal(*TREES, code=3)
    assert_says(message, "example_validator", "occupation has a value in at least 90%; no row has one", lines=20)
    small.edit(NEVER_STOP)
    message = small.refusal(*TREES)
    assert_says(message, "transform", "column 'occupation', missing (or NaN) in all", f"{small.file}:4", "fill_missing")


def test_a_number_that_is_all_missing(small: Project) -> None:
    change(small, field(0, "?"))
    assert_says(
        small.refusal(*TREES, code=3), "example_validator", "age has a value in every row; no row has one", lines=20
    )
    small.edit(NEVER_STOP)
    assert_says(small.refusal(*TREES), "transform", "takes numbers", f"{small.file}:45", "look whether it has any")


def test_unknown_parameter(small: Project) -> None:
    assert_says(small.refusal("--set", "modle=trees", code=2), "modle", "Did you mean 'model'?")
    assert_says(small.refusal("--set", "epochs=many", code=2), "epochs", "int", "many")


@pytest.mark.parametrize("limit", [20_000, 60_000])
def test_files_that_may_not_grow(small: Project, limit: int) -> None:
    """As on a disk that fills up: the step that cannot write says so, and nothing half-written is seen."""

    # Set by the child: a function between fork and exec would run among this process's threads.
    limited = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, 2 * (int(sys.argv[1]),)); "
    limited += "os.execv(sys.argv[2], sys.argv[2:])"
    command = [str(part) for part in small.command("run", "pipeline.py", *TREES)]
    done = subprocess.run(
        [sys.executable, "-c", limited, str(limit), *command],
        cwd=small.folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1, done.stderr
    assert_says(done.stderr, "error:", str(small.home))
    small.check()


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")
@pytest.mark.parametrize("kilobytes", [24, 150, 400, 800])
def test_a_disk_that_fills_up(small: Project, tmp_path: Path, kilobytes: int) -> None:
    """A real file system that is too small, in a mount namespace of its own, so that nobody else sees it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    probe = on_small_disk(disk, kilobytes, "true")
    if probe.returncode:
        # test_files_that_may_not_grow has no need of a mount, and runs everywhere.
        pytest.skip(f"no file system may be mounted here: {probe.stderr.strip()}")
    run = " ".join(small.command("run", str(small.file), *TREES, "--home", str(disk / "home")))
    done = on_small_disk(disk, kilobytes, f"{run}; code=$?; cp -r {disk}/home {small.home}; exit $code")
    assert done.returncode == 1, done.stdout + done.stderr
    assert_says(done.stderr, str(disk), "Free some space and")
    assert "there is none left" in done.stderr or "No space left" in done.stderr
    small.check()


def on_small_disk(folder: Path, kilobytes: int, script: str) -> subprocess.CompletedProcess[str]:
    mount = f"mount -t tmpfs -o size={kilobytes}k tmpfs {folder} && {{ {script}; }}"
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mount],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
