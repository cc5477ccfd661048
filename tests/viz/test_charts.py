from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.viz import Markup, histogram, spark

NAN, INF = math.nan, math.inf


def parse(markup: Markup) -> ET.Element:
    """Read markup as XML, which is stricter than any browser."""
    assert "nan" not in markup.lower().replace("nan</title>", "")
    assert 'inf"' not in markup
    return ET.fromstring(str(markup))


def bars_of(root: ET.Element) -> list[ET.Element]:
    return [
        element
        for element in root.iter("rect")
        if "hr-area" in element.get("class", "") and element.find("title") is not None
    ]


def test_heights_follow_counts() -> None:
    root = parse(histogram([0, 1, 2, 3], [1, 2, 4], label="ages"))
    heights = [float(bar.get("height", "")) for bar in bars_of(root)]
    assert heights[1] == pytest.approx(heights[0] * 2, abs=0.02)
    assert heights[2] == pytest.approx(heights[0] * 4, abs=0.02)
    picture = root.find("svg")
    assert picture is not None
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == "ages"
    assert picture.findtext("title") == "ages"


def test_areas_follow_counts_where_bins_differ() -> None:
    root = parse(histogram([0, 1, 3], [10, 20]))
    heights = [float(bar.get("height", "")) for bar in bars_of(root)]
    assert heights[0] == pytest.approx(heights[1], abs=0.02)


def test_splits_of_different_size_compare_as_shares() -> None:
    root = parse(histogram([0, 1, 2], [100, 300], name="train", overlays={"eval": ([0, 1, 2], [1, 3])}))
    outline = next(element for element in root.iter("path") if "hr-step" in element.get("class", ""))
    tops = [float(bar.get("y", "")) for bar in bars_of(root)]
    assert f" {tops[1]:g}" in outline.get("d", "")
    assert [key.text or key[-1].tail for key in root.iter("span")] == ["train", "eval"]


def test_logarithmic_heights_keep_small_counts_visible() -> None:
    root = parse(histogram([0, 1, 2], [1, 1_000_000], log=True))
    assert min(float(bar.get("height", "")) for bar in bars_of(root)) > 3


@pytest.mark.parametrize(
    ("edges", "counts"),
    [([], []), ([0, 1], [0]), ([0, NAN], [3]), ([0, INF], [3]), ([0, 1], [NAN]), ([0, 1], [-1]), ([5], [])],
)
def test_nothing_to_draw_says_so(edges: list[float], counts: list[float]) -> None:
    assert "no data" in histogram(edges, counts, label="x")


def test_one_value_only() -> None:
    assert len(bars_of(parse(histogram([5, 5], [9])))) == 1


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("count", [5e-324, 1.1235582092889474e308])
def test_counts_at_the_ends_of_float64(count: float, log: bool) -> None:
    assert len(bars_of(parse(histogram([0, 0], [count], log=log)))) == 1


def test_edges_and_counts_must_fit() -> None:
    with pytest.raises(ValueError, match="one more edge"):
        histogram([0, 1], [1, 2])


@given(st.lists(st.floats(), min_size=1, max_size=20), st.lists(st.floats(), max_size=20), st.booleans())
@settings(deadline=None, max_examples=60)
def test_no_value_breaks_a_picture(edges: list[float], counts: list[float], log: bool) -> None:
    fitting = sorted(edge for edge in edges if not math.isnan(edge))
    heights = (counts + [1.0] * len(fitting))[: max(len(fitting) - 1, 0)]
    parse(histogram(fitting, heights, log=log))
    parse(histogram([0, 1], [1], name="a", overlays={"b": (fitting, heights)}, log=log))
    for kind in ("bars", "line"):
        parse(spark(edges, kind=kind, overlay=counts))


def test_sparks_say_what_they_show_and_when_they_show_nothing() -> None:
    assert 'aria-label="loss"' in spark([1, 2, None, 3], kind="line", label="loss")
    assert "no data" in spark([None, NAN], label="loss")
    assert len(list(parse(spark([1, 0, 2])).iter("rect"))) == 2
