from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.transform.accumulators import (
    Analyzer,
    IdCounts,
    ModeAnalyzer,
    Part,
    SumAnalyzer,
    WeightedQuantilesAnalyzer,
)
from headrace.transform.covariances import CovarianceAnalyzer, principal_components
from headrace.transform.exact_sums import as_float, exact_total, exact_totals
from headrace.transform.keyed import KeyCounts, MomentsPerKey, QuantilesPerKey, TargetSums
from headrace.transform.powers import PowerAnalyzer, PowerRefinement, powered
from headrace.transform.tukey import TukeyAnalyzer


def folded(analyzer: Analyzer, columns: list[np.ndarray[Any, Any]], cuts: list[int], *, backwards: bool) -> Any:
    edges = [0, *sorted(min(cut, len(columns[0])) for cut in cuts), len(columns[0])]
    parts: list[Part] = []
    for low, high in pairwise(edges):
        part = analyzer.part()
        part.update(*(column[low:high] for column in columns))
        parts.append(part)
    total = analyzer.part()
    for part in reversed(parts) if backwards else parts:
        total.merge(part)
    return total.result()


CUTS = st.lists(st.integers(0, 60), max_size=5)
FLOATS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
WIDE = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40)


@settings(deadline=None)
@given(WIDE, CUTS, st.booleans())
def test_sums_are_exact(numbers: list[float], cuts: list[int], backwards: bool) -> None:
    try:
        expected = math.fsum(numbers)
    except OverflowError:
        return
    assert as_float(exact_total(np.array(numbers))) == expected
    if numbers:
        assert folded(SumAnalyzer(), [np.array(numbers)], cuts, backwards=backwards) == expected


def test_sums_with_infinities() -> None:
    for values, expected in (([1.0, np.inf], np.inf), ([-np.inf, 2.0], -np.inf), ([np.inf, -np.inf], np.nan)):
        np.testing.assert_equal(folded(SumAnalyzer(), [np.array(values)], [1], backwards=False), expected)


@settings(deadline=None)
@given(WIDE, st.integers(1, 5))
def test_sums_by_group(numbers: list[float], groups: int) -> None:
    codes = np.arange(len(numbers)) % groups
    values = np.array(numbers)
    totals = exact_totals(codes, values, groups)
    assert totals == [exact_total(values[codes == group]) for group in range(groups)]


@settings(deadline=None)
@given(FLOATS, CUTS, st.booleans(), st.integers(1, 4))
def test_moments_of_each_key_are_numpys(numbers: list[float], cuts: list[int], backwards: bool, keys: int) -> None:
    values = np.array(numbers)
    key = np.array([f"k{at % keys}" for at in range(values.size)], dtype=object)
    found = folded(MomentsPerKey(), [values, key], cuts, backwards=backwards)
    assert found["keys"] == sorted(set(key))
    for at, name in enumerate(found["keys"]):
        own = values[key == name]
        scale = np.abs(own).max() + 1e-300
        assert found["count"][at] == own.size
        assert found["mean"][at] == pytest.approx(own.mean(), rel=1e-12, abs=1e-12 * scale)
        assert found["var"][at] == pytest.approx(own.var(), rel=1e-9, abs=1e-12 * scale * scale)
        assert (found["min"][at], found["max"][at]) == (own.min(), own.max())


@settings(deadline=None, max_examples=30)
@given(FLOATS, CUTS, st.booleans(), st.integers(2, 5))
def test_quantiles_of_each_key_are_numpys(numbers: list[float], cuts: list[int], backwards: bool, buckets: int) -> None:
    values = np.array(numbers)
    key = np.arange(values.size) % 3
    found = folded(QuantilesPerKey(buckets), [values, key], cuts, backwards=backwards)
    for name, boundaries in zip(found["keys"], found["boundaries"], strict=True):
        expected = np.quantile(values[key == int(name)], np.arange(1, buckets) / buckets)
        np.testing.assert_allclose(boundaries, expected, rtol=1e-9, atol=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 9)), min_size=1, max_size=60), CUTS, st.booleans())
def test_weighted_quantiles_are_numpys(pairs: list[tuple[int, int]], cuts: list[int], backwards: bool) -> None:
    values, weights = np.array(pairs, dtype=np.float64).T
    found = folded(WeightedQuantilesAnalyzer(4), [values, weights], cuts, backwards=backwards)
    if not weights.any():
        assert found is None
        return
    expected = np.quantile(values, [0.25, 0.5, 0.75], weights=weights, method="inverted_cdf")
    assert found == expected.tolist()


@settings(deadline=None)
@given(st.lists(st.integers(-3, 12), min_size=1, max_size=60), CUTS, st.booleans())
def test_counts(ids: list[int], cuts: list[int], backwards: bool) -> None:
    values = np.array(ids)
    counts = folded(IdCounts(), [values], cuts, backwards=backwards)
    assert counts == [ids.count(at) for at in range(max(max(ids) + 1, 0))]
    mode = folded(ModeAnalyzer(), [values], cuts, backwards=backwards)
    most = max(ids.count(value) for value in ids)
    assert mode == {"value": min(value for value in ids if ids.count(value) == most), "count": most}
    keyed = folded(KeyCounts(integers=True), [values], cuts, backwards=backwards)
    assert keyed == {"keys": sorted(set(ids)), "count": [ids.count(value) for value in sorted(set(ids))]}
    as_texts = folded(KeyCounts(), [values], cuts, backwards=backwards)
    assert as_texts["keys"] == sorted({str(value) for value in ids})


@settings(deadline=None)
@given(FLOATS, CUTS, st.booleans())
def test_target_sums(numbers: list[float], cuts: list[int], backwards: bool) -> None:
    labels = np.array(numbers)
    key = np.array(["a", "", "b"], dtype=object)[np.arange(labels.size) % 3]
    missing, fold = key == "", np.arange(labels.size) % 2
    found = folded(TargetSums(2), [key, missing, labels, fold], cuts, backwards=backwards)
    for at, name in enumerate([*found["keys"], ""]):
        for each in range(2):
            own = labels[(key == name) & (fold == each)]
            assert found["counts"][at][each] == own.size
            assert found["sums"][at][each] == math.fsum(own)


@settings(deadline=None)
@given(st.integers(0, 10**6), CUTS, st.booleans())
def test_covariance_is_numpys(seed: int, cuts: list[int], backwards: bool) -> None:
    rows = np.random.default_rng(seed).normal(1e6, 1.0, (40, 3))
    found = folded(CovarianceAnalyzer(), [rows], cuts, backwards=backwards)
    np.testing.assert_allclose(found["covariance"], np.cov(rows.T, bias=True), rtol=1e-9, atol=1e-12 * 1e6)
    np.testing.assert_allclose(found["mean"], rows.mean(axis=0), rtol=1e-12)


def test_principal_components_are_orthonormal_and_ordered() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 4)) * [1.0, 5.0, 2.0, 0.1]
    covariance = np.cov(rows.T, bias=True)
    vectors, variances = principal_components(covariance, 3)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(covariance @ vectors, vectors * variances, atol=1e-12)
    assert sorted(variances, reverse=True) == list(variances)
    assert (vectors[np.argmax(np.abs(vectors), axis=0), range(3)] > 0).all()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), CUTS, st.booleans())
def test_shapes_do_not_depend_on_cuts(seed: int, cuts: list[int], backwards: bool) -> None:
    values = np.random.default_rng(seed).standard_t(3, 60)
    for analyzer in (TukeyAnalyzer(), PowerAnalyzer("yeo-johnson")):
        assert folded(analyzer, [values], cuts, backwards=backwards) == folded(analyzer, [values], [], backwards=False)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), CUTS, st.booleans(), st.sampled_from(["yeo-johnson", "box-cox"]))
def test_powers_are_refined_to_the_maximum(seed: int, cuts: list[int], backwards: bool, method: Any) -> None:
    values = np.random.default_rng(seed).lognormal(size=60)
    exact = folded(PowerAnalyzer(method), [values], [], backwards=False)["exponent"]
    about = np.full(60, exact + 0.013)
    found = folded(PowerRefinement(method), [values, about], cuts, backwards=backwards)
    assert found["exponent"] == pytest.approx(exact, abs=1e-7)
    moved = powered(values, found["exponent"], method)
    assert (found["mean"], found["var"]) == pytest.approx((moved.mean(), moved.var()), rel=1e-9)


@pytest.mark.parametrize(
    "analyzer", [MomentsPerKey(), QuantilesPerKey(3), TargetSums(2), CovarianceAnalyzer(), KeyCounts()]
)
def test_nothing_seen(analyzer: Any) -> None:
    nothing = np.zeros(0)
    columns: dict[str, list[np.ndarray[Any, Any]]] = {
        "covariance": [np.zeros((0, 2))],
        "count_per_key": [nothing],
        "target_encode": [nothing.astype(object), nothing.astype(bool), nothing, nothing.astype(np.int64)],
    }
    looked_at = columns.get(analyzer.name, [nothing, nothing.astype(object)])
    assert folded(analyzer, looked_at, [0], backwards=False) is None
