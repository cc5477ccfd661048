"""One real run on few rows of census data, which all tests of the command line read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headrace.cli.main import main
from headrace.pipeline.locks import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 2000


@dataclass(frozen=True)
class Said:
    """What a command said and how it left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The standard output as JSON."""
        return json.loads(self.out)


@pytest.fixture
def headrace(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return the function that calls the command line in this process."""

    def call(*args: str | Path) -> Said:
        with pytest.raises(SystemExit) as left:
            main([str(one) for one in args])
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Said(left.value.code, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def project(census_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project that has run once; for reading only. All worker processes share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cli-census"
    lock = FileLock(folder.with_suffix(".lock"))
    while not lock.acquire():
        time.sleep(0.1)
    try:
        if not (folder / "ready").exists():
            _make(folder, census_dir)
            (folder / "ready").touch()
    finally:
        lock.release()
    return folder


def _make(folder: Path, census_dir: Path) -> None:
    folder.mkdir(exist_ok=True)
    lines = (census_dir / "adult.data").read_text("utf-8").splitlines(keepends=True)
    (folder / "adult.data").write_text("".join(lines[:ROWS]), "utf-8")
    shutil.copyfile(Path(__file__).with_name("pipeline_of_census.py"), folder / "pipeline.py")
    example = resources.files("headrace.examples").joinpath("census")
    for name in ("schema.yaml", "people.json"):
        (folder / name).write_bytes(example.joinpath(name).read_bytes())
    command = [sys.executable, "-m", "headrace.cli", "run", "pipeline.py"]
    environment = {name: value for name, value in os.environ.items() if name != "HEADRACE_HOME"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "first.txt").write_text(done.stdout, "utf-8")


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in the project, as a user would; nothing is written there."""
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def own(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a copy of the project, to run and change things in."""
    copy = tmp_path / "census"
    shutil.copytree(project, copy)
    monkeypatch.chdir(copy)
    return copy
