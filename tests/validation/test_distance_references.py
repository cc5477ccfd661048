"""Distances from statistics against the references on the rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headrace.data import dataset_from_table
from headrace.statistics import CommonStatistics, FeatureStatistics, NumericStatistics, ValueCount, generate_statistics
from headrace.validation import (
    chi_squared,
    distances,
    hellinger,
    kolmogorov_smirnov,
    linf,
    normalized_abs_difference,
    population_stability_index,
    wasserstein,
)
from headrace.validation.significance import kolmogorov_tail

WORDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=60)
SAMPLES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 1)), min_size=2, max_size=300)


def column(values: list[str] | list[float] | npt.NDArray[np.float64]) -> FeatureStatistics:
    return generate_statistics(dataset_from_table(pa.table({"x": values})))["data"]["x"]


def counted(values: list[int]) -> FeatureStatistics:
    """Return statistics of an INT column whose values are counted one by one."""
    tops = tuple(ValueCount(str(value), values.count(value)) for value in sorted(set(values)))
    low, high = min(values), max(values)
    quantiles = tuple(float(q) for q in np.quantile(values, np.linspace(0, 1, 101)))
    numbers = NumericStatistics(
        CommonStatistics(len(values), 0),
        float(np.mean(values)),
        float(np.std(values)),
        values.count(0),
        0,
        0,
        low,
        float(np.median(values)),
        high,
        quantiles,
        (),
        len(tops),
        top_values=tops,
    )
    return FeatureStatistics("x", "INT", num_stats=numbers)


def furthest(a: Any, b: Any) -> float:
    """Return the distance of the empirical distribution functions, by its definition."""
    every = np.concatenate([a, b])
    first, second = (np.searchsorted(np.sort(side), every, side="right") / len(side) for side in (a, b))
    return float(np.abs(first - second).max())


@settings(deadline=None)
@given(WORDS, WORDS)
def test_strings(a: list[str], b: list[str]) -> None:
    first, second = column(a), column(b)
    counts = np.array([[side.count(word) for word in "abcd"] for side in (a, b)], float)
    p, q = counts[0] / len(a), counts[1] / len(b)
    assert hellinger(first, second) == pytest.approx(np.sqrt(1 - min(1.0, np.sqrt(p * q).sum())), abs=1e-7)
    expected = np.abs(counts[0] - counts[1]).sum() / (len(a) + len(b))
    assert normalized_abs_difference(first, second) == pytest.approx(expected)
    low, high = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    index = population_stability_index(first, second)
    assert index == pytest.approx(((low - high) * np.log(low / high))[p != q].sum())
    assert kolmogorov_smirnov(first, second) is None
    assert wasserstein(first, second) is None


def test_the_chi_squared_test_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.choice(list("abcde"), 900), rng.choice(list("abcde"), 1300, p=[0.3, 0.2, 0.2, 0.2, 0.1])
    table = [[int((side == word).sum()) for word in "abcde"] for side in (a, b)]
    expected = stats.chi2_contingency(table, correction=False)
    found = chi_squared(column(a.tolist()), column(b.tolist()))
    assert found is not None
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.freedom == expected.dof
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)


def test_rare_values_are_put_together_for_the_chi_squared_test() -> None:
    a = ["a"] * 100 + ["b"] * 100 + [f"rare {i}" for i in range(20)]
    b = ["a"] * 100 + ["b"] * 100 + [f"seldom {i}" for i in range(20)]
    found = chi_squared(column(a), column(b))
    assert found is not None
    assert (found.freedom, found.p_value) == (2, 1.0)


@settings(deadline=None, max_examples=50)
@given(SAMPLES, SAMPLES)
def test_numbers_are_within_the_stated_bounds(a: list[float], b: list[float]) -> None:
    first, second = column(a), column(b)
    slack = 1.0 / len(a) + 1.0 / len(b)
    expected = furthest(a, b)
    assert kolmogorov_smirnov(first, second) == pytest.approx(expected, abs=0.02 + slack)
    moved = stats.wasserstein_distance(a, b)
    reach = max(a) - min(a) + max(b) - min(b)
    assert wasserstein(first, second) == pytest.approx(moved, abs=(0.01 + slack) * reach + 1e-9)
    measured = distances(first, second)
    assert measured is not None
    # The p-value is never smaller than that of the rows.
    assert measured.p_value >= kolmogorov_tail(expected, len(a), len(b)) - 1e-9


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=80), st.lists(st.integers(-9, 9), min_size=1, max_size=80))
def test_whole_numbers_that_are_counted_are_exact(a: list[int], b: list[int]) -> None:
    first, second = counted(a), counted(b)
    assert kolmogorov_smirnov(first, second) == pytest.approx(furthest(a, b), abs=1e-12)
    assert wasserstein(first, second) == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-9)


def test_large_samples_come_near_the_distances_of_the_densities() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=50_000), rng.normal(0.3, 1.2, size=40_000)
    measured = distances(column(a), column(b))
    assert measured is not None
    assert measured.kolmogorov_smirnov == pytest.approx(furthest(a, b), abs=0.003)
    assert measured.wasserstein == pytest.approx(stats.wasserstein_distance(a, b), rel=0.05)
    # Of two normal distributions, after Pardo, "Statistical Inference Based on Divergence Measures" (2006).
    closed = 1 - np.sqrt(2 * 1.2 / (1 + 1.44)) * np.exp(-0.25 * 0.09 / (1 + 1.44))
    assert measured.hellinger == pytest.approx(np.sqrt(closed), rel=0.05)
    assert measured.p_value < 1e-9
    assert measured.linf is None


def test_values_that_only_one_list_has_count_as_far_as_the_other_list_allows() -> None:
    rng = np.random.default_rng(4)
    a, b = ([f"v{i}" for i in rng.zipf(1.3, 60_000) % 9_000] for _ in range(2))
    first, second = column(a), column(b)
    assert first.string_stats is not None
    assert not first.string_stats.complete
    measured = distances(first, second)
    assert measured is not None
    assert measured.p_value > 0.01
    moved = distances(first, column([*b, *["new"] * 6_000]))
    assert moved is not None
    assert moved.linf_value == "new"
    found = linf(first, column([*b, *["new"] * 6_000]))
    assert found is not None
    assert found[0] == pytest.approx(6_000 / 66_000, abs=0.001)


def test_the_effect_of_chance_alone_is_next_to_nothing() -> None:
    rng = np.random.default_rng(8)
    few, many = (rng.choice(size, (2, 5_000)) for size in (3, 800))
    for sides in (few, many):
        names = [[f"v{i}" for i in side] for side in sides]
        measured = distances(column(names[0]), column(names[1]))
        assert measured is not None
        assert measured.effect < 0.02
    moved = distances(column(["a", "b"] * 500), column(["a", "a", "a", "b"] * 250))
    assert moved is not None
    assert moved.effect == pytest.approx(0.25, abs=0.02)


def test_columns_of_different_kinds_have_no_distance() -> None:
    assert distances(column(["a"]), column([1.0])) is None


def test_nan_is_a_difference() -> None:
    same = [float(x) for x in range(500)]
    measured = distances(column(same), column([*same, *[float("nan")] * 200]))
    assert measured is not None
    assert measured.kolmogorov_smirnov == pytest.approx(0.0)
    assert measured.p_value < 1e-9
    assert distances(column([float("nan")]), column(same)) is not None


def test_moments_without_a_histogram_have_no_distance() -> None:
    table = pa.table({"x": [dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2)]})  # noqa: DTZ001
    feature = generate_statistics(dataset_from_table(table))["data"]["x"]
    measured = distances(feature, feature)
    assert measured is None or measured.kolmogorov_smirnov == 0.0
