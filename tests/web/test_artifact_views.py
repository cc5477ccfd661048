from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from headrace.statistics import generate_statistics
from headrace.validation import detect_feature_skew
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


def test_the_spans_of_examples_are_listed(tmp_path: Path) -> None:
    spans = {"train": [{"span": 20483, "version": 2, "name": "day-<a>.csv"}]}
    summary = {"rows": {"all": 4}, "rows_read": 4, "rows_set_aside": 0, "spans": spans}
    (tmp_path / "examples.json").write_text(json.dumps(summary), "utf-8")
    shown = show_artifact("Examples", tmp_path)
    assert "Spans that were read" in shown
    assert "20,483" in shown
    assert "day-&lt;a&gt;.csv" in shown


def test_rows_that_differ_are_shown_split_by_split(tmp_path: Path) -> None:
    before, now = {"id": [1, 2, 3], "age": [30, 40, 50]}, {"id": [1, 2, 3], "age": [30, 41, 50]}
    detect_feature_skew(before, now, ["id"]).save(tmp_path / "train.json")
    detect_feature_skew(before, before, ["id"]).save(tmp_path / "eval.json")
    shown = show_artifact("ExamplesDiff", tmp_path)
    assert shown.index(">eval<") < shown.index("No feature differs") < shown.index(">train<")
    assert "1 of 1 features differ" in shown


def test_slices_are_named_and_not_drawn_over_the_data_sets(tmp_path: Path) -> None:
    data = {"age": [30, 40, 50], "sex": ["f", "m", "f"]}
    statistics = generate_statistics(data, name="train", slices=["sex"])
    statistics.save(tmp_path / "statistics.json")
    shown = show_artifact("ExampleStatistics", tmp_path)
    assert "2 slices" in shown
    statistics.whole().save(tmp_path / "statistics.json")
    assert shown.startswith(show_artifact("ExampleStatistics", tmp_path)), "the whole data sets come first, alone"
