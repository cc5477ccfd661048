from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from headrace.data.sql_values import kind_of_values, to_array, value_kinds

DAY = dt.date(2026, 1, 2)
NOON = dt.datetime(2026, 1, 2, 12)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([True, None], "bool", [True, None]),
        ([True, 2], "int64", [1, 2]),
        ([Decimal("1.5"), 2, None], "float64", [1.5, 2.0, None]),
        ([DAY], "date32", [DAY]),
        ([DAY, NOON], "timestamp", [dt.datetime(2026, 1, 2), NOON]),  # noqa: DTZ001
        ([NOON.replace(tzinfo=dt.timezone(dt.timedelta(hours=2)))], "timestamp", [NOON - dt.timedelta(hours=2)]),
        ([b"x", memoryview(b"y")], "bytes", [b"x", b"y"]),
        (["x", 1, DAY, {"a": [1]}], "string", ["x", "1", "2026-01-02", '{"a": [1]}']),
        ([uuid.UUID(int=1), b"x"], "string", ["00000000-0000-0000-0000-000000000001", "x"]),
        ([None], "string", [None]),
    ],
)
def test_kinds_and_values(values: list[Any], kind: str, expected: list[Any]) -> None:
    assert kind_of_values(value_kinds(values)) == kind
    array, problems = to_array(values, kind)
    assert array.to_pylist() == expected
    assert not problems


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2**63, "int64"),
        (1.5, "int64"),
        ("1", "int64"),
        (float("nan"), "int64"),
        ("x", "float64"),
        (10**400, "float64"),
        (2, "bool"),
        ("soon", "timestamp"),
        (1, "timestamp"),
        (NOON, "date32"),
        (1, "date32"),
        ("x", "bytes"),
        (b"\xff", "string"),
        ("\ud800", "string"),
    ],
)
def test_values_that_do_not_fit(value: Any, kind: str) -> None:
    array, problems = to_array([None, value], kind)
    assert array.to_pylist() == [None, None]
    assert list(problems) == [1]
    assert f"is not of type {kind}" in problems[1]


def test_dates_in_text() -> None:
    assert to_array(["2026-01-02", "2026-01-02T00:00:00"], "date32")[0].to_pylist() == [DAY, DAY]
    assert to_array(["2026-01-02 12:00"], "timestamp")[0].to_pylist() == [NOON]


def test_zones_count_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYARROW_IGNORE_TIMEZONE", "1")
    zone = dt.timezone(dt.timedelta(hours=2))
    assert to_array([NOON.replace(tzinfo=zone), None], "timestamp")[0].to_pylist() == [
        NOON - dt.timedelta(hours=2),
        None,
    ]
