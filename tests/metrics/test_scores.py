from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from headrace.metrics import Examples, MetricSettings, ScoreCounts, roc_auc

Floats = npt.NDArray[np.float64]


def folded(label: Floats, score: Floats, bounds: list[int], order: list[int], limit: int) -> ScoreCounts:
    settings = MetricSettings(max_distinct_scores=limit)
    edges = [0, *sorted(bounds), len(label)]
    parts = []
    for start, stop in pairwise(edges):
        part = ScoreCounts(settings)
        if stop > start:
            part.update(Examples(label[start:stop], score[start:stop]))
        parts.append(part)
    total = ScoreCounts(settings)
    for at in sorted(range(len(parts)), key=lambda at: order[at % len(order)]):
        total.merge(parts[at])
    return total


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    bounds=st.lists(st.integers(0, 400), max_size=6),
    order=st.permutations(range(8)),
    limit=st.sampled_from([64, 100, 390, 1000]),
)
def test_any_sharding_and_order_give_the_same_counts(
    seed: int, bounds: list[int], order: list[int], limit: int
) -> None:
    generator = np.random.default_rng(seed)
    label = (generator.random(400) < 0.3).astype(float)
    score = generator.normal(size=400) if seed % 2 else generator.random(400).astype(np.float32).astype(float)
    whole = ScoreCounts(MetricSettings(max_distinct_scores=limit))
    whole.update(Examples(label, score))
    expected, found = whole.table(), folded(label, score, bounds, list(order), limit).table()
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.positives, expected.positives)
    np.testing.assert_array_equal(found.negatives, expected.negatives)
    assert found.exact == expected.exact == (limit >= 400)
    assert len(found.scores) <= limit


@pytest.mark.parametrize("limit", [64, 500, 5000])
def test_compressed_auc_lies_within_its_bound(limit: int) -> None:
    generator = np.random.default_rng(3)
    label = (generator.random(20_000) < 0.2).astype(float)
    score = np.clip(generator.beta(2, 5, 20_000) + 0.2 * label, 0, 1)
    counts = ScoreCounts(MetricSettings(max_distinct_scores=limit))
    counts.update(Examples(label, score))
    found = roc_auc(counts.table())
    assert found.error_bound is not None
    assert 0 < abs(found.value - roc_auc_score(label, score)) <= found.error_bound < 0.05


def test_both_zeros_are_one_score() -> None:
    counts = ScoreCounts(MetricSettings())
    counts.update(Examples(np.array([0.0, 1.0]), np.array([-0.0, 0.0])))
    assert counts.table().scores.tolist() == [0.0]


def test_travels() -> None:
    counts = ScoreCounts(MetricSettings())
    counts.update(Examples(np.array([0.0, 1.0]), np.array([0.25, 0.5]), np.array([2.0, 3.0])))
    table = pickle.loads(pickle.dumps(counts)).table()
    assert table.positives.tolist() == [0.0, 3.0]
    assert table.negatives_squared.tolist() == [4.0, 0.0]
