from __future__ import annotations

import math
import xml.etree.ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.viz import lines

NAN = math.nan


def paths(markup: str) -> list[ET.Element]:
    return [path for path in ET.fromstring(markup).iter("path") if "hr-line" in path.get("class", "")]


def test_a_gap_breaks_the_line() -> None:
    whole = lines({"loss": [(0, 1), (1, 2), (2, 3), (3, 4)]})
    broken = lines({"loss": [(0, 1), (1, 2), (2, NAN), (3, 3), (4, 4)]})
    assert len(paths(str(whole))) == 1
    assert len(paths(str(broken))) == 2


def test_series_differ_in_more_than_colour() -> None:
    markup = lines({"a": [(0, 0), (1, 1)], "b": [(0, 1), (1, 0)]})
    assert "circle" in markup
    assert markup.count("hr-s1") >= 3
    assert markup.count('class="hr-key"') == 2


def test_diagonal_only_where_it_was_asked_for() -> None:
    points = {"roc": [(0.0, 0.0), (1.0, 1.0)]}
    assert "hr-diagonal" in lines(points, diagonal=True, x_range=(0, 1), y_range=(0, 1))
    assert "hr-diagonal" not in lines(points)


def test_one_point_and_none() -> None:
    assert "circle" in lines({"a": [(1, 2)]})
    assert "no data" in lines({})
    assert "no data" in lines({"a": [(NAN, 1), (1, NAN)]})


def test_many_points_are_not_marked_one_by_one() -> None:
    assert "circle" not in lines({"a": [(float(i), float(i)) for i in range(100)]})


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=12), st.booleans())
@settings(deadline=None)
def test_no_value_breaks_a_picture(points: list[tuple[float, float]], diagonal: bool) -> None:
    markup = lines({"a": points}, x_label="x", y_label="y", diagonal=diagonal)
    ET.fromstring(str(markup))
    assert '"nan' not in markup
