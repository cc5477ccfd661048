from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engines.quantiles import EXACT_UP_TO, QuantileSketch

QS = [0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200),
    st.lists(st.integers(0, 200), max_size=4),
)
def test_small_data_is_exact_however_it_is_split(values: list[float], cuts: list[int]) -> None:
    whole = np.array(values)
    total = QuantileSketch()
    for part in np.split(whole, sorted(min(cut, len(values)) for cut in cuts)):
        sketch = QuantileSketch()
        sketch.update(part)
        total.merge(sketch)
    assert total.is_exact
    np.testing.assert_allclose(total.quantiles(QS), np.quantile(whole, QS), rtol=1e-12, atol=1e-3)
    assert total.ranks(values).tolist() == [int((whole <= value).sum()) for value in values]


@pytest.mark.parametrize("shape", ["uniform", "sorted", "reversed", "few values", "long tail"])
@pytest.mark.parametrize("parts", [1, 7, 200])
def test_rank_error_stays_below_a_thousandth(shape: str, parts: int) -> None:
    random = np.random.default_rng(7)
    n = 600_011
    values = {
        "uniform": random.random(n),
        "sorted": np.arange(n, dtype=np.float64),
        "reversed": np.arange(n, dtype=np.float64)[::-1],
        "few values": random.integers(0, 9, n).astype(np.float64),
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


def test_the_limit_of_exactness() -> None:
    sketch = QuantileSketch()
    sketch.update(np.arange(EXACT_UP_TO))
    assert sketch.is_exact
    sketch.update([1.0])
    assert not sketch.is_exact


def test_not_a_number_is_left_out_and_infinity_is_not() -> None:
    sketch = QuantileSketch()
    sketch.update([np.nan, -np.inf, 1.0, np.inf])
    assert sketch.count == 3
    assert sketch.quantiles([0.0, 0.5, 1.0]).tolist() == [-np.inf, 1.0, np.inf]


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
