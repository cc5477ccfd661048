"""The metrics that settings can name: ours, and those that users add."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from headrace.errors import EvaluationError, did_you_mean
from headrace.metrics.base import TASKS

if TYPE_CHECKING:
    from headrace.metrics.base import Metric, Task

__all__ = ["default_metrics", "get_metric", "metric_names", "register_metric"]

# Names are listed apart from the code, so that settings are checked without loading NumPy.
_BUILT_IN: dict[Task, tuple[str, tuple[str, ...]]] = {
    "binary_classification": (
        "headrace.metrics.binary",
        (
            "auc", "pr_auc", "accuracy", "precision", "recall", "f1", "specificity", "false_positive_rate",
            "false_negative_rate", "balanced_accuracy", "matthews_correlation", "log_loss", "brier_score",
            "calibration", "calibration_error", "prevalence", "predicted_positive_rate", "mean_label",
            "mean_prediction", "true_positives", "false_positives", "true_negatives", "false_negatives",
            "example_count", "weighted_example_count",
        ),
    ),
    "multiclass_classification": (
        "headrace.metrics.multiclass",
        (
            "auc", "accuracy", "log_loss", "precision", "recall", "f1", "weighted_precision", "weighted_recall",
            "weighted_f1", "balanced_accuracy", "example_count", "weighted_example_count",
        ),
    ),
    "regression": (
        "headrace.metrics.regression",
        (
            "rmse", "mse", "mae", "r2", "mean_error", "mean_label", "mean_prediction", "example_count",
            "weighted_example_count",
        ),
    ),
}  # fmt: skip

_DEFAULTS: dict[Task, tuple[str, ...]] = {
    "binary_classification": ("auc", "pr_auc", "accuracy", "log_loss", "precision", "recall", "f1", "calibration"),
    "multiclass_classification": ("accuracy", "log_loss", "auc", "precision", "recall", "f1"),
    "regression": ("rmse", "mae", "r2", "mean_error"),
}

_added: dict[tuple[Task, str], Metric] = {}


def metric_names(task: Task | None = None) -> tuple[str, ...]:
    """Return the names of all metrics, or of those that are defined for a task."""
    tasks = TASKS if task is None else (task,)
    names = [name for one in tasks for name in _BUILT_IN[one][1]]
    names += [name for one, name in _added if one in tasks]
    return tuple(dict.fromkeys(names))


def default_metrics(task: Task) -> tuple[str, ...]:
    """Return the metrics that are computed where none are named."""
    return _DEFAULTS[task]


def get_metric(name: str, task: Task) -> Metric:
    """Return the metric of that name.

    Raises
    ------
    EvaluationError
        If there is none for the task.
    """
    if (task, name) in _added:
        return _added[task, name]
    module, names = _BUILT_IN[task]
    if name not in names:
        raise EvaluationError(
            f"A metric of {task.replace('_', ' ')} is wanted", got=name, fix=did_you_mean(name, metric_names(task))
        )
    found: dict[str, Metric] = {metric.name: metric for metric in import_module(module).METRICS}
    return found[name]


def register_metric(metric: Metric) -> None:
    """Make a metric of your own available under its name, for the tasks that it is defined for.

    Raises
    ------
    EvaluationError
        If the name is taken by another metric.
    """
    for task in metric.tasks:
        if task not in TASKS:
            raise EvaluationError("A metric's tasks are known ones", got=task, fix=did_you_mean(task, TASKS))
        if metric.name in _BUILT_IN[task][1] or _added.get((task, metric.name), metric) is not metric:
            raise EvaluationError("A metric has a name of its own", got=metric.name, fix="Choose another name")
    for task in metric.tasks:
        _added[task, metric.name] = metric
