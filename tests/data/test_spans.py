from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.data import as_source, spans_read
from headrace.data.files import resolve_files, span_files
from headrace.data.spans import SpanFile, glob_of, has_spans, resolve_spans, rolling, spans_option
from headrace.errors import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "in/1/v1/a.csv",
    "in/1/v2/a.csv",
    "in/1/v2/b.csv",
    "in/2/v1/a.csv",
    "in/10/v9/a.csv",
    "in/10/v10/a.csv",
    "in/next/v1/a.csv",
    "in/1/v3/a.json",
]


def test_the_newest_version_of_the_newest_span() -> None:
    assert resolve_spans("in/{SPAN}/v{VERSION}/*.csv", NAMES) == [SpanFile(10, 10, "in/10/v10/a.csv")]


def test_a_range_has_the_newest_version_of_each_span() -> None:
    found = resolve_spans("in/{SPAN}/v{VERSION}/*.csv", NAMES, (1, 2))
    assert found == [(1, 2, "in/1/v2/a.csv"), (1, 2, "in/1/v2/b.csv"), (2, 1, "in/2/v1/a.csv")]


def test_without_versions() -> None:
    assert resolve_spans("x-{SPAN}.csv", ["x-3.csv", "x-20.csv", "y-99.csv"], (0, 99)) == [
        (3, None, "x-3.csv"),
        (20, None, "x-20.csv"),
    ]


def test_dates_are_days_since_1970() -> None:
    names = ["2026/02/28/x", "2026/03/01/x", "2026/13/01/x", "2026/02/30/x", "26/02/01/x"]
    day = (dt.date(2026, 3, 1) - dt.date(1970, 1, 1)).days
    assert resolve_spans("{YYYY}/{MM}/{DD}/x", names) == [(day, None, "2026/03/01/x")]
    dates = (dt.date(2026, 2, 1), dt.date(2026, 2, 28))
    assert [file.name for file in resolve_spans("{YYYY}/{MM}/{DD}/x", names, spans_option(dates))] == ["2026/02/28/x"]


def test_a_width_is_so_many_digits() -> None:
    assert resolve_spans("{SPAN:3}.csv", ["007.csv", "7.csv", "0008.csv"]) == [(7, None, "007.csv")]
    assert resolve_spans("{SPAN}-{VERSION:2}", ["1-02", "1-3", "1-001"]) == [(1, 2, "1-02")]


def test_a_place_that_is_there_twice() -> None:
    assert resolve_spans("{SPAN}/x-{SPAN}.csv", ["1/x-1.csv", "2/x-3.csv"]) == [(1, None, "1/x-1.csv")]


def test_globs_beside_the_places() -> None:
    names = ["a/b/1/x[1].csv", "1/x1.csv", "a/1/x^.csv", "a/1/y.csv"]
    assert [file.name for file in resolve_spans("**/{SPAN}/x*", names)] == ["1/x1.csv", "a/1/x^.csv", "a/b/1/x[1].csv"]
    assert [file.name for file in resolve_spans("a/{SPAN}/[!x].csv", names)] == ["a/1/y.csv"]
    assert [file.name for file in resolve_spans("{SPAN}/x[0-9].???", names)] == ["1/x1.csv"]


def test_rolling_windows() -> None:
    names = [f"{span}.csv" for span in (1, 3, 4, 9)]

    def spans(window: object) -> list[int]:
        return [file.span for file in resolve_spans("{SPAN}.csv", names, window)]  # type: ignore[arg-type]

    assert spans(rolling(2)) == [4, 9]
    assert spans(rolling(2, skip=1)) == [3, 4]
    assert spans(rolling(10)) == [1, 3, 4, 9]
    assert spans(rolling(10, start=4)) == [4, 9]
    assert spans(rolling(1, skip=3)) == [1]
    with pytest.raises(DataError, match="holds no span; got 4 spans, 4 skipped"):
        spans(rolling(1, skip=4))
    assert hr.rolling(1, start=dt.date(1970, 1, 3)).start == 2


@given(st.sets(st.integers(0, 10**9), min_size=1), st.integers(1, 5), st.integers(0, 5))
def test_a_rolling_window_is_the_end_of_the_sorted_spans(numbers: set[int], count: int, skip: int) -> None:
    names = [f"{span}/x" for span in numbers]
    there = sorted(numbers)
    expected = there[max(len(there) - skip - count, 0) : max(len(there) - skip, 0)]
    if not expected:
        with pytest.raises(DataError):
            resolve_spans("{SPAN}/x", names, rolling(count, skip=skip))
    else:
        assert [file.span for file in resolve_spans("{SPAN}/x", names, rolling(count, skip=skip))] == expected


@pytest.mark.parametrize("pattern", ["x/{VERSION}", "{YYYY}/{MM}", "{SPAN}/{YYYY}{MM}{DD}"])
def test_patterns_that_make_no_sense(pattern: str) -> None:
    for work in (lambda: resolve_spans(pattern, []), lambda: glob_of(pattern)):
        with pytest.raises(UsageError, match=r"\{SPAN\}"):
            work()


def test_errors_say_what_there_is() -> None:
    with pytest.raises(DataError, match=r"no span from 5 to 6.*there: 1 to 9"):
        resolve_spans("{SPAN}", ["1", "9"], (5, 6))
    with pytest.raises(DataError, match="matches no file"):
        resolve_spans("{SPAN}", ["x"])
    for bad in ((2, 1), (1,), "12"):
        with pytest.raises(UsageError, match=r"\(first, last\)"):
            spans_option(bad)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least one span"):
        rolling(0)
    with pytest.raises(UsageError, match="skip"):
        rolling(1, skip=-1)


def test_which_patterns_have_spans() -> None:
    assert has_spans("{SPAN:4}.csv")
    assert has_spans("{YYYY}-{MM}-{DD}.csv")
    assert not has_spans("{span}.csv")


def test_files_on_disk(tmp_path: Path) -> None:
    for name in ("2026-01-30/v1.csv", "2026-01-31/v1.csv", "2026-01-31/v2.csv", "2026-02-01/v1.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a\n1\n")
    pattern = tmp_path / "{YYYY}-{MM}-{DD}" / "v{VERSION}.csv"
    found = resolve_files([pattern], rolling(2, skip=1))
    assert [str(path).removeprefix(f"{tmp_path}/") for path in found] == ["2026-01-30/v1.csv", "2026-01-31/v2.csv"]
    assert [(file.span, file.version) for file in span_files(str(pattern))] == [(20485, 1)]
    for describe in (hr.csv, hr.parquet, hr.tfrecord):
        source = describe(pattern, spans=hr.rolling(2, skip=1))
        assert [(file.span, file.version) for file in spans_read(source)] == [(20483, 1), (20484, 2)]
        assert source.files() == found
    assert spans_read(as_source({"a": [1]})) == []
    assert hr.csv(pattern, spans=(20483, 20485)).dataset().count_rows() == 3
