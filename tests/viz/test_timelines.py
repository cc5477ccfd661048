from __future__ import annotations

import math
import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.viz import Span, timeline


def test_bars_begin_and_end_with_their_spans() -> None:
    markup = timeline([Span("a", 100, 110, "done", "10 s"), Span("b", 110, 115, "failed"), Span("c", None, None)])
    first, second = list(ET.fromstring(str(markup)).iter("rect"))
    assert float(first.get("x", "")) + float(first.get("width", "")) == float(second.get("x", ""))
    assert float(first.get("width", "")) > 1.9 * float(second.get("width", ""))
    assert "hr-bad" in (second.get("class") or "")
    assert "b: 5.0 s from 10 s" in markup


def test_nothing_happened() -> None:
    assert "no data" in timeline([])
    assert "no data" in timeline([Span("a", None, 1), Span("b", math.nan, 1)])


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats()), st.one_of(st.none(), st.floats())), max_size=5))
@settings(deadline=None)
def test_no_time_breaks_a_picture(times: list[tuple[float | None, float | None]]) -> None:
    ET.fromstring(str(timeline([Span(f"s{i}", start, stop) for i, (start, stop) in enumerate(times)])))
