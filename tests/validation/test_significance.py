from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headrace.validation.significance import chi_squared_tail, holm, kolmogorov_tail


@settings(deadline=None)
@given(st.floats(1e-6, 5e3), st.integers(1, 3_000))
def test_the_chi_squared_tail_is_that_of_scipy(statistic: float, freedom: int) -> None:
    expected = stats.chi2.sf(statistic, freedom)
    assert chi_squared_tail(statistic, freedom) == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_tails_at_their_ends() -> None:
    assert chi_squared_tail(0.0, 3) == 1.0
    assert chi_squared_tail(5.0, 0) == 1.0
    assert chi_squared_tail(float("inf"), 3) == 0.0
    assert chi_squared_tail(1e5, 3) == 0.0
    assert kolmogorov_tail(0.5, 0, 10) == 1.0
    assert kolmogorov_tail(0.0, 10, 10) == 1.0
    assert kolmogorov_tail(1e-9, 10, 10) == 1.0


@settings(deadline=None)
@given(st.floats(0.001, 1.0), st.integers(200, 100_000), st.integers(200, 100_000))
def test_the_kolmogorov_tail_is_near_that_of_scipy(distance: float, first: int, second: int) -> None:
    size = first * second / (first + second)
    expected = stats.kstwo.sf(distance, round(size))
    assert kolmogorov_tail(distance, first, second) == pytest.approx(expected, rel=0.05, abs=0.005)


def test_p_values_of_one_distribution_are_spread_evenly() -> None:
    rng = np.random.default_rng(3)
    values = [
        kolmogorov_tail(stats.ks_2samp(rng.normal(size=400), rng.normal(size=300)).statistic, 400, 300)
        for _ in range(300)
    ]
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_holm_raises_p_values_by_how_many_there_are() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
