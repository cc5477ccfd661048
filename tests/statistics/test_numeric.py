from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from tests.statistics.cuts import CUTS, split

from headrace.statistics import CommonStatistics
from headrace.statistics.columns import ColumnSettings
from headrace.statistics.numeric import NumericAccumulator

if TYPE_CHECKING:
    from headrace.statistics import NumericStatistics

COMMON = CommonStatistics(0, 0)
NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0]) | st.none()
SMALL = ColumnSettings(exact_numbers=20)


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


def test_whole_numbers_are_told_apart_beyond_the_digits_of_a_float() -> None:
    stats = numbers(pa.array([2**53, 2**53 + 1, 2**53 + 1, None, -(2**63)], pa.int64()))
    assert stats.unique == 3
    assert [(one.value, one.frequency) for one in stats.top_values] == [
        (str(2**53 + 1), 2),
        (str(-(2**63)), 1),
        (str(2**53), 1),
    ]
    large = numbers(pa.array([2**64 - 1, 2**63, 2**64 - 1], pa.uint64()))
    assert (large.min, large.max, large.unique) == (2**63, 2**64 - 1, 2)
    assert large.top_values[0].value == str(2**64 - 1)


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.float64(), pa.float16()])
@pytest.mark.parametrize("values", [[], [None, None], [7], [0, 0, 0]])
def test_hardly_any_values(kind: pa.DataType, values: list[int | None]) -> None:
    stats = numbers(pa.array(values, pa.int8()).cast(kind))
    present = [value for value in values if value is not None]
    assert stats.unique == len(set(present))
    assert stats.min == stats.max == stats.median == stats.mean == (present[0] if present else None)
    assert stats.std_dev == (0.0 if present else None)
    assert len(stats.histograms) == (2 if present else 0)


def test_nothing_finite() -> None:
    stats = numbers(pa.array([math.nan, math.inf, -math.inf, math.nan]))
    assert (stats.num_nan, stats.num_infinite, stats.unique) == (2, 2, 0)
    assert stats.min is stats.max is stats.median is stats.mean is None
    assert stats.quantiles == ()


def test_zeros_of_both_signs_are_one_value() -> None:
    stats = numbers(pa.array([0.0, -0.0, -0.0]))
    assert (stats.unique, stats.num_zeros) == (1, 3)
    assert math.copysign(1.0, float(stats.min or 0.0)) == 1.0


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(-50, 50) | st.integers(-(2**63), 2**63 - 1) | st.none(), max_size=60), CUTS, st.booleans())
def test_whole_numbers_are_counted_however_they_are_cut(
    values: list[int | None], cuts: list[int], backwards: bool
) -> None:
    parts = split(values, cuts)
    total = NumericAccumulator(SMALL, pa.int64())
    for part in reversed(parts) if backwards else parts:
        one = NumericAccumulator(SMALL, pa.int64())
        one.update(pa.array(part, pa.int64()))
        total.merge(one)
    stats = total.result(COMMON)
    present = [value for value in values if value is not None]
    exact = len(set(present)) <= 20
    assert stats.unique_exact == exact
    assert stats.unique == len(set(present))
    assert (stats.min, stats.max) == ((min(present), max(present)) if present else (None, None))
    if exact:
        assert {one.value: one.frequency for one in stats.top_values} == {
            str(value): present.count(value) for value in present
        }
        assert stats.rank_error == 0.0
    else:
        assert stats.top_values == ()
        assert 0.0 <= stats.rank_error <= 0.001


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(-9, 9) | st.none(), st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0])), max_size=60), CUTS
)
def test_weights_count_as_so_many_rows(rows: list[tuple[int | None, float]], cuts: list[int]) -> None:
    total = NumericAccumulator(ColumnSettings(weighted=True))
    for part in split(rows, cuts):
        one = NumericAccumulator(ColumnSettings(weighted=True))
        one.update(pa.array([value for value, _ in part], pa.float64()), np.array([weight for _, weight in part]))
        total.merge(one)
    stats = total.result(COMMON).weighted
    assert stats is not None
    repeated = np.repeat(
        np.array([math.nan if value is None else value for value, _ in rows], np.float64),
        np.array([int(2 * weight) for _, weight in rows], np.int64),
    )
    repeated = repeated[~np.isnan(repeated)]
    if not repeated.size:
        assert stats.mean is stats.std_dev is stats.median is None
        return
    assert stats.mean == pytest.approx(repeated.mean())
    assert stats.std_dev == pytest.approx(repeated.std(), abs=1e-9)
    assert stats.median == np.quantile(repeated, 0.5, method="inverted_cdf")
    assert sum(bucket.sample_count for bucket in stats.histograms[0].buckets) == pytest.approx(repeated.size / 2)


def test_moments_agree_with_scipy() -> None:
    values = scipy_stats.lognorm(1.5).rvs(50_000, random_state=3)
    stats = numbers(pa.array(values))
    described = scipy_stats.describe(values, ddof=0)
    assert stats.mean == pytest.approx(described.mean)
    assert stats.std_dev == pytest.approx(described.variance**0.5)
    assert (stats.min, stats.max) == described.minmax
