from __future__ import annotations

import math
import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.viz import Interval, bars, interval, intervals, percent

anything = st.one_of(st.none(), st.floats())


def test_bars_are_as_long_as_their_values() -> None:
    root = ET.fromstring(str(bars(["a", "b"], [1, 3])))
    widths = [float(rect.get("width", "")) for rect in root.iter("rect")]
    assert abs(widths[1] - 3 * widths[0]) < 0.05
    assert [text.text for text in root.iter("text")] == ["a", "1", "b", "3"]


def test_other_series_stand_beneath_in_outline() -> None:
    markup = bars(["a"], [0.5], name="train", overlays={"eval": [0.25]}, format=percent)
    assert markup.count("hr-step") >= 1
    assert "a, eval: 25.0%" in markup


def test_negative_bars_start_at_zero() -> None:
    root = ET.fromstring(str(bars(["a", "b"], [-2, 2])))
    left, right = list(root.iter("rect"))
    assert float(left.get("x", "")) + float(left.get("width", "")) == float(right.get("x", ""))


def test_missing_values_are_said_and_not_drawn() -> None:
    root = ET.fromstring(str(bars(["a", "b"], [None, math.nan])))
    assert not list(root.iter("rect"))
    assert [text.text for text in root.iter("text")] == ["a", "\u2013", "b", "NaN"]
    assert "no data" in bars([], [])


def test_long_names_are_cut_and_kept_whole_in_the_title() -> None:
    name = "an education that took a very long time and has a long name"
    root = ET.fromstring(str(bars([name], [1])))
    label = next(root.iter("text"))
    assert label.findtext("title") == name
    assert (label[0].tail or "").endswith("…")


def test_intervals_share_an_axis_and_a_threshold() -> None:
    markup = intervals(["all", "few"], [Interval(0.9, 0.88, 0.92), Interval(0.8)], threshold=0.85)
    root = ET.fromstring(str(markup))
    assert "threshold 0.85" in markup
    assert len([line for line in root.iter("line") if "hr-whisker" in line.get("class", "")]) == 3
    assert "no data" in intervals([], [])
    assert "no data" in intervals(["a"], [Interval(None)])


@given(anything, anything, anything, anything)
@settings(deadline=None)
def test_no_value_breaks_a_picture(
    value: float | None, low: float | None, high: float | None, limit: float | None
) -> None:
    for markup in (
        interval(value, low, high, threshold=limit),
        intervals(["a", "b"], [Interval(value, low, high), Interval(1.0)], threshold=limit),
        bars(["a", "b"], [value, low], overlays={"c": [high]}),
    ):
        ET.fromstring(str(markup))
        assert '"nan"' not in markup
