"""A user's project, run the way a user runs it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from headrace.pipeline import RunEvent, RunResult, run_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = """
from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from headrace.errors import AnomaliesFound, DataError, UsageError
from headrace.pipeline import Artifact, FilePath, component, current_step, pipeline


class Text(Artifact):
    def read(self) -> str:
        return (self.path / "text").read_text()


class Other(Artifact):
    pass


def write(text: str) -> Text:
    artifact = Text.create()
    (artifact.path / "text").write_text(text)
    return artifact


@component
def make(word: str = "a") -> Text:
    return write(word)


@component
def join(parts: Sequence[Text], separator: str = "-") -> Text:
    return write(separator.join(part.read() for part in parts))


@component
def twice(text: Text) -> Text:
    return write(text.read() * 2)


@component
def other() -> Other:
    return Other.create()
"""


@dataclass
class Project:
    """A folder with a pipeline.py and a home."""

    folder: Path
    events: list[RunEvent] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "pipeline.py"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def write(self, body: str, *, name: str = "pipeline.py", header: str = HEADER) -> Path:
        path = self.folder / name
        path.write_text(header + textwrap.dedent(body))
        return path

    def line(self, text: str) -> int:
        return next(i for i, line in enumerate(self.file.read_text().splitlines(), 1) if text in line)

    def run(self, **options: Any) -> RunResult:
        self.events.clear()
        return run_pipeline(self.file, home=self.home, on_event=self.events.append, **options)

    def states(self, **options: Any) -> dict[str, str]:
        return {step.id: step.state for step in self.run(**options).steps}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def text_of() -> Callable[[RunResult, str], str]:
    def read(result: RunResult, step: str) -> str:
        return (next(iter(result.step(step).paths.values())) / "text").read_text()

    return read
