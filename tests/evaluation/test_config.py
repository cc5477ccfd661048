from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest

import headrace.evaluation as package
from headrace.errors import UsageError
from headrace.evaluation import EvalConfig, Threshold


def test_thresholds_add_their_metrics() -> None:
    config = EvalConfig(
        metrics=["accuracy"],
        slices=["sex", ["sex", "race"]],
        thresholds={"auc": {"min": 0.9}},
        change_thresholds={"log_loss": {"max_change": 0.01}},
        slice_thresholds={"sex=Female": {"recall": Threshold(min=0.5)}},
    )
    assert config.metrics_of("binary_classification") == ("accuracy", "auc", "log_loss", "recall")
    assert config.slices == (("sex",), ("sex", "race"))
    assert config.thresholds == {"auc": Threshold(min=0.9)}
    assert pickle.loads(pickle.dumps(config)) == config


def test_defaults_are_the_usual_metrics_of_the_task() -> None:
    assert "auc" in EvalConfig().metrics_of("binary_classification")
    assert EvalConfig(thresholds={"mse": {"max": 1}}).metrics_of("regression")[-1] == "mse"
    assert EvalConfig().to_dict() == {}


def test_plain_values_make_the_same_settings() -> None:
    config = EvalConfig(
        metrics=["auc"],
        slices=[["sex"]],
        thresholds={"auc": {"min": 0.9}},
        slice_thresholds={"*": {"auc": {"min": 0.5}}},
        positive=">50K",
        decision_threshold=0.4,
    )
    assert EvalConfig(**config.to_dict()) == config


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metrics": ["acuracy"]}, "Did you mean 'accuracy'"),
        ({"metrics": "auc"}, r"Write \['auc'\]"),
        ({"metrics": [3]}, "register_metric"),
        ({"thresholds": {"ac": {"min": 1}}}, "Did you mean 'auc'"),
        ({"thresholds": {"auc": {"minimum": 1}}}, "Did you mean 'min'"),
        ({"thresholds": {"auc": 0.9}}, "mapping such as"),
        ({"thresholds": [0.9]}, "mapping such as"),
        ({"thresholds": {"auc": {"min": "high"}}}, "bound is a number"),
        ({"thresholds": {"auc": {"min": 0.9, "max": 0.1}}}, "not above"),
        ({"task": "ranking"}, "task is known"),
        ({"task": "regression", "metrics": ["auc"]}, "metric of regression"),
        ({"slices": [[]]}, "one or more different columns"),
        ({"slices": [["sex", "sex"]]}, "one or more different columns"),
        ({"slices": ["sex"], "slice_thresholds": {"sx=F": {"auc": {"min": 0.1}}}}, "Did you mean 'sex'"),
        ({"decision_threshold": 2}, "decision_threshold lies between"),
        ({"min_slice_rows": 0}, "at least 1"),
    ],
)
def test_errors_say_what_to_do(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EvalConfig(**given)


def test_metrics_of_another_task() -> None:
    with pytest.raises(UsageError, match="metric of regression"):
        EvalConfig(metrics=["auc"]).metrics_of("regression")


def test_import_is_light() -> None:
    code = (
        "import sys, headrace.evaluation as e; e.EvalConfig(metrics=['auc'], slices=['a'])\n"
        "print({'numpy', 'pyarrow', 'onnx', 'onnxruntime'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_public_names_exist() -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
