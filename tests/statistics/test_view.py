from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from headrace.data import dataset_from_table
from headrace.statistics import generate_statistics, visualize_statistics
from headrace.statistics.view import feature_view

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table(
    {
        "age<b>": [20, 30, None, 50],
        "job": ["<script>", "b", "a", None],
        "old": [False, False, None, True],
        "none": pa.nulls(4),
        "nan": [float("nan")] * 4,
        "at": pa.array([0, 1, 2, None], pa.timestamp("us")),
    }
)
TRAIN = generate_statistics(dataset_from_table(TABLE), name="train")
BOTH = TRAIN.merge(generate_statistics(dataset_from_table(TABLE.slice(2)), name="eval"))


def test_a_page_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "statistics.html"
    shown = str(visualize_statistics(BOTH, path))
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    for part in (shown, text):
        assert "<script>b" not in part
        assert "age&lt;b&gt;" in part
        assert "1970-01-01" in part
    assert "<svg" in shown
    assert "4 rows" in shown


def test_a_notebook_gets_styles_along() -> None:
    assert "<style>" in BOTH._repr_html_()


def test_every_feature_can_be_drawn() -> None:
    for statistics in (TRAIN, BOTH):
        for name in TABLE.schema.names:
            assert feature_view(name, statistics)
    assert "No values" in feature_view("none", TRAIN)


def test_empty_data_can_be_shown() -> None:
    empty = generate_statistics(dataset_from_table(TABLE.slice(0, 0)))
    assert "0 rows" in visualize_statistics(empty)
