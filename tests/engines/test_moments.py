from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engines import Moments
from headrace.engines.moments import WeightedMoments

CUTS = st.lists(st.integers(0, 60), max_size=5)


def folded(values: np.ndarray, cuts: list[int], *, backwards: bool = False) -> Moments:
    pieces = np.split(values, sorted(cuts))
    total = Moments()
    for piece in reversed(pieces) if backwards else pieces:
        part = Moments()
        part.update(piece)
        total.merge(part)
    return total


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), CUTS, st.booleans())
def test_any_split_gives_what_numpy_gives(numbers: list[float], cuts: list[int], backwards: bool) -> None:
    values = np.array(numbers)
    found = folded(values, cuts, backwards=backwards)
    assert (found.count, found.low, found.high) == (values.size, values.min(), values.max())
    assert found.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-6)
    assert found.variance == pytest.approx(values.var(), rel=1e-7, abs=1e-3)
    assert found.variance >= 0


@settings(deadline=None)
@given(st.floats(allow_nan=False), st.integers(1, 60), CUTS)
def test_equal_numbers_have_exactly_no_variance(number: float, size: int, cuts: list[int]) -> None:
    found = folded(np.full(size, number), cuts)
    assert (found.count, found.mean, found.variance) == (size, number, 0.0)


def test_a_large_offset_does_not_drown_the_variance() -> None:
    values = np.array([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])
    assert folded(values, [2]).variance == 22.5
    many = np.random.default_rng(1).normal(size=10_000) + 1e9
    assert folded(many, list(range(0, 10_000, 770))).variance == pytest.approx(many.var(), rel=1e-7)


def test_a_sum_beyond_float64_still_has_a_mean() -> None:
    found = folded(np.array([1.7e308, -1.7e308, 1.7e308]), [])
    assert found.mean == pytest.approx(1.7e308 / 3)
    assert not math.isfinite(found.variance)


def test_integers_are_taken_and_left_as_they_are() -> None:
    values = np.array([1, 2, 6])
    found = folded(values, [])
    assert (found.mean, found.squares) == (3.0, 14.0)
    assert values.tolist() == [1, 2, 6]


def test_nothing_seen_is_neutral() -> None:
    empty = folded(np.array([]), [0])
    assert empty.count == 0
    assert math.isnan(empty.variance)
    some = folded(np.array([1e200, 2e200]), [])
    some.merge(empty)
    empty.merge(some)
    assert pickle.loads(pickle.dumps(empty)).mean == some.mean == 1.5e200


@settings(deadline=None)
@given(
    # The smallest weights are rounded when they are multiplied, by numpy too.
    st.lists(
        st.tuples(st.floats(-1e3, 1e3), st.just(0.0) | st.floats(1e-250, 10.0)),
        min_size=1,
        max_size=50,
    ),
    st.integers(0, 50),
)
def test_weighted_moments_are_those_of_numpy(rows: list[tuple[float, float]], cut: int) -> None:
    values, weights = np.array([value for value, _ in rows]), np.array([weight for _, weight in rows])
    total, other = WeightedMoments(), WeightedMoments()
    total.update(values[:cut], weights[:cut])
    other.update(values[cut:], weights[cut:])
    total.merge(other)
    if weights.sum() == 0.0:
        assert math.isnan(total.variance)
        return
    mean = np.average(values, weights=weights)
    assert total.mean == pytest.approx(mean, abs=1e-6)
    assert total.variance == pytest.approx(np.average((values - mean) ** 2, weights=weights), rel=1e-6, abs=1e-6)
