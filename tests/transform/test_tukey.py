from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from headrace.transform.powers import likelihood, powered
from headrace.transform.tukey import l_moments, tukey_moments, tukey_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

H = st.floats(0.0, 0.9)


def test_moments_are_the_integrals() -> None:
    legendre: list[Callable[[float], float]] = [
        lambda p: 1.0,
        lambda p: 2 * p - 1,
        lambda p: 6 * p**2 - 6 * p + 1,
        lambda p: 20 * p**3 - 30 * p**2 + 12 * p - 1,
    ]
    for left, right in ((0.0, 0.0), (0.1, 0.3), (0.5, 0.0)):

        def value(u: float, of: Callable[[float], float], left: float = left, right: float = right) -> float:
            h = left if u < 0 else right
            return float(u * math.exp((h - 1.0) * u * u / 2.0) / math.sqrt(2 * math.pi) * of(special.ndtr(u)))

        expected = [
            integrate.quad(value, -60, 0, args=(of,), limit=300)[0]
            + integrate.quad(value, 0, 60, args=(of,), limit=300)[0]
            for of in legendre
        ]
        np.testing.assert_allclose(tukey_moments(left, right), expected, atol=1e-9)


@given(H, H)
def test_parameters_are_found_again(left: float, right: float) -> None:
    _, scale, third, fourth = tukey_moments(left, right)
    np.testing.assert_allclose(tukey_parameters(third / scale, fourth / scale), (left, right), atol=1e-6)


def test_parameters_at_the_edges() -> None:
    assert tukey_parameters(0.0, 0.1226) == (0.0, 0.0)
    assert tukey_parameters(0.3, -0.2) == (0.0, 0.0)
    assert tukey_parameters(math.nan, math.nan) == (0.0, 0.0)
    # More skewed than the kurtosis allows: the light side has no tail.
    light, heavy = tukey_parameters(0.9, 0.2)
    assert light == 0.0
    assert tukey_moments(0.0, heavy)[3] / tukey_moments(0.0, heavy)[1] == pytest.approx(0.2)
    assert all(0.0 <= h < 1.0 for h in tukey_parameters(0.99, 1.0))


@settings(deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9))
def test_sample_l_moments_are_those_of_all_subsets(numbers: list[int]) -> None:
    """An L-moment is a mean over all subsets: of one value, of half the range of two, and so on (Hosking 1990)."""
    from itertools import combinations

    def mean(size: int, of: Callable[[list[int]], float]) -> float:
        subsets = [sorted(subset) for subset in combinations(numbers, size)]
        return sum(of(subset) for subset in subsets) / len(subsets) if subsets else 0.0

    expected = [
        mean(1, lambda x: x[0]),
        mean(2, lambda x: (x[1] - x[0]) / 2),
        mean(3, lambda x: (x[2] - 2 * x[1] + x[0]) / 3),
        mean(4, lambda x: (x[3] - 3 * x[2] + 3 * x[1] - x[0]) / 4),
    ]
    values, counts = np.unique(numbers, return_counts=True)
    np.testing.assert_allclose(l_moments(values.astype(np.float64), counts), expected, atol=1e-9)


@pytest.mark.parametrize("exponent", [-1.5, 0.0, 0.4, 2.0, 3.0])
def test_powers_are_scipys(exponent: float) -> None:
    from scipy import stats

    x = np.random.default_rng(1).lognormal(size=50)
    np.testing.assert_allclose(powered(x, exponent, "box-cox"), stats.boxcox(x, exponent), rtol=1e-9)
    signed = np.concatenate([x, -x])
    np.testing.assert_allclose(powered(signed, exponent, "yeo-johnson"), stats.yeojohnson(signed, exponent), rtol=1e-9)
    counts = np.ones(x.size)
    assert likelihood(x, counts, exponent, "box-cox") * 50 == pytest.approx(stats.boxcox_llf(exponent, x), rel=1e-9)
