from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING

import pytest

from headrace.pipeline import Artifact, StepContext, current_step
from headrace.pipeline.context import running

if TYPE_CHECKING:
    from pathlib import Path


class Text(Artifact):
    pass


def test_artifacts_are_made_in_the_steps_staging_area(tmp_path: Path) -> None:
    context = StepContext("run", "step", "key", tmp_path, tmp_path / "scratch", tmp_path / "staging", {"a": 1})
    with running(context):
        assert current_step() is context
        first, second = Text.create(), Text.create()
        seen: list[StepContext | None] = []
        thread = threading.Thread(target=lambda: seen.append(current_step()))
        thread.start()
        thread.join()
    assert seen == [context]
    assert [a.path.name for a in (first, second)] == ["000-Text", "001-Text"]
    assert context.created == [first, second]
    assert context.provenance() == {"a": 1}
    assert current_step() is None


def test_public_names_exist() -> None:
    package = importlib.import_module("headrace.pipeline")
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        package.nothing  # noqa: B018
