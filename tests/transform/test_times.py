from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace import transform as tft
from headrace.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., dict[str, list[Any]]]


def at(*fields: int) -> dt.datetime:
    return dt.datetime(*fields)  # type: ignore[arg-type]  # noqa: DTZ001 - columns of times have no time zone


PARTS: tuple[Any, ...] = (
    *("year", "quarter", "month", "week", "day", "day_of_year", "weekday", "is_weekend"),
    *("hour", "minute", "second"),
)
# Times are in UTC.
TIMES = st.datetimes(at(1, 1, 1), at(9999, 12, 31, 23, 59, 59))


def parts_of(time: dt.datetime) -> dict[str, int]:
    return {
        "year": time.year,
        "quarter": (time.month + 2) // 3,
        "month": time.month,
        "week": time.isocalendar().week,
        "day": time.day,
        "day_of_year": time.timetuple().tm_yday,
        "weekday": time.weekday(),
        "is_weekend": int(time.weekday() >= 5),
        "hour": time.hour,
        "minute": time.minute,
        "second": time.second,
    }


WRONG: Any = "days"


@pytest.fixture(scope="module")
def graph() -> tft.TransformGraph:
    def function(inputs: Any) -> dict[str, Any]:
        plain = {part: tft.date_part(inputs["t"], part) for part in PARTS}
        text = tft.parse_date(inputs["x"])
        read = {f"x_{part}": tft.fill_missing(tft.date_part(text, part), -1) for part in PARTS}
        compact = tft.parse_date(inputs["compact"], "%Y%m%d %H.%M:%S")
        return (
            plain
            | read
            | {"same": tft.fill_missing(tft.date_part(compact, "day"), -1) == tft.date_part(inputs["t"], "day")}
        )

    return tft.analyze(
        {"t": [at(2020, 1, 1)], "x": ["2020-01-01"], "compact": ["20200101 00.00:00"]},
        function,
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(TIMES, min_size=1, max_size=5))
@example([at(2000, 2, 29), at(1900, 3, 1), at(1969, 12, 31, 23, 59, 59)])
@example([at(2021, 1, 3), at(2020, 12, 31), at(2024, 12, 30)])
def test_parts_are_pythons(graph: tft.TransformGraph, times: list[dt.datetime]) -> None:
    batch = pa.record_batch(
        {
            "t": pa.array(times, pa.timestamp("us")),
            "x": [time.isoformat() for time in times],
            "compact": [f"{time:%Y}".zfill(4) + f"{time:%m%d %H.%M:%S}" for time in times],
        }
    )
    found = graph.transform_batch(batch).to_pydict()
    for place, time in enumerate(times):
        for part, value in parts_of(time).items():
            assert found[part][place] == value, (part, time)
            assert found[f"x_{part}"][place] == value, (part, time)
    assert found["same"] == [1] * len(times)


CASES = {
    "2024-02-29": 1709164800,
    "2024-02-29T13:30": 1709213400,
    "2024-02-29 13:30:15": 1709213415,
    "2024-02-29T13:30:15.25Z": 1709213415,
    "2024-02-29T23:30:00-01:00": 1709253000,
    "2024-02-29T00:30:00+05:30": 1709146800,
    "2023-02-29": None,
    "2024-13-01": None,
    "2024-00-01": None,
    "2024-01-00": None,
    "2024-04-31": None,
    "0000-01-01": None,
    "2024-01-01T24:00": None,
    "2024-01-01T10:60": None,
    "2024-1-1": None,
    " 2024-01-01": None,
    "": None,
    "soon": None,
}


def test_iso_8601(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        time = tft.parse_date(inputs["x"])
        micro = ndx.where(ndx.isnan(time), ndx.asarray(0), time.astype(ndx.int64))
        return {"none": tft.is_missing(time), "seconds": micro // 1_000_000}

    found = run(function, x=[*CASES, None])
    assert found["none"] == [int(value is None) for value in CASES.values()] + [1]
    assert found["seconds"] == [value or 0 for value in CASES.values()] + [0]


@pytest.mark.parametrize(
    ("format_", "texts", "days"),
    [
        ("%d/%m/%Y", ["29/2/2024", "01/03/2024", "2024/01/01", "32/1/2024"], [29, 1, -1, -1]),
        ("%Y%m%d", ["20240229", "20230229", "2024022"], [29, -1, -1]),
        ("%d.%m.%Y %H:%M", ["1.2.2024 5:07", "1.2.2024"], [1, -1]),
        ("%Y-%m", ["2024-07", "2024-7-1"], [1, -1]),
    ],
)
def test_formats(run: Run, format_: str, texts: list[str], days: list[int]) -> None:
    found = run(lambda i: {"d": tft.fill_missing(tft.date_part(tft.parse_date(i["x"], format_), "day"), -1)}, x=texts)
    assert found["d"] == days


def test_a_missing_time(run: Run) -> None:
    found = run(
        lambda i: {
            "d": tft.fill_missing(tft.date_part(i["t"], "day"), -1),
            "hot": tft.one_hot(tft.date_part(i["t"], "quarter")),
        },
        t=[dt.date(2024, 5, 6), None],
    )
    assert found == {"d": [6, -1], "hot": [[0.0, 0.0, 1.0, 0.0, 0.0], [0.0] * 5]}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: {"y": tft.date_part(i["x"], "day")}, "tft.parse_date"),
        (lambda i: {"y": tft.date_part(i["t"], WRONG)}, "Did you mean 'day'"),
        (lambda i: {"y": tft.date_part(tft.parse_date(i["x"], "%Y-%j"), "day")}, "directives"),
        (lambda i: {"y": tft.date_part(tft.parse_date(i["x"], "%m-%d"), "day")}, "has %Y"),
        (lambda i: {"y": tft.date_part(tft.parse_date(i["x"], "%Y 1"), "day")}, "no digits"),
        (lambda i: {"y": tft.date_part(tft.parse_date(tft.split(i["x"])), "day")}, "one text a row"),
        (lambda i: {"y": tft.date_part(tft.parse_date(i["x"]), "day")}, "may not be missing"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": ["a"], "t": [dt.date(2024, 1, 1)]}, function)
    assert "test_times.py:" in str(caught.value)
