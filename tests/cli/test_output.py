from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.cli.output import ago, seconds, table, to_json


def constant(name: str) -> None:
    raise AssertionError(name)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
@settings(deadline=None)
def test_json_is_json(value: object) -> None:
    text = to_json(value)
    assert json.loads(text, parse_constant=constant) == json.loads(json.dumps(value), parse_constant=lambda _: None)


@given(st.lists(st.lists(st.text("ab ", max_size=5), min_size=2, max_size=2), max_size=5))
@settings(deadline=None)
def test_columns_of_a_table_begin_at_the_same_place(rows: list[list[str]]) -> None:
    lines = table(["left", "right"], rows, right=[1]).split("\n")
    assert len(lines) == len(rows) + 1
    width = max(4, *(len(row[0]) for row in rows)) if rows else 4
    assert all(line[:width].rstrip() == cells[0].rstrip() for line, cells in zip(lines, [["left"], *rows], strict=True))
    assert all(line == line.rstrip() for line in lines)


def test_durations() -> None:
    assert [seconds(value) for value in (None, 0.0004, 0.9, 99.9, 100, 3700)] == [
        *("-", "0 ms", "900 ms", "99.9 s", "1 min 40 s", "61 min 40 s"),
    ]
    assert [ago(0, now) for now in (0, 59, 60, 3600, 86_400)] == [
        "0 s ago",
        "59 s ago",
        "1 min ago",
        "1 h ago",
        "1 d ago",
    ]
