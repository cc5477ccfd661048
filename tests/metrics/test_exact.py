from __future__ import annotations

import math
import pickle
import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.metrics.exact import ExactSums, ratio, two_product

FLOATS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@settings(deadline=None, max_examples=200)
@given(values=st.lists(FLOATS, max_size=40), seed=st.integers(0, 2**32))
def test_sum_is_fsum_in_any_order_and_any_parts(values: list[float], seed: int) -> None:
    shuffled = list(values)
    generator = random.Random(seed)
    generator.shuffle(shuffled)
    total = ExactSums(1)
    while shuffled:
        cut = generator.randint(1, len(shuffled))
        part = ExactSums(1)
        part.add(np.array([shuffled[:cut]]))
        total.merge(part)
        shuffled = shuffled[cut:]
    try:
        expected = math.fsum(values)
    except OverflowError:
        return
    assert total.value(0) == expected


def test_smallest_and_largest_numbers() -> None:
    sums = ExactSums(1)
    sums.add(np.array([[5e-324, 1.7e308, -1.7e308, 5e-324]]))
    assert sums.value(0) == 1e-323


def test_cells_and_columns_stay_apart() -> None:
    sums = ExactSums(3, 2)
    sums.add(np.array([[1.0, 2.0, 4.0], [0.5, 0.25, 0.125]]), np.array([0, 1, 1]), into=[(0, 2), (1,)])
    assert [sums.value(0, 0), sums.value(0, 1), sums.value(0)] == [1.0, 6.0, 7.0]
    assert [sums.value(1, 0), sums.value(1, 1)] == [0.5, 0.375]
    assert sums.value(2) == 7.0


def test_values_that_are_not_finite() -> None:
    sums = ExactSums(2)
    sums.add(np.array([[1.0, np.inf], [np.inf, -np.inf]]))
    assert sums.value(0) == math.inf
    assert math.isnan(sums.value(1))


def test_overflow_is_infinite() -> None:
    sums = ExactSums(1)
    sums.add(np.array([[-1.7e308, -1.7e308]]))
    assert sums.value(0) == -math.inf
    assert ratio(10**400, 1) == math.inf


def test_travels() -> None:
    sums = ExactSums(1)
    sums.add(np.array([[0.1, 0.2]]))
    assert pickle.loads(pickle.dumps(sums)).value(0) == math.fsum([0.1, 0.2])


@settings(deadline=None)
@given(a=st.floats(-1e100, 1e100), b=st.floats(-1e100, 1e100))
def test_two_product_is_exact(a: float, b: float) -> None:
    if a and b and abs(a * b) < 1e-200:
        return
    product, error = two_product(np.array([a]), np.array([b]))
    numerator, denominator = a.as_integer_ratio()
    other, under = b.as_integer_ratio()
    high, low = float(product[0]).as_integer_ratio(), float(error[0]).as_integer_ratio()
    assert (high[0] * low[1] + low[0] * high[1]) * denominator * under == numerator * other * high[1] * low[1]
