from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.statistics import QuantileSketch

FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=200)
CUTS = st.lists(st.integers(0, 200), max_size=6)


def sketched(values: np.ndarray, cuts: list[int], exact: int, size: int) -> QuantileSketch:
    total = QuantileSketch(exact, size)
    for part in np.split(values, sorted(cuts)):
        sketch = QuantileSketch(exact, size)
        # Each value in its own update, so that buffers are crossed too.
        for piece in np.array_split(part, 3):
            sketch.update(piece)
        total.merge(sketch)
    return total


def worst_rank_error(sketch: QuantileSketch, values: np.ndarray) -> float:
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


@pytest.mark.parametrize("order", ["sorted", "reversed", "random", "zigzag"])
def test_real_sizes_stay_within_a_thousandth(order: str) -> None:
    values = np.random.default_rng(7).normal(size=600_000)
    values.sort()
    if order == "reversed":
        values = values[::-1]
    elif order == "random":
        np.random.default_rng(8).shuffle(values)
    elif order == "zigzag":
        values = np.ravel(np.column_stack([values[:300_000], values[:299_999:-1]]))
    sketch = QuantileSketch()
    for part in np.array_split(values, 7):
        sketch.update(part)
    assert not sketch.is_exact
    assert worst_rank_error(sketch, values) <= sketch.rank_error <= 0.001
    assert abs(sketch.num_distinct / 600_000 - 1) < 0.03


def test_an_empty_sketch_is_neutral() -> None:
    sketch = QuantileSketch()
    sketch.merge(QuantileSketch())
    assert sketch.weighted()[0].size == 0
    sketch.update(np.array([1.0]))
    sketch.merge(QuantileSketch())
    assert sketch.weighted()[0].tolist() == [1.0]
