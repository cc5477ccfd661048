from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from headrace.web.artifact_views import _VIEWS, show_artifact

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("type_name", sorted(_VIEWS))
def test_an_empty_folder_breaks_no_page(type_name: str, tmp_path: Path) -> None:
    assert "cannot be shown" in show_artifact(type_name, tmp_path)


def test_a_type_of_the_users_shows_its_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "<b>.txt").write_text("hello", "utf-8")
    shown = show_artifact("Anything", tmp_path)
    assert "deep/&lt;b&gt;.txt" in shown
    assert ">5<" in shown


def test_a_failed_crash_test_says_why(tmp_path: Path) -> None:
    verdict = {"ok": False, "reason": "used <much> memory", "peak_memory_mb": 3072, "load_seconds": 0.25}
    (tmp_path / "crash_test.json").write_text(json.dumps(verdict), "utf-8")
    shown = show_artifact("InfraBlessing", tmp_path)
    assert "used &lt;much&gt; memory" in shown
    assert "3.0 GiB" in shown
    assert "250 ms" in shown


def test_how_to_use_a_published_model_works_from_anywhere(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "artifacts" / "PushedModel" / "run-pusher"
    folder.mkdir(parents=True)
    (folder / "push.json").write_text('{"name": "census", "version": 4, "path": "/old/models/census/4"}', "utf-8")
    assert "load_model(&#x27;/old/models/census/4&#x27;)" in show_artifact("PushedModel", folder)
    moved = tmp_path / "home" / "models" / "census" / "4"
    moved.mkdir(parents=True)
    shown = show_artifact("PushedModel", folder)
    assert f"load_model(&#x27;{moved}&#x27;)" in shown
    assert "/old/" not in shown
