"""A small census project, and the command line as a user types it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import headrace
from headrace.metadata import MetadataReader
from headrace.model import load_model
from headrace.registry import Registry
from headrace.storage import tree_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.registry import ModelVersion

EXAMPLE = Path(headrace.__file__).parent / "examples" / "census"
TRAIN_ROWS, TEST_ROWS = 3000, 1000

# What makes a run of the example short; every other line of it stays.
SHORTER = {
    'hr.BoostedTreesClassifier(label="label", ': 'hr.BoostedTreesClassifier(label="label", n_trees=30, ',
    "hidden_units=(128, 64), dropout=0.2": "hidden_units=(16,)",
    '{"auc": {"min": 0.9}}': '{"auc": {"min": 0.6}}',
}


@dataclass(frozen=True)
class Project:
    """A folder with a pipeline, its data and its home."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / ".headrace"

    @property
    def file(self) -> Path:
        return self.folder / "pipeline.py"

    @property
    def train(self) -> Path:
        return self.folder / "data" / "adult.data"

    @property
    def test(self) -> Path:
        return self.folder / "data" / "adult.test"

    def edit(self, *changes: tuple[str, str], file: str = "pipeline.py") -> None:
        """Replace pieces of text, each of which must be there once."""
        path = self.folder / file
        text = path.read_text("utf-8")
        for old, new in changes:
            assert text.count(old) == 1, (old, text.count(old))
            text = text.replace(old, new)
        path.write_text(text, "utf-8")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "headrace.cli", *arguments]

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | (env or {}),
        )

    def cli(
        self, *arguments: str, code: int | None = 0, text: str | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Type a command; ``code`` is the exit code that it must have."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            input="" if text is None else text,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | (env or {}),
        )
        assert code is None or done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def run(self, *arguments: str, code: int = 0, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """Run the pipeline and return how each step ended: ``finished``, ``reused``, …."""
        done = self.cli("run", str(self.file), "--json", *arguments, code=code, env=env)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return {event["step_id"]: event["kind"] for event in events if "step_id" in event}

    def refusal(self, *arguments: str, code: int = 1) -> str:
        """Run the pipeline as a person does and return what standard error says."""
        return self.cli("run", str(self.file), *arguments, code=code).stderr

    def version(self, name: str = "census", home: Path | None = None) -> ModelVersion:
        return Registry(home or self.home).get(name)

    def workers(self) -> list[int]:
        """Find the living workers of the home's runs."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                # A crash test has a server of its own.
                ours = "headrace.pipeline.worker" in line or "headrace.serving" in line
                if ours and str(self.home) in line:
                    found.append(int(entry.name))
        return found

    def check(self) -> None:
        """Everything that can be seen in the home is whole."""
        # Whoever dies before the database has its tables leaves a home without anything in it.
        if list(self.home.glob("artifacts/*/*")) or list(self.home.glob("runs/*")):
            with MetadataReader(self.home) as reader:
                for artifact in reader.artifacts():
                    assert tree_digest(self.home / artifact.path) == artifact.digest, artifact.id
                    (maker,) = reader.producers([artifact.id])
                    assert maker.state in {"done", "found wanting"}
        registry = Registry(self.home)
        for name in registry.names():
            for version in registry.versions(name):
                files = {path.name for path in version.path.iterdir()}
                assert files >= {"model.onnx", "signature.json", "evaluation.json", "lineage.json", "schema.yaml"}
                for file in version.path.glob("*.json"):
                    json.loads(file.read_text("utf-8"))
                assert hashlib.sha256((version.path / "model.onnx").read_bytes()).hexdigest() == version.digest
                load_model(version.path)


def make_project(folder: Path, census: Path, *, rows: int = TRAIN_ROWS, test_rows: int = TEST_ROWS) -> Project:
    """Write the example with the first rows of the real data."""
    (folder / "data").mkdir(parents=True)
    for name, count in (("adult.data", rows), ("adult.test", test_rows + 1)):
        with (census / name).open("rb") as lines:
            (folder / "data" / name).write_bytes(b"".join(line for _, line in zip(range(count), lines, strict=False)))
    (folder / "schema.yaml").write_bytes((EXAMPLE / "schema.yaml").read_bytes())
    (folder / "pipeline.py").write_bytes((EXAMPLE / "pipeline.py").read_bytes())
    project = Project(folder)
    project.edit(*SHORTER.items())
    return project


@pytest.fixture
def project(tmp_path: Path, census_dir: Path) -> Project:
    """Return the census example, made short, in a folder of its own."""
    return make_project(tmp_path / "project", census_dir)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Return a function that has a folder filled once, though the tests run in several processes."""
    # With xdist every process has a folder below one that they share.
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def fill(name: str, build: Callable[[Path], object]) -> Path:
        folder = root / f"once-{name}"
        with (root / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "built").exists():
                shutil.rmtree(folder, ignore_errors=True)  # what an attempt that failed has left
                build(folder)
                (folder / "built").touch()
        return folder

    return fill


@pytest.fixture(scope="session")
def trees_run(once: Callable[[str, Callable[[Path], object]], Path], census_dir: Path) -> Project:
    """Return a project in which the trees have run undisturbed; to be read, not changed."""

    def build(folder: Path) -> None:
        make_project(folder, census_dir).run("--set", "model=trees")

    return Project(once("trees", build))


@pytest.fixture(scope="session")
def neural_run(once: Callable[[str, Callable[[Path], object]], Path], census_dir: Path) -> Project:
    """Return a project in which the network has run undisturbed; to be read, not changed."""

    def build(folder: Path) -> None:
        make_project(folder, census_dir).run("--set", "epochs=3")

    return Project(once("neural", build))
