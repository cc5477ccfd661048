from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.statistics.cuts import CUTS, split

from headrace.statistics import CommonStatistics
from headrace.statistics.columns import ColumnSettings
from headrace.statistics.times import TimestampAccumulator

COMMON = CommonStatistics(0, 0)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - without a zone, as in files


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps(unit: str) -> None:
    total = TimestampAccumulator()
    for part in ([datetime(2013, 1, 2)], [None], [datetime(2013, 1, 1, 5), datetime(2014, 1, 1)], []):  # noqa: DTZ001
        one = TimestampAccumulator()
        one.update(pa.array(part, pa.timestamp(unit)))
        total.merge(one)
    stats = total.result(COMMON)
    assert (stats.min, stats.max) == ("2013-01-01T05:00:00.000000", "2014-01-01T00:00:00.000000")


def test_dates_and_zones() -> None:
    days = TimestampAccumulator()
    days.update(pa.array([date(2013, 1, 2)]))
    assert days.result(COMMON).min == "2013-01-02T00:00:00.000000"
    zoned = TimestampAccumulator()
    zoned.update(pa.array([0], pa.timestamp("s", tz="America/New_York")))
    assert zoned.result(COMMON).min == "1970-01-01T00:00:00.000000"


@settings(deadline=None, max_examples=80)
@given(st.lists(MOMENTS | st.none(), max_size=40), CUTS)
def test_moments_against_numpy(values: list[datetime | None], cuts: list[int]) -> None:
    total = TimestampAccumulator()
    for part in split(values, cuts):
        one = TimestampAccumulator()
        one.update(pa.array(part, pa.timestamp("us")))
        total.merge(one)
    stats = total.result(COMMON)
    moments = np.array([value for value in values if value is not None], "datetime64[us]")
    assert stats.ordered is bool((moments[1:] >= moments[:-1]).all()) if moments.size else stats.ordered is None
    if not moments.size:
        assert (stats.min, stats.max, stats.median, stats.unique) == (None, None, None, 0)
        return
    ordered = np.sort(moments)
    assert (stats.min, stats.max) == (str(ordered[0]), str(ordered[-1]))
    assert stats.unique == np.unique(moments).size
    gaps = np.diff(np.unique(moments)).astype(np.int64)
    if gaps.size:
        assert stats.largest_gap == gaps.max() / 1e6
        assert stats.gap_after == str(np.unique(moments)[gaps.argmax()])
        assert stats.median_gap == np.median(gaps) / 1e6
    else:
        assert (stats.largest_gap, stats.gap_after, stats.median_gap) == (None, None, None)
    assert sum(bucket.sample_count for bucket in stats.histograms[0].buckets) == moments.size


def test_the_median_is_a_moment_of_the_data() -> None:
    total = TimestampAccumulator()
    days = [datetime(2024, 1, day, tzinfo=UTC) for day in (5, 1, 2, 9)]
    total.update(pa.array(days, pa.timestamp("us", tz="UTC")))
    stats = total.result(COMMON)
    assert stats.median == "2024-01-02T00:00:00.000000"
    assert (stats.largest_gap, stats.gap_after) == (4 * 86_400.0, "2024-01-05T00:00:00.000000")
    assert stats.ordered is False


def test_many_moments_are_estimated() -> None:
    total = TimestampAccumulator(ColumnSettings(exact_numbers=1_000))
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for minute in range(0, 200_000, 50_000):
        part = [start + timedelta(minutes=minute + at) for at in range(50_000)]
        total.update(pa.array(part, pa.timestamp("us", tz="UTC")))
    stats = total.result(COMMON)
    assert stats.ordered
    assert not stats.unique_exact
    assert stats.unique is not None
    assert abs(stats.unique / 200_000 - 1) < 0.05
    assert (stats.largest_gap, stats.gap_after, stats.median_gap) == (None, None, None)
    assert stats.median is not None
    middle = datetime.fromisoformat(stats.median).replace(tzinfo=UTC)
    assert abs(middle - (start + timedelta(minutes=100_000))) < timedelta(minutes=200)
