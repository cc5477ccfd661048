"""Tests of numbers in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.engines import sorting
from headrace.engines.sorting import sort

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIZE = 20_000
MAKERS: dict[str, Callable[[np.random.Generator], NDArray[Any]]] = {
    "both signs": lambda rng: rng.normal(size=SIZE),
    "positive": lambda rng: rng.lognormal(size=SIZE),
    "negative": lambda rng: -rng.random(SIZE),
    "far from nought": lambda rng: rng.normal(1e9, 1.0, SIZE),
    "heavy tails": lambda rng: rng.standard_cauchy(SIZE) ** 9,
    "two heaps": lambda rng: np.concatenate([rng.normal(size=SIZE // 2), rng.normal(1e12, 1.0, SIZE // 2)]),
    "infinite": lambda rng: np.where(rng.random(SIZE) < 0.1, np.inf, rng.normal(size=SIZE)),
    "all of float64": lambda rng: rng.uniform(-1.0, 1.0, SIZE) * 1.7e308,
    "equal": lambda rng: np.zeros(SIZE),
    "integers": lambda rng: rng.integers(-(1 << 40), 1 << 40, SIZE),
    "all of int64": lambda rng: rng.integers(-(1 << 63), (1 << 63) - 1, SIZE),
    "hashes": lambda rng: rng.integers(0, (1 << 64) - 1, SIZE, np.uint64),
}


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_both_ways_sort_as_numpy_does(
    make: Callable[[np.random.Generator], NDArray[Any]], coded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "_coded_is_quicker", lambda: coded)
    for seed in range(3):
        values = make(np.random.default_rng(seed))[seed:]
        expected = np.sort(values)
        sort(values)
        assert values.dtype == expected.dtype
        assert np.array_equal(values, expected)


def test_codes_are_used_where_they_tell_numbers_apart() -> None:
    rng = np.random.default_rng(0)
    assert sorting._sort_coded(rng.normal(size=SIZE))
    assert sorting._sort_coded(rng.integers(0, 1 << 62, SIZE))
    assert not sorting._sort_coded(np.zeros(SIZE))


@given(
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=40),
    st.integers(0, 1 << 32),
    st.sampled_from([np.float64, np.float32]),
)
def test_any_few_values_among_many(values: list[float], seed: int, dtype: type[np.floating[Any]]) -> None:
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore"):
        many = np.concatenate([np.array(values, dtype), rng.normal(size=9_000).astype(dtype)]).astype(np.float64)
    rng.shuffle(many)
    expected = np.sort(many)
    if sorting._sort_coded(many):
        assert np.array_equal(many, expected)
