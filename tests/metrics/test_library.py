from __future__ import annotations

import pickle
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

import headrace.metrics as package
from headrace.errors import EvaluationError
from headrace.metrics import TASKS, Metric, MetricSettings, MetricValue, get_metric, metric_names, register_metric
from headrace.metrics import library as library_module

if TYPE_CHECKING:
    from headrace.metrics import Examples, Task
    from headrace.metrics.base import Direction


@pytest.mark.parametrize("task", TASKS)
def test_listed_names_are_those_that_exist(task: Task) -> None:
    module, names = library_module._BUILT_IN[task]
    metrics = import_module(module).METRICS
    assert tuple(sorted(names)) == tuple(sorted(metric.name for metric in metrics))
    for metric in metrics:
        assert isinstance(metric, Metric)
        assert pickle.loads(pickle.dumps(metric)) == metric


def test_unknown_names_are_corrected() -> None:
    with pytest.raises(EvaluationError, match="Did you mean 'accuracy'"):
        get_metric("acuracy", "binary_classification")


class CountState:
    def __init__(self, settings: MetricSettings) -> None:
        self.high = 0

    def update(self, examples: Examples) -> None:
        self.high += int((examples.prediction > 0.9).sum())

    def merge(self, other: CountState) -> None:
        self.high += other.high


class High:
    name: str = "very_sure"
    tasks: tuple[Task, ...] = ("binary_classification",)
    direction: Direction = "neither"
    needs = CountState

    def value(self, state: Any) -> MetricValue:
        return MetricValue(float(state.high))


def test_a_metric_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_module, "_added", {})
    metric = High()
    register_metric(metric)
    register_metric(metric)
    assert get_metric("very_sure", "binary_classification") is metric
    assert "very_sure" in metric_names("binary_classification")
    assert "very_sure" not in metric_names("regression")
    with pytest.raises(EvaluationError, match="name of its own"):
        register_metric(High())
    monkeypatch.setattr(High, "name", "auc")
    with pytest.raises(EvaluationError, match="name of its own"):
        register_metric(metric)


def test_public_names_exist() -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_import_is_light() -> None:
    code = "import sys, headrace.metrics; print({'numpy', 'pyarrow'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
