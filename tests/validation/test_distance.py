from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from headrace.data import dataset_from_table
from headrace.errors import UsageError
from headrace.statistics import FeatureStatistics, generate_statistics
from headrace.validation import jensen_shannon, linf

WORDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=40)
NUMBERS = st.lists(st.integers(-5, 5).map(float) | st.sampled_from([float("nan"), float("inf")]), min_size=1)


def column(values: list[str] | list[float] | np.ndarray) -> FeatureStatistics:
    return generate_statistics(dataset_from_table(pa.table({"x": values})))["data"]["x"]


@settings(deadline=None)
@given(WORDS, WORDS)
def test_strings_agree_with_the_definitions(a: list[str], b: list[str]) -> None:
    p = np.array([a.count(word) / len(a) for word in "abcd"])
    q = np.array([b.count(word) / len(b) for word in "abcd"])
    found = linf(column(a), column(b))
    assert found is not None
    assert found[0] == pytest.approx(np.abs(p - q).max())
    assert abs(a.count(found[1]) / len(a) - b.count(found[1]) / len(b)) == pytest.approx(found[0])
    # SciPy's is the square root.
    assert jensen_shannon(column(a), column(b)) == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-9)


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
def test_numbers_have_a_symmetric_distance_in_0_and_1(a: list[float], b: list[float]) -> None:
    there, back = jensen_shannon(column(a), column(b)), jensen_shannon(column(b), column(a))
    assert there is not None
    assert 0.0 <= there <= 1.0
    assert there == pytest.approx(back)
    assert jensen_shannon(column(a), column(a)) == 0.0


def test_distributions_apart_are_one_bit_away() -> None:
    assert jensen_shannon(column([1.0, 2.0, 3.0]), column([7.0, 8.0])) == pytest.approx(1.0, abs=0.05)
    assert jensen_shannon(column([1.0]), column([float("nan")])) == pytest.approx(1.0)


def test_numbers_come_near_the_divergence_of_the_densities() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=50_000), rng.normal(1.0, 1.0, size=50_000)
    edges = np.linspace(-5, 6, 45)
    expected = jensenshannon(np.histogram(a, edges)[0], np.histogram(b, edges)[0], base=2) ** 2
    measured = jensen_shannon(column(a), column(b))
    assert measured == pytest.approx(expected, rel=0.15)
    same = jensen_shannon(column(a), column(rng.normal(size=50_000)))
    assert same is not None
    assert same < 0.001


def test_one_heavy_value_counts_whole() -> None:
    mostly = [0.0] * 900 + list(range(1, 101))
    moved = [5.0] * 900 + list(range(1, 101))
    measured = jensen_shannon(column(np.array(mostly)), column(np.array(moved)))
    assert measured is not None
    assert measured > 0.8


def test_nothing_to_compare_has_no_distance() -> None:
    empty = generate_statistics(dataset_from_table(pa.table({"x": pa.array([None], pa.string())})))["data"]["x"]
    assert linf(empty, column(["a"])) is None
    assert jensen_shannon(empty, column(["a"])) is None
    gone = generate_statistics(dataset_from_table(pa.table({"x": pa.array([None], pa.float64())})))["data"]["x"]
    assert jensen_shannon(gone, column([1.0])) is None


def test_numbers_have_no_linf() -> None:
    with pytest.raises(UsageError, match="jensen_shannon"):
        linf(column([1.0]), column([1.0]))
