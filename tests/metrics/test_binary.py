from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import EvaluationError
from headrace.metrics import BinarySums, Examples, MetricSettings, MetricValue, ScoreCounts, get_metric, metric_names

Floats = npt.NDArray[np.float64]


def data(seed: int, rows: int = 500) -> tuple[Floats, Floats, Floats]:
    generator = np.random.default_rng(seed)
    label = (generator.random(rows) < 0.3).astype(float)
    prediction = np.clip(generator.beta(2, 3, rows) + 0.2 * label, 0, 1)
    return label, prediction, generator.random(rows) * 3


def value(name: str, state: BinarySums) -> MetricValue:
    return get_metric(name, "binary_classification").value(state)


@pytest.mark.parametrize("weighted", [False, True])
def test_values_are_scikit_learns(weighted: bool) -> None:
    label, prediction, weight = data(1)
    weights = weight if weighted else None
    state = BinarySums(MetricSettings())
    state.update(Examples(label, prediction, weights))
    called = prediction > 0.5
    expected = {
        "accuracy": sk.accuracy_score(label, called, sample_weight=weights),
        "precision": sk.precision_score(label, called, sample_weight=weights),
        "recall": sk.recall_score(label, called, sample_weight=weights),
        "f1": sk.f1_score(label, called, sample_weight=weights),
        "specificity": sk.recall_score(1 - label, ~called, sample_weight=weights),
        "balanced_accuracy": sk.balanced_accuracy_score(label, called, sample_weight=weights),
        "matthews_correlation": sk.matthews_corrcoef(label, called, sample_weight=weights),
        "log_loss": sk.log_loss(label, prediction, sample_weight=weights),
        "brier_score": sk.brier_score_loss(label, prediction, sample_weight=weights),
        "calibration": np.average(prediction, weights=weights) / np.average(label, weights=weights),
        "prevalence": np.average(label, weights=weights),
        "mean_prediction": np.average(prediction, weights=weights),
        "example_count": 500,
        "weighted_example_count": 500 if weights is None else weight.sum(),
    }
    for name, number in expected.items():
        found = value(name, state)
        assert found.value == pytest.approx(number, rel=1e-12), name
        if found.lower is not None and found.upper is not None:
            assert found.lower <= found.value <= found.upper


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 1000), bounds=st.lists(st.integers(0, 500), max_size=6), weighted=st.booleans())
def test_any_sharding_gives_the_same_bits(seed: int, bounds: list[int], weighted: bool) -> None:
    label, prediction, weight = data(seed)
    examples = Examples(label, prediction, weight if weighted else None)
    whole = BinarySums(MetricSettings())
    whole.update(examples)
    edges = [0, *sorted(bounds), 500]
    total = BinarySums(MetricSettings())
    for start, stop in reversed(list(pairwise(edges))):
        part = BinarySums(MetricSettings())
        if stop > start:
            part.update(examples.take(slice(start, stop)))
        total.merge(part)
    for name in metric_names("binary_classification"):
        if get_metric(name, "binary_classification").needs is BinarySums:
            assert value(name, total) == value(name, whole), name
    assert total.calibration_curve() == whole.calibration_curve()


def test_calibration_error_by_hand() -> None:
    label, prediction, _ = data(4)
    state = BinarySums(MetricSettings(calibration_bins=7))
    state.update(Examples(label, prediction))
    bins = np.minimum((prediction * 7).astype(int), 6)
    expected = sum(
        (bins == at).mean() * abs(prediction[bins == at].mean() - label[bins == at].mean())
        for at in range(7)
        if (bins == at).any()
    )
    assert value("calibration_error", state).value == pytest.approx(expected, rel=1e-12)
    curve = state.calibration_curve()
    assert sum(one.weight for one in curve) == 500
    assert all(one.low <= one.mean_prediction <= one.high for one in curve)


def test_interval_of_log_loss_is_the_normal_one() -> None:
    label, prediction, _ = data(5)
    state = BinarySums(MetricSettings())
    state.update(Examples(label, prediction))
    losses = -np.log(np.where(label == 1, prediction, 1 - prediction))
    spread = 1.959963984540054 * losses.std(ddof=1) / math.sqrt(500)
    found = value("log_loss", state)
    assert found.lower == pytest.approx(found.value - spread, rel=1e-9)
    assert found.upper == pytest.approx(found.value + spread, rel=1e-9)


def test_certain_and_wrong_is_finite() -> None:
    state = BinarySums(MetricSettings())
    state.update(Examples(np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    assert value("log_loss", state).value == pytest.approx(sk.log_loss([1, 0], [0.0, 1.0]))


def test_undefined_values_say_why() -> None:
    state = BinarySums(MetricSettings())
    for name in ("accuracy", "precision", "recall", "f1", "log_loss", "calibration", "calibration_error"):
        found = value(name, state)
        assert math.isnan(found.value)
        assert found.reason
    state.update(Examples(np.zeros(3), np.full(3, 0.1)))
    assert "positive" in str(value("recall", state).reason)
    assert "called positive" in str(value("precision", state).reason)
    assert value("accuracy", state).value == 1.0


def test_a_prediction_that_is_no_probability() -> None:
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        BinarySums(MetricSettings()).update(Examples(np.array([1.0]), np.array([1.5])))


def test_auc_reads_counts() -> None:
    label, prediction, _ = data(6)
    counts = ScoreCounts(MetricSettings())
    counts.update(Examples(label, prediction))
    assert get_metric("auc", "binary_classification").value(counts).value == pytest.approx(
        sk.roc_auc_score(label, prediction), abs=1e-12
    )
