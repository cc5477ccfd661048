from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from headrace.data import dataset_from_table
from headrace.statistics import FeatureStatistics, generate_statistics
from headrace.statistics.page import shift

if TYPE_CHECKING:
    from tests.conftest import CensusSource
    from tests.statistics.page.conftest import Everything


def _column(values: list[object], kind: pa.DataType | None = None) -> FeatureStatistics:
    table = pa.table({"x": pa.array(values, kind)})
    return generate_statistics(dataset_from_table(table))["data"]["x"]


@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1),
    st.lists(st.sampled_from(["a", "b", "d", None]), min_size=1),
)
def test_strings_are_compared_as_scipy_does(one: list[object], two: list[object]) -> None:
    keys = ["a", "b", "c", "d", None]
    expected = jensenshannon([one.count(key) for key in keys], [two.count(key) for key in keys], base=2) ** 2
    if all(value is None for value in one) or all(value is None for value in two):
        # Presence alone is then compared.
        expected = (
            jensenshannon(
                [one.count(None), len(one) - one.count(None)], [two.count(None), len(two) - two.count(None)], base=2
            )
            ** 2
        )
    assert shift(_column(one, pa.string()), _column(two, pa.string())) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1), st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_numbers_lie_between_nothing_and_all(one: list[object], two: list[object]) -> None:
    before, after = _column(one, pa.float64()), _column(two, pa.float64())
    moved = shift(before, after)
    assert moved is not None
    assert 0 <= moved <= 1
    assert shift(before, before) == pytest.approx(0, abs=1e-12)


def test_the_ends_of_the_scale() -> None:
    low, high = _column(list(range(100))), _column(list(range(1000, 1100)))
    assert shift(low, high) == pytest.approx(1, abs=0.03)
    assert shift(low, _column([str(value) for value in range(100)])) == 1
    assert shift(_column([True] * 9), _column([False] * 9)) == 1
    assert shift(_column(["a"]), _column([None], pa.string())) == 1
    assert shift(_column([], pa.int64()), low) is None
    # A later month has later moments, and that is no news.
    assert shift(_column([0], pa.timestamp("s")), _column([9**9], pa.timestamp("s"))) == 0


def test_ids_of_two_samples_do_not_drift(everything: Everything) -> None:
    both = everything("train", "test")
    moved = shift(both["train"]["id"], both["test"]["id"])
    assert moved == pytest.approx(0, abs=1e-12)


def test_a_changed_spelling_is_found_in_census(census_source: CensusSource) -> None:
    train = generate_statistics(census_source("adult.data"))["data"]
    test = generate_statistics(census_source("adult.test"))["data"]
    moved = {name: shift(train[name], test[name]) or 0.0 for name in train.names}
    assert moved.pop("income") == 1
    assert max(moved.values()) < 0.01
