from __future__ import annotations

import math
from collections import Counter
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import DataError
from headrace.statistics import CommonStatistics
from headrace.statistics.bools import BoolAccumulator
from headrace.statistics.columns import ColumnSettings, accumulator_for, feature_type
from headrace.statistics.numeric import NumericAccumulator
from headrace.statistics.strings import StringAccumulator
from headrace.statistics.times import TimestampAccumulator

if TYPE_CHECKING:
    from headrace.statistics import NumericStatistics, StringStatistics

COMMON = CommonStatistics(0, 0)
CUTS = st.lists(st.integers(0, 60), max_size=5)
NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0]) | st.none()
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)


def split(values: list[Any], cuts: list[int]) -> list[list[Any]]:
    edges = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    return [values[low:high] for low, high in pairwise(edges)]


@settings(deadline=None, max_examples=150)
@given(st.lists(NUMBERS, max_size=60), CUTS, st.booleans())
def test_numbers_are_described_as_numpy_does(values: list[float | None], cuts: list[int], backwards: bool) -> None:
    parts = split(values, cuts)
    total = NumericAccumulator()
    for part in reversed(parts) if backwards else parts:
        one = NumericAccumulator()
        one.update(pa.array(part, pa.float64()))
        total.merge(one)
    stats = total.result(COMMON)
    present = np.array([value for value in values if value is not None], np.float64)
    finite = present[np.isfinite(present)]
    assert stats.num_nan == np.isnan(present).sum()
    assert stats.num_infinite == np.isinf(present).sum()
    assert stats.num_zeros == (finite == 0).sum()
    assert stats.unique == np.unique(finite + 0.0).size
    if finite.size == 0:
        assert stats.mean is stats.std_dev is stats.min is stats.median is stats.max is None
        assert (stats.quantiles, stats.histograms) == ((), ())
        return
    assert stats.min == finite.min()
    assert stats.max == finite.max()
    assert stats.median == pytest.approx(np.median(finite), rel=1e-12, abs=1e-12)
    assert stats.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-9)
    assert stats.std_dev == pytest.approx(finite.std(), rel=1e-6, abs=1e-6)
    np.testing.assert_allclose(stats.quantiles, np.quantile(finite, np.linspace(0, 1, 101)), rtol=1e-12, atol=1e-9)
    equal, deciles = stats.histograms
    assert sum(bucket.sample_count for bucket in equal.buckets) == finite.size
    assert sum(bucket.sample_count for bucket in deciles.buckets) == pytest.approx(finite.size)
    edges = np.array([equal.buckets[0].low_value, *(bucket.high_value for bucket in equal.buckets)])
    counts, _ = np.histogram(finite, edges) if edges[0] < edges[-1] else (np.array([finite.size]), None)
    np.testing.assert_array_equal([bucket.sample_count for bucket in equal.buckets], counts)


def numbers(values: pa.Array) -> NumericStatistics:
    accumulator = NumericAccumulator(kind=values.type)
    accumulator.update(values)
    return accumulator.result(COMMON)


def test_moments_survive_a_large_offset() -> None:
    values = np.random.default_rng(1).normal(size=10_000) + 1e9
    total = NumericAccumulator()
    for part in np.array_split(values, 13):
        one = NumericAccumulator()
        one.update(pa.array(part))
        total.merge(one)
    assert total.result(COMMON).std_dev == pytest.approx(values.std(), rel=1e-7)


def test_whole_numbers_keep_every_digit() -> None:
    stats = numbers(pa.array([2**63 - 1, -(2**63), 2**53 + 1], pa.int64()))
    assert (stats.min, stats.max) == (-(2**63), 2**63 - 1)


def test_numbers_at_the_edge_of_float64() -> None:
    stats = numbers(pa.array([1.7e308, -1.7e308, 1.7e308]))
    assert (stats.min, stats.max) == (-1.7e308, 1.7e308)
    assert stats.mean == pytest.approx(1.7e308 / 3)
    assert stats.std_dev is None
    assert sum(bucket.sample_count for bucket in stats.histograms[0].buckets) == 3


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float32(), pa.decimal128(9, 2)])
def test_any_width_of_number(kind: pa.DataType) -> None:
    stats = numbers(pa.array([1, 2, None, 3], pa.int8()).cast(kind))
    assert (stats.mean, stats.min, stats.max) == (2.0, 1, 3)


@settings(deadline=None, max_examples=150)
@given(st.lists(TEXT | st.none(), max_size=60), CUTS, st.booleans(), st.booleans())
def test_strings_are_counted_exactly_while_few(
    values: list[str | None], cuts: list[int], backwards: bool, encoded: bool
) -> None:
    parts = split(values, cuts)
    total = StringAccumulator()
    for part in reversed(parts) if backwards else parts:
        one = StringAccumulator()
        array = pa.array(part, pa.string())
        one.update(array.dictionary_encode() if encoded else array)
        total.merge(one)
    stats = total.result(COMMON)
    present = [value for value in values if value is not None]
    counts = Counter(present)
    assert {entry.value: entry.frequency for entry in stats.top_values} == counts
    assert [entry.frequency for entry in stats.top_values] == sorted(counts.values(), reverse=True)
    assert stats.unique == len(counts)
    assert stats.complete
    assert stats.unique_exact
    if present:
        assert stats.avg_length == pytest.approx(sum(map(len, present)) / len(present))
        assert (stats.min_length, stats.max_length) == (min(map(len, present)), max(map(len, present)))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 2000), max_size=6), st.integers(10, 400))
def test_heavy_strings_stay_within_the_bound(seed: int, cuts: list[int], distinct: int) -> None:
    ids = np.random.default_rng(seed).zipf(1.3, 2000) % distinct
    values = [f"v{i}" for i in ids]
    total = StringAccumulator(ColumnSettings(exact_strings=60, heavy_strings=20))
    for part in split(values, cuts):
        one = StringAccumulator(ColumnSettings(exact_strings=60, heavy_strings=20))
        for start in range(0, len(part), 100):
            one.update(pa.array(part[start : start + 100], pa.string()))
        total.merge(one)
    stats = total.result(COMMON)
    truth = Counter(values)
    exact = len(truth) <= 60
    assert stats.unique_exact == stats.complete == exact
    assert stats.unique == len(truth)
    assert stats.frequency_error <= (0 if exact else 2 * len(values) / 21)
    listed = {entry.value: entry.frequency for entry in stats.top_values}
    assert set(listed) <= set(truth)
    for value, count in truth.items():
        if value in listed:
            assert count - stats.frequency_error <= listed[value] <= count
            assert exact or listed[value] > max(stats.frequency_error, 1)
        else:
            assert count <= max(2 * stats.frequency_error, 1)


def test_many_strings_are_estimated() -> None:
    total = StringAccumulator()
    for start in range(0, 120_000, 40_000):
        total.update(pa.array([f"user {i}" for i in range(start, start + 40_000)]))
    stats = total.result(COMMON)
    assert not stats.unique_exact
    assert abs(stats.unique / 120_000 - 1) < 0.03
    assert len(stats.top_values) <= 1000


def test_odd_strings() -> None:
    accumulator = StringAccumulator()
    accumulator.update(pa.nulls(3))
    encoded = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None]), pa.array(["a", None, "a"]))
    accumulator.update(encoded)
    accumulator.update(pa.array(["é", "a"], pa.string_view()))
    stats: StringStatistics = accumulator.result(COMMON)
    assert {entry.value: entry.frequency for entry in stats.top_values} == {"a": 3, "é": 1}


@settings(deadline=None)
@given(st.lists(st.booleans() | st.none(), max_size=30), CUTS)
def test_truth_values(values: list[bool | None], cuts: list[int]) -> None:
    total = BoolAccumulator()
    for part in split(values, cuts):
        one = BoolAccumulator()
        one.update(pa.array(part, pa.bool_()))
        total.merge(one)
    stats = total.result(COMMON)
    assert (stats.num_true, stats.num_false) == (values.count(True), values.count(False))


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


def test_types() -> None:
    assert feature_type(pa.dictionary(pa.int32(), pa.string())) == "STRING"
    assert feature_type(pa.date32()) == "TIMESTAMP"
    assert feature_type(pa.null()) == "STRING"
    assert feature_type(pa.binary(4)) == "BYTES"
    with pytest.raises(DataError, match="list<item: string>"):
        accumulator_for(pa.list_(pa.string()))
