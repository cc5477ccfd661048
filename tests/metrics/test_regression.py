from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.metrics import Examples, MetricSettings, RegressionSums, get_metric, metric_names

Floats = npt.NDArray[np.float64]
SETTINGS = MetricSettings(task="regression")


def data(seed: int, offset: float = 0.0) -> tuple[Floats, Floats, Floats]:
    generator = np.random.default_rng(seed)
    label = generator.normal(size=300) * 10 + offset
    return label, label + generator.normal(size=300), generator.random(300) * 2


def state_of(examples: Examples) -> RegressionSums:
    state = RegressionSums(SETTINGS)
    state.update(examples)
    return state


@pytest.mark.parametrize("weighted", [False, True])
def test_values_are_scikit_learns(weighted: bool) -> None:
    label, prediction, weight = data(0)
    weights = weight if weighted else None
    state = state_of(Examples(label, prediction, weights))
    expected = {
        "rmse": sk.root_mean_squared_error(label, prediction, sample_weight=weights),
        "mse": sk.mean_squared_error(label, prediction, sample_weight=weights),
        "mae": sk.mean_absolute_error(label, prediction, sample_weight=weights),
        "r2": sk.r2_score(label, prediction, sample_weight=weights),
        "mean_error": np.average(prediction - label, weights=weights),
        "mean_label": np.average(label, weights=weights),
        "mean_prediction": np.average(prediction, weights=weights),
    }
    for name, number in expected.items():
        found = get_metric(name, "regression").value(state)
        assert found.value == pytest.approx(number, rel=1e-12), name
        if found.lower is not None and found.upper is not None:
            assert found.lower < found.value < found.upper


@pytest.mark.parametrize("weighted", [False, True])
def test_r_squared_holds_far_from_zero(weighted: bool) -> None:
    label, prediction, weight = data(1, offset=1e9)
    weights = weight if weighted else None
    found = get_metric("r2", "regression").value(state_of(Examples(label, prediction, weights)))
    assert found.value == pytest.approx(sk.r2_score(label, prediction, sample_weight=weights), rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), cut=st.integers(1, 299), weighted=st.booleans())
def test_any_sharding_gives_the_same_bits(seed: int, cut: int, weighted: bool) -> None:
    label, prediction, weight = data(seed)
    examples = Examples(label, prediction, weight if weighted else None)
    whole = state_of(examples)
    parts = state_of(examples.take(slice(cut, 300)))
    parts.merge(state_of(examples.take(slice(0, cut))))
    for name in metric_names("regression"):
        metric = get_metric(name, "regression")
        assert metric.value(parts) == metric.value(whole), name


def test_undefined_values_say_why() -> None:
    empty = RegressionSums(SETTINGS)
    assert get_metric("rmse", "regression").value(empty).reason
    constant = state_of(Examples(np.full(3, 7.0), np.array([1.0, 2.0, 3.0])))
    found = get_metric("r2", "regression").value(constant)
    assert math.isnan(found.value)
    assert "differ" in str(found.reason)
