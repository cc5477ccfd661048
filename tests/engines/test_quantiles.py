from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engines import QuantileSketch
from headrace.engines.quantiles import EXACT_DISTINCT

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=200)
SPREADS = [50, 3_000, 10**8, 10**12, 2**62]
CUTS = st.lists(st.integers(0, 200), max_size=6)
QS = [0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0]


def sketched(values: NDArray[np.float64], cuts: list[int], exact: int, size: int) -> QuantileSketch:
    total = QuantileSketch(exact, size)
    for part in np.split(values, sorted(cuts)):
        sketch = QuantileSketch(exact, size)
        # Each value in its own update, so that buffers are crossed too.
        for piece in np.array_split(part, 3):
            sketch.update(piece)
        total.merge(sketch)
    return total


def worst_rank_error(sketch: QuantileSketch, values: NDArray[np.float64]) -> float:
    items, weights = sketch.weighted()
    assert weights.sum() == values.size
    ordered = np.sort(values)
    totals = np.cumsum(weights)
    # At each item the estimated rank lies within the true ranks below and up to it, give or take the error.
    below = np.searchsorted(ordered, items, side="left")
    upto = np.searchsorted(ordered, items, side="right")
    last = np.searchsorted(items, items, side="right") - 1
    estimate = totals[last]
    error = np.maximum(np.maximum(estimate - upto, 0), np.maximum(below - estimate, 0))
    return float(error.max()) / values.size


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200), CUTS)
def test_few_values_give_what_numpy_gives_however_split(values: list[float], cuts: list[int]) -> None:
    whole = np.array(values)
    total = sketched(whole, cuts, 1000, 16)
    np.testing.assert_array_equal(total.quantiles(QS), np.quantile(whole, QS))
    assert total.ranks(values).tolist() == [int((whole <= value).sum()) for value in values]


@pytest.mark.parametrize("shape", ["uniform", "sorted", "reversed", "long tail"])
@pytest.mark.parametrize("parts", [1, 7, 200])
def test_rank_error_stays_below_a_thousandth(shape: str, parts: int) -> None:
    random = np.random.default_rng(7)
    n = 600_011
    values = {
        "uniform": random.random(n),
        "sorted": np.arange(n, dtype=np.float64),
        "reversed": np.arange(n, dtype=np.float64)[::-1],
        "long tail": random.lognormal(0.0, 4.0, n),
    }[shape]
    sketch = QuantileSketch()
    for part in np.array_split(values, parts):
        one = QuantileSketch()
        one.update(part)
        sketch.merge(one)
    assert sketch.count == n
    assert 0 < sketch.rank_error <= 0.001
    ordered = np.sort(values)
    for q, found in zip(QS, sketch.quantiles(QS), strict=True):
        low = np.searchsorted(ordered, found, side="left") / n
        high = np.searchsorted(ordered, found, side="right") / n
        assert low - sketch.rank_error - 2 / n <= q <= high + sketch.rank_error + 2 / n
    points = ordered[:: n // 50]
    exact = np.searchsorted(ordered, points, side="right")
    assert np.abs(sketch.ranks(points) - exact).max() <= sketch.rank_error * n
    assert sketch.quantiles([0.0, 1.0]).tolist() == [ordered[0], ordered[-1]]


def test_the_limit_of_exactness_is_of_distinct_values() -> None:
    sketch = QuantileSketch()
    sketch.update(np.tile(np.arange(EXACT_DISTINCT), 3))
    assert sketch.is_exact
    assert sketch.num_distinct == EXACT_DISTINCT
    assert sketch.quantiles([0.5]).tolist() == [(EXACT_DISTINCT - 1) / 2]
    sketch.update([-1.0])
    assert not sketch.is_exact


def test_not_a_number_is_left_out_and_infinity_is_not() -> None:
    sketch = QuantileSketch()
    sketch.update([np.nan, -np.inf, 1.0, np.inf])
    assert sketch.count == 3
    assert sketch.quantiles([0.0, 0.5, 1.0]).tolist() == [-np.inf, 1.0, np.inf]


def test_between_infinities_lies_the_nearer_one() -> None:
    sketch = QuantileSketch()
    sketch.update([-np.inf, np.inf])
    assert sketch.quantiles([0.2, 0.8]).tolist() == [-np.inf, np.inf]
    sketch.update([0.0])
    assert sketch.quantiles([0.25, 0.75]).tolist() == [-np.inf, np.inf]


def test_between_the_ends_of_float64() -> None:
    sketch = QuantileSketch()
    sketch.update([-1.7e308, 1.7e308])
    assert sketch.quantiles([0.25, 0.5]).tolist() == pytest.approx([-0.85e308, 0.0])


def test_nothing_seen() -> None:
    sketch = QuantileSketch()
    sketch.update([])
    assert np.isnan(sketch.quantiles([0.5])).all()
    assert sketch.ranks([0.0]).tolist() == [0]


def test_a_fraction_outside_is_refused() -> None:
    with pytest.raises(ValueError, match=r"fractions in \[0, 1\]"):
        QuantileSketch().quantiles([1.5])


def test_pickling_and_merging_leave_the_other_alone() -> None:
    sketch = QuantileSketch()
    sketch.update(np.random.default_rng(1).random(200_000))
    again = pickle.loads(pickle.dumps(sketch))
    assert again.quantiles(QS).tolist() == sketch.quantiles(QS).tolist()
    before = sketch.quantiles(QS).tolist()
    total = QuantileSketch()
    total.merge(sketch)
    total.update([5.0])
    total.merge(sketch)
    assert sketch.quantiles(QS).tolist() == before
    assert sketch.count == 200_000


def test_the_callers_array_is_not_kept() -> None:
    values = np.zeros(4)
    sketch = QuantileSketch()
    sketch.update(values)
    values[:] = 9.0
    assert sketch.quantiles([0.5]).tolist() == [0.0]


@settings(deadline=None, max_examples=100)
@given(FLOATS, CUTS)
def test_few_values_are_counted_exactly_however_split(values: list[float], cuts: list[int]) -> None:
    array = np.array(values)
    sketch = sketched(array, cuts, 1000, 16)
    items, weights = sketch.weighted()
    expected, counts = np.unique(array + 0.0, return_counts=True)
    np.testing.assert_array_equal(items, expected)
    np.testing.assert_array_equal(weights, counts)
    assert sketch.is_exact
    assert sketch.rank_error == 0.0


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.integers(1, 3000), CUTS, st.sampled_from([1, 7, 10_000]))
def test_the_bound_holds_for_any_split(seed: int, count: int, cuts: list[int], distinct: int) -> None:
    values = np.random.default_rng(seed).integers(0, distinct, count).astype(np.float64)
    sketch = sketched(values, cuts, 50, 64)
    assert sketch.is_exact == (np.unique(values).size <= 50)
    assert worst_rank_error(sketch, values) <= sketch.rank_error


def test_order_within_the_values_does_not_matter() -> None:
    values = np.sort(np.random.default_rng(7).normal(size=600_000))
    zigzag = np.ravel(np.column_stack([values[:300_000], values[:299_999:-1]]))
    sketch = QuantileSketch()
    for part in np.array_split(zigzag, 7):
        sketch.update(part)
    assert worst_rank_error(sketch, values) <= sketch.rank_error <= 0.001
    assert abs(sketch.num_distinct / 600_000 - 1) < 0.03


def test_an_empty_sketch_is_neutral() -> None:
    sketch = QuantileSketch()
    sketch.merge(QuantileSketch())
    assert sketch.weighted()[0].size == 0
    sketch.update(np.array([1.0]))
    sketch.merge(QuantileSketch())
    assert sketch.weighted()[0].tolist() == [1.0]


def test_the_bound_holds_at_any_size() -> None:
    sketch = QuantileSketch(10)
    sketch.update(np.arange(100.0))
    for doublings in (20, 33, 50):
        state = sketch.to_state()
        # A hundred million, a trillion and a quadrillion values have so many levels.
        state["levels"] = [np.empty(0)] * doublings
        assert QuantileSketch.from_state(state).rank_error < 0.001


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_whole_numbers_are_told_apart_by_every_digit(dtype: type[np.int64 | np.uint64]) -> None:
    sketch = QuantileSketch(dtype=dtype)
    large = np.array([2**62, 2**62 + 1, 2**62 + 1], dtype)
    sketch.update(large)
    sketch.update(np.zeros(5_000, dtype))
    values, counts = sketch.exact_values
    assert values.dtype == dtype
    assert values.tolist() == [0, 2**62, 2**62 + 1]
    assert counts.tolist() == [5_000, 1, 2]


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32),
    st.lists(st.integers(0, 9_000), max_size=4),
    st.sampled_from(SPREADS),
)
def test_counted_and_sorted_whole_numbers_are_the_same(seed: int, cuts: list[int], spread: int) -> None:
    values = np.random.default_rng(seed).integers(-spread, spread, 9_000)
    whole, floats = QuantileSketch(2_000, dtype=np.int64), QuantileSketch(2_000)
    for part in np.split(values, sorted(cuts)):
        whole.update(part)
        floats.update(part)
    assert whole.is_exact == floats.is_exact == (np.unique(values).size <= 2_000)
    if whole.is_exact:
        np.testing.assert_array_equal(whole.quantiles(QS), floats.quantiles(QS))
    assert worst_rank_error(whole, values.astype(np.float64)) <= whole.rank_error


def test_states_come_back() -> None:
    random = np.random.default_rng(3)
    for size in (1_000, 300_000):
        sketch = QuantileSketch()
        sketch.update(random.normal(size=size))
        again = QuantileSketch.from_state(sketch.to_state())
        again.merge(QuantileSketch())
        assert again.quantiles(QS).tolist() == sketch.quantiles(QS).tolist()
        assert (again.count, again.num_distinct, again.rank_error) == (size, sketch.num_distinct, sketch.rank_error)
