from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engines.weighted_quantiles import WeightedQuantileSketch

ROWS = st.lists(st.tuples(st.integers(-9, 9), st.sampled_from([0.0, 1.0, 2.0, 3.0])), max_size=60)


@settings(deadline=None, max_examples=100)
@given(ROWS, ROWS)
def test_few_values_are_exact(left: list[tuple[int, float]], right: list[tuple[int, float]]) -> None:
    total = WeightedQuantileSketch(100)
    for rows in (left, right):
        one = WeightedQuantileSketch(100)
        one.update(np.array([value for value, _ in rows], np.float64), np.array([weight for _, weight in rows]))
        total.merge(one)
    rows = [*left, *right]
    repeated = np.repeat([value for value, _ in rows], np.array([weight for _, weight in rows], np.int64))
    assert total.total == repeated.size
    fractions = np.array([0.1, 0.25, 0.5, 0.9])
    if repeated.size:
        np.testing.assert_array_equal(
            total.quantiles(fractions), np.quantile(repeated, fractions, method="inverted_cdf")
        )
    else:
        assert np.isnan(total.quantiles(fractions)).all()
    assert total.rank_error == 0.0


@pytest.mark.parametrize("parts", [1, 5, 40])
def test_many_values_stay_within_the_stated_error(parts: int) -> None:
    random = np.random.default_rng(8)
    values, weights = random.normal(size=1_200_000), random.exponential(size=1_200_000)
    total = WeightedQuantileSketch(1_000)
    for part, heavy in zip(np.array_split(values, parts), np.array_split(weights, parts), strict=True):
        one = WeightedQuantileSketch(1_000)
        for piece, heavier in zip(np.array_split(part, 3), np.array_split(heavy, 3), strict=True):
            one.update(piece, heavier)
        total.merge(one)
    assert 0.0 < total.rank_error <= 0.001
    assert total.total == pytest.approx(weights.sum())
    order = np.argsort(values)
    ranks = np.cumsum(weights[order]) / weights.sum()
    fractions = np.linspace(0.01, 0.99, 99)
    found = ranks[np.searchsorted(values[order], total.quantiles(fractions))]
    assert np.abs(found - fractions).max() <= total.rank_error + 1e-5


def test_states_and_pickles_come_back() -> None:
    random = np.random.default_rng(8)
    sketch = WeightedQuantileSketch(1_000)
    sketch.update(random.normal(size=300_000), random.exponential(size=300_000))
    wanted = np.array([0.2, 0.5])
    for again in (WeightedQuantileSketch.from_state(sketch.to_state()), pickle.loads(pickle.dumps(sketch))):
        again.merge(WeightedQuantileSketch(1_000))
        assert again.quantiles(wanted).tolist() == sketch.quantiles(wanted).tolist()
        assert again.rank_error == sketch.rank_error
