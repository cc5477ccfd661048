from __future__ import annotations

import pytest

from headrace.errors import EvaluationError
from headrace.evaluation import EvalConfig, EvalResult, analyze_raw_data, compare_results

LABELS = [1, 0, 1, 0, 1, 0]
GROUPS = ["a", "a", "a", "b", "b", "b"]
GOOD = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3]
WORSE = [0.9, 0.1, 0.8, 0.2, 0.7, 0.75]


def result(prediction: list[float], baseline: EvalResult | None = None, **settings: object) -> EvalResult:
    data = {"label": LABELS, "prediction": prediction, "g": GROUPS}
    config = EvalConfig(metrics=["auc", "accuracy"], slices=["g"], **settings)  # type: ignore[arg-type]
    return analyze_raw_data(data, config, baseline=baseline)


def test_blessed_without_thresholds() -> None:
    assert result(GOOD).blessed
    assert result(GOOD).checks == ()


def test_bounds_count_as_met() -> None:
    assert result(GOOD, thresholds={"auc": {"min": 1.0, "max": 1.0}}).blessed
    found = result(WORSE, thresholds={"accuracy": {"min": 0.9}})
    assert not found.blessed
    assert str(found.checks[0]) == "accuracy (overall) is 0.833333, must be at least 0.9"


def test_a_metric_without_a_value_says_why() -> None:
    data = {"label": [0, 0], "prediction": [0.1, 0.9]}
    found = analyze_raw_data(data, EvalConfig(metrics=["auc"], thresholds={"auc": {"min": 0.6}}))
    assert str(found.checks[0]) == (
        "auc (overall) has no value, because AUC needs both classes; there are no positive examples, "
        "must be at least 0.6"
    )


def test_slice_thresholds() -> None:
    for key, oks in (("g=a", [True]), ("g=b", [False]), ("g", [True, False]), ("*", [True, False])):
        found = result(WORSE, slice_thresholds={key: {"accuracy": {"min": 0.9}}})
        assert [check.ok for check in found.checks] == oks, key
    absent = result(WORSE, slice_thresholds={"g=z": {"accuracy": {"min": 0.9}}})
    assert [(check.ok, check.note) for check in absent.checks] == [(False, "has no rows")]
    small = result(WORSE, slice_thresholds={"g": {"accuracy": {"min": 0.9}}}, min_slice_rows=4)
    assert small.blessed
    assert small.slices[0].metrics == {}


def test_change_against_a_baseline() -> None:
    good = result(GOOD)
    found = result(WORSE, good, change_thresholds={"accuracy": {"min_change": -0.2}, "auc": {"min_change": -0.005}})
    assert [check.ok for check in found.checks] == [True, False]
    assert found.checks[0].value == pytest.approx(-1 / 6)
    by_name = {(one.metric, one.slice): one.change for one in found.differences}
    assert by_name["accuracy", "g=a"] == 0
    assert by_name["accuracy", "g=b"] == pytest.approx(-1 / 3)
    assert EvalResult.from_dict(found.to_dict()) == found


def test_first_model_has_nothing_to_compare_with() -> None:
    found = result(GOOD, change_thresholds={"auc": {"min_change": 0.1}})
    assert found.blessed
    assert found.checks[0].note == "has no baseline"


def test_a_baseline_on_other_rows_is_refused() -> None:
    other = analyze_raw_data({"label": [1, 0], "prediction": [0.6, 0.4]}, EvalConfig(metrics=["auc"]))
    with pytest.raises(EvaluationError, match="same rows"):
        compare_results(result(GOOD), other)
    numbers = analyze_raw_data({"label": [1.0, 0.5], "prediction": [0.6, 0.4]})
    with pytest.raises(EvaluationError, match="same task"):
        compare_results(result(GOOD), numbers)
