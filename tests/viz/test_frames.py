from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.viz.frames import Frame, legend, marker, path, shorten, svg, text_width


def test_a_picture_says_what_it_shows() -> None:
    root = ET.fromstring(str(svg(10, 20, label="a <picture>")))
    assert root.get("viewBox") == "0 0 10 20"
    assert root.get("aria-label") == root.findtext("title") == "a <picture>"


def test_paths() -> None:
    assert path([(0, 0), (1.234, 5)], close=True) == "M0 0 L1.23 5Z"
    assert path([], close=True) == ""


@given(st.text(max_size=60), st.floats(20, 300))
@settings(deadline=None)
def test_what_is_cut_fits(text: str, room: float) -> None:
    cut = shorten(text, room)
    assert text_width(cut, 12.5) <= room
    assert cut == text or cut.endswith("…")


def test_a_key_is_for_several_series() -> None:
    assert legend(["only"]) == ""
    assert legend(["", ""]) == ""
    assert legend(["a", "b"]).count("hr-key") == 2


def test_neighbouring_series_have_different_marks() -> None:
    shapes = [ET.fromstring(str(marker(index, 0, 0))) for index in range(4)]
    assert len({(shape.tag, shape.get("d")) for shape in shapes}) == 4


def test_whole_numbers_on_the_axis_where_asked_for() -> None:
    frame = Frame(400, 200)
    x, y = frame.x(0, 2), frame.y(0, 1)
    assert ">0.5<" in frame.axes(x, y, y_values=False)
    assert ">0.5<" not in frame.axes(x, y, y_values=False, x_whole=True)
