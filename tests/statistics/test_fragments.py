from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from headrace.data import dataset_from_table
from headrace.statistics import (
    BytesStatistics,
    CommonStatistics,
    DatasetStatistics,
    FeatureStatistics,
    LabelStatistics,
    SemanticGuess,
    Statistics,
    StructStatistics,
    TimestampStatistics,
    generate_statistics,
)
from headrace.statistics.view import statistics_view

if TYPE_CHECKING:
    from headrace.viz import Markup

WIDE = generate_statistics(dataset_from_table(pa.table({f"c{at}": [at, at + 1, None] for at in range(250)})))


def _features(shown: Markup) -> int:
    return len(re.findall(r"<summary>c\d+</summary>", shown))


def test_a_wide_table_is_cut_and_says_so() -> None:
    shown = statistics_view(WIDE)
    assert _features(shown) == 200
    assert "The first 200 of 250 features" in shown
    assert _features(statistics_view(WIDE, limit=250)) == 250
    assert "The first" not in statistics_view(WIDE, limit=250)


def test_many_data_sets_show_fewer_features() -> None:
    many = Statistics(tuple(DatasetStatistics(f"month {at}", 3, WIDE.datasets[0].features) for at in range(12)))
    assert _features(statistics_view(many)) == 50


def test_a_notebook_needs_no_script() -> None:
    shown = statistics_view(WIDE, limit=3)
    assert "<script" not in shown
    assert shown.count("<details") == 3
    assert shown.count("<svg") >= 6


def test_every_kind_has_its_row() -> None:
    common = CommonStatistics(7, 3)
    leak = LabelStatistics(0.9, 0.95, 0.999, leakage=True, reason="It is <the> label.")
    columns = (
        FeatureStatistics("raw", "BYTES", bytes_stats=BytesStatistics(common, 5, 10.0, 2, 4096)),
        FeatureStatistics("parts", "STRUCT", struct_stats=StructStatistics(common)),
        FeatureStatistics("never", "TIMESTAMP", timestamp_stats=TimestampStatistics(common, None, None)),
    )
    told = WIDE.datasets[0].features[0]
    told = FeatureStatistics("c", "INT", told.num_stats, label=leak, semantics=(SemanticGuess("duplicate", 1, of="d"),))
    shown = statistics_view(Statistics((DatasetStatistics("train", 10, (*columns, told)),)))
    for part in (
        "2 to 4,096 bytes",
        "fields, each a feature",
        "no value",
        "30.0%",
        "leak?",
        "It is &lt;the&gt; label.",
    ):
        assert part in shown
    assert "nearly the same as d" in shown
