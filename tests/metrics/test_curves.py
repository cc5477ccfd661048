from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from headrace.metrics import (
    Examples,
    MetricSettings,
    ScoreCounts,
    ScoreTable,
    average_precision,
    pr_points,
    roc_auc,
    roc_points,
)

Floats = npt.NDArray[np.float64]


def table_of(label: Floats, score: Floats, weight: Floats | None = None) -> ScoreTable:
    counts = ScoreCounts(MetricSettings())
    counts.update(Examples(label, score, weight))
    return counts.table()


def delong_variance(label: Floats, score: Floats) -> float:
    """Compute the structural components pair by pair, as the paper defines them."""
    positive, negative = score[label == 1], score[label == 0]
    wins = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    v10, v01 = wins.mean(axis=1), wins.mean(axis=0)
    return float(v10.var(ddof=1) / len(positive) + v01.var(ddof=1) / len(negative))


CASES = st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 5)), min_size=2, max_size=80)


@settings(deadline=None, max_examples=200)
@given(cases=CASES, weighted=st.booleans())
def test_areas_are_scikit_learns(cases: list[tuple[bool, int, int]], weighted: bool) -> None:
    label, score, weight = (np.array(column, dtype=float) for column in zip(*cases, strict=True))
    score = score / 30
    weights = weight if weighted else None
    table = table_of(label, score, weights)
    used = np.ones_like(weight) if weights is None else weight
    if not (used[label == 1].sum() > 0 and used[label == 0].sum() > 0):
        found = roc_auc(table)
        assert math.isnan(found.value)
        assert found.reason is not None
        assert math.isnan(average_precision(table).value)
        return
    assert roc_auc(table).value == pytest.approx(roc_auc_score(label, score, sample_weight=weights), abs=1e-12)
    assert average_precision(table).value == pytest.approx(
        average_precision_score(label, score, sample_weight=weights), abs=1e-12
    )


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), steps=st.sampled_from([3, 20, 100_000]))
def test_interval_is_delongs(seed: int, steps: int) -> None:
    generator = np.random.default_rng(seed)
    label = (generator.random(120) < 0.4).astype(float)
    score = np.round((generator.normal(size=120) + label) * steps) / steps
    found = roc_auc(table_of(label, score))
    spread = 1.959963984540054 * math.sqrt(delong_variance(label, score))
    assert found.lower == pytest.approx(max(0.0, found.value - spread), abs=1e-12)
    assert found.upper == pytest.approx(min(1.0, found.value + spread), abs=1e-12)


def test_interval_agrees_with_the_bootstrap() -> None:
    generator = np.random.default_rng(0)
    label = (generator.random(600) < 0.3).astype(float)
    score = generator.normal(size=600) + label
    weight = generator.integers(1, 4, 600).astype(float)
    for weights in (None, weight):
        areas = []
        for _ in range(400):
            rows = generator.integers(0, 600, 600)
            areas.append(roc_auc(table_of(label[rows], score[rows], None if weights is None else weights[rows])).value)
        found = roc_auc(table_of(label, score, weights))
        assert found.lower is not None
        assert found.upper is not None
        assert (found.upper - found.lower) / 3.92 == pytest.approx(np.std(areas), rel=0.15)


def test_average_precision_interval_covers() -> None:
    generator = np.random.default_rng(1)
    big = 200_000
    label = (generator.random(big) < 0.3).astype(float)
    score = generator.normal(size=big) + label
    truth = average_precision(table_of(label, score)).value
    inside = 0
    for _ in range(200):
        rows = generator.integers(0, big, 400)
        found = average_precision(table_of(label[rows], score[rows]))
        assert found.lower is not None
        assert found.upper is not None
        inside += found.lower <= truth <= found.upper
    assert inside >= 180


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_is_undefined_with_a_reason(label: float) -> None:
    found = roc_auc(table_of(np.full(3, label), np.array([0.1, 0.2, 0.3])))
    assert math.isnan(found.value)
    assert "no negative" in str(found.reason) if label else "no positive" in str(found.reason)
    assert roc_points(table_of(np.full(3, label), np.array([0.1, 0.2, 0.3]))) == []


def test_curves_have_few_points_and_their_ends() -> None:
    generator = np.random.default_rng(2)
    label = (generator.random(5000) < 0.3).astype(float)
    table = table_of(label, generator.random(5000) / 2 + label / 4)
    roc = roc_points(table)
    assert len(roc) <= 200
    assert roc[0] == (0.0, 0.0, math.inf)
    assert roc[-1][:2] == (1.0, 1.0)
    assert [point[0] for point in roc] == sorted(point[0] for point in roc)
    drawn: Any = np.trapezoid([y for _, y, _ in roc], [x for x, _, _ in roc])
    assert drawn == pytest.approx(roc_auc(table).value, abs=0.01)
    recall_precision = pr_points(table)
    assert 2 < len(recall_precision) <= 200
    assert recall_precision[-1][:2] == pytest.approx((1.0, label.mean()))
