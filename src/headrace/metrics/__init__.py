"""Metrics of predictions that can be computed in parts and merged without a change in the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.metrics.base import TASKS, Examples, Metric, MetricSettings, MetricState, MetricValue, Task
from headrace.metrics.intervals import mean_interval, wilson
from headrace.metrics.library import default_metrics, get_metric, metric_names, register_metric

if TYPE_CHECKING:
    from headrace.metrics.binary import BinarySums, CalibrationBin
    from headrace.metrics.curves import average_precision, pr_points, roc_auc, roc_points
    from headrace.metrics.derived import Derived
    from headrace.metrics.exact import ExactSums
    from headrace.metrics.multiclass import MulticlassScores, MulticlassSums
    from headrace.metrics.regression import RegressionSums
    from headrace.metrics.scores import ScoreCounts, ScoreTable

__all__ = [
    "TASKS",
    "BinarySums",
    "CalibrationBin",
    "Derived",
    "ExactSums",
    "Examples",
    "Metric",
    "MetricSettings",
    "MetricState",
    "MetricValue",
    "MulticlassScores",
    "MulticlassSums",
    "RegressionSums",
    "ScoreCounts",
    "ScoreTable",
    "Task",
    "average_precision",
    "default_metrics",
    "get_metric",
    "mean_interval",
    "metric_names",
    "pr_points",
    "register_metric",
    "roc_auc",
    "roc_points",
    "wilson",
]

# These load NumPy.
_HOMES = {
    "BinarySums": "binary",
    "CalibrationBin": "binary",
    "Derived": "derived",
    "ExactSums": "exact",
    "MulticlassScores": "multiclass",
    "MulticlassSums": "multiclass",
    "RegressionSums": "regression",
    "ScoreCounts": "scores",
    "ScoreTable": "scores",
    "average_precision": "curves",
    "pr_points": "curves",
    "roc_auc": "curves",
    "roc_points": "curves",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"headrace.metrics.{_HOMES[name]}"), name)
    raise AttributeError(f"headrace.metrics has no {name!r}")
