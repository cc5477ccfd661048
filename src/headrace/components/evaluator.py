"""Evaluation: metrics by slice, comparison with the last blessed model, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.components.artifacts import Examples, Model, ModelEvaluation
from headrace.components.place import registry_here
from headrace.pipeline import component

if TYPE_CHECKING:
    from headrace.evaluation import EvalConfig

__all__ = ["evaluator"]


@component
def evaluator(
    examples: Examples,
    model: Model,
    config: EvalConfig,
    *,
    split: str = "eval",
    baseline: str | None = None,
) -> ModelEvaluation:
    """Evaluate a model on raw examples, through the very file that is served.

    Parameters
    ----------
    examples
        Raw, not transformed.
    model
        What to evaluate.
    config
        Metrics, slices and thresholds.
    split
        Which split to evaluate on.
    baseline
        Name of a published model; its newest blessed version is evaluated on the same rows, for the thresholds of
        change. It does not count as an input: a verdict that was reached stands although a version was pushed since.

    Raises
    ------
    EvaluationError
        If a metric cannot be computed on this data.
    """
    from headrace.evaluation import run_model_analysis

    data = examples.split(split)
    last = None if baseline is None else registry_here().newest_blessed(baseline)
    earlier = None if last is None else run_model_analysis(last.path, data, config)
    result = run_model_analysis(model.path, data, config, baseline=earlier)
    measured = result.overall.metrics
    evaluation = ModelEvaluation.create()
    result.save(evaluation.path / "evaluation.json")
    evaluation.properties |= {
        "blessed": result.blessed,
        "split": split,
        "baseline": None if last is None else str(last),
        "metrics": {name: metric.value for name, metric in measured.items()},
        "intervals": {name: [metric.lower, metric.upper] for name, metric in measured.items()},
    }
    return evaluation
