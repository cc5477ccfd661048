from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import EvaluationError
from headrace.metrics import Examples, MetricSettings, MulticlassScores, MulticlassSums, get_metric, metric_names

SETTINGS = MetricSettings(task="multiclass_classification", num_classes=4)


def data(seed: int, rows: int = 400, classes: int = 4) -> Examples:
    generator = np.random.default_rng(seed)
    label = generator.integers(0, classes, rows)
    logits = generator.normal(size=(rows, classes))
    logits[np.arange(rows), label] += 1
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Examples(label.astype(float), probabilities, generator.random(rows) if seed % 2 else None)


@pytest.mark.parametrize("seed", [2, 3])
def test_values_are_scikit_learns(seed: int) -> None:
    examples = data(seed)
    label, prediction, weight = examples.label, examples.prediction, examples.weight
    called = prediction.argmax(axis=1)
    sums, scores = MulticlassSums(SETTINGS), MulticlassScores(SETTINGS)
    sums.update(examples)
    scores.update(examples)
    expected = {
        "accuracy": sk.accuracy_score(label, called, sample_weight=weight),
        "log_loss": sk.log_loss(label, prediction, sample_weight=weight),
        "precision": sk.precision_score(label, called, average="macro", sample_weight=weight),
        "recall": sk.recall_score(label, called, average="macro", sample_weight=weight),
        "f1": sk.f1_score(label, called, average="macro", sample_weight=weight),
        "weighted_precision": sk.precision_score(label, called, average="weighted", sample_weight=weight),
        "weighted_recall": sk.recall_score(label, called, average="weighted", sample_weight=weight),
        "weighted_f1": sk.f1_score(label, called, average="weighted", sample_weight=weight),
        "balanced_accuracy": sk.balanced_accuracy_score(label, called, sample_weight=weight),
    }
    for name, number in expected.items():
        found = get_metric(name, "multiclass_classification").value(sums).value
        assert found == pytest.approx(number, rel=1e-12), name
    auc = get_metric("auc", "multiclass_classification").value(scores).value
    by_class = [sk.roc_auc_score(label == at, prediction[:, at], sample_weight=weight) for at in range(4)]
    assert auc == pytest.approx(np.mean(by_class), abs=1e-12)
    if weight is None:
        assert auc == pytest.approx(sk.roc_auc_score(label, prediction, multi_class="ovr"), abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), cut=st.integers(1, 399))
def test_any_sharding_gives_the_same_bits(seed: int, cut: int) -> None:
    examples = data(seed)
    whole, left, right = (MulticlassSums(SETTINGS) for _ in range(3))
    whole.update(examples)
    left.update(examples.take(slice(0, cut)))
    right.update(examples.take(slice(cut, 400)))
    right.merge(left)
    for name in metric_names("multiclass_classification"):
        metric = get_metric(name, "multiclass_classification")
        if metric.needs is MulticlassSums:
            assert metric.value(right) == metric.value(whole), name


def test_a_class_that_is_absent_leaves_auc_undefined() -> None:
    scores = MulticlassScores(SETTINGS)
    scores.update(Examples(np.array([0.0, 1.0, 2.0]), np.full((3, 4), 0.25)))
    found = get_metric("auc", "multiclass_classification").value(scores)
    assert math.isnan(found.value)
    assert "3" in str(found.reason)


def test_number_of_probabilities() -> None:
    with pytest.raises(EvaluationError, match="4 classes"):
        MulticlassSums(SETTINGS).update(Examples(np.array([0.0]), np.full((1, 3), 1 / 3)))
