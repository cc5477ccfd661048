from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest

from headrace.viz import Cell, Column, Markup, percent, table


def test_numbers_stand_right_and_sort_by_value() -> None:
    root = ET.fromstring(str(table([Column("name"), Column("n", "number", percent)], [["a", 0.25], ["b", math.nan]])))
    cells = list(root.iter("td"))
    assert [cell.text for cell in cells] == ["a", "25.0%", "b", "NaN"]
    assert [cell.get("data-sort") for cell in cells] == [None, "0.25", None, ""]
    assert cells[1].get("class") == "hr-num"


def test_cells_are_escaped_unless_they_are_markup() -> None:
    markup = table([Column("<a>"), Column("b", "markup")], [["<i>", Markup("<b>x</b>")]])
    assert "&lt;i&gt;" in markup
    assert "<b>x</b>" in markup
    assert "<a>" not in markup


def test_a_cell_may_sort_by_another_value() -> None:
    markup = table([Column("when")], [[Cell("yesterday", 5, "bad")], [Cell("today", "z")]])
    assert 'data-sort="5.0"' in markup
    assert 'data-sort="z"' in markup
    assert 'class="hr-bad"' in markup


def test_heads_are_buttons_only_where_sorting_helps() -> None:
    assert "<button" in table([Column("a")], [[1], [2]])
    assert "<button" not in table([Column("a")], [[1]])
    assert "<button" not in table([Column("a")], [[1], [2]], sortable=False)


def test_no_rows() -> None:
    assert "no anomalies" in table([Column("a"), Column("b")], [], empty="no anomalies")


def test_rows_must_fit() -> None:
    with pytest.raises(ValueError, match="got 1 for 2"):
        table([Column("a"), Column("b")], [[1]])
