"""Search: the parameters of an estimator that do best on the eval split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from headrace.components.artifacts import Examples, HyperParameters, TransformGraph
from headrace.errors import UsageError, did_you_mean
from headrace.pipeline import component, current_step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.data import Dataset
    from headrace.estimators import Estimator
    from headrace.metrics import Task
    from headrace.tuning import Domain

__all__ = ["tuner"]


@component
def tuner(
    transformed: Examples,
    graph: TransformGraph,
    estimator: Estimator,
    space: Mapping[str, Domain],
    *,
    metric: str | None = None,
    direction: Literal["maximize", "minimize"] | None = None,
    trials: int = 20,
    timeout: float | None = None,
    seed: int = 0,
    train_split: str = "train",
    eval_split: str = "eval",
    allow_shared: Sequence[str] = (),
) -> HyperParameters:
    """Search for the best parameters; a search that was killed goes on where it was.

    Parameters
    ----------
    transformed
        Features and label, as the transform made them.
    graph
        The transform that made them.
    estimator
        Its other parameters stay as they are.
    space
        Parameter → ``hr.uniform(low, high, log=False)``, ``hr.integer(low, high)`` or ``hr.choice(...)``.
    metric
        What is measured on the eval split: ``"auc"`` for two classes, ``"log_loss"`` for more, ``"rmse"`` for
        numbers, where nothing is said.
    direction
        Known for the usual metrics.
    trials
        How many to make in all.
    timeout
        Seconds after which no new trial begins.
    seed
        Of the sampler.
    train_split, eval_split
        What each trial learns from and is measured on.
    allow_shared
        Raw columns from which both the label and a feature may be computed.

    Raises
    ------
    UsageError
        If the space names a parameter that the estimator does not have, or the metric is not one of its task.
    LeakError
        If a feature is computed from what the label is computed from.
    EstimatorError
        If every trial failed.
    """
    from headrace.evaluation import EvalConfig
    from headrace.training import refuse_leaks
    from headrace.tuning import search

    known = estimator.get_params()
    for name in space:
        if name not in known:
            raise UsageError(
                f"A parameter of {type(estimator).__name__} is wanted",
                got=name,
                where="tuner",
                fix=did_you_mean(name, known),
            )
    described = graph.load()
    kept = {estimator.label, estimator.weight}
    features = estimator.features or [spec.name for spec in described.outputs if spec.name not in kept]
    refuse_leaks(described, features, label=estimator.label, weight=estimator.weight, allow_shared=allow_shared)
    specs = [spec for spec in described.outputs if spec.name in {*features, *kept}]
    learned_from, measured_on = transformed.split(train_split), transformed.split(eval_split)
    task = _task(estimator, measured_on)
    chosen = metric or _USUAL[task]
    EvalConfig(metrics=[chosen], task=task)
    aim = direction or _DIRECTIONS.get(chosen)
    if aim is None:
        raise UsageError(
            f"direction says whether {chosen!r} is to be maximized or minimized",
            where="tuner",
            fix='Write direction="maximize" or direction="minimize"',
        )

    def objective(params: dict[str, Any], _: object) -> float:
        fitted = estimator.clone(**params).fit(learned_from, specs, validation=measured_on)
        return _measure(fitted, measured_on, chosen)

    step = current_step()
    result = search(
        objective,
        space,
        trials=trials,
        direction=aim,
        storage=None if step is None else step.scratch / "trials.json",
        seed=seed,
        timeout=timeout,
    )
    found = HyperParameters.create()
    result.save(found.path)
    found.properties |= {"metric": chosen, "best_value": result.best_value, "best_params": result.best_params}
    return found


_DIRECTIONS: dict[str, Literal["maximize", "minimize"]] = {
    "accuracy": "maximize",
    "auc": "maximize",
    "f1": "maximize",
    "log_loss": "minimize",
    "mae": "minimize",
    "pr_auc": "maximize",
    "r2": "maximize",
    "rmse": "minimize",
}


_USUAL: dict[Task, str] = {
    "binary_classification": "auc",
    "multiclass_classification": "log_loss",
    "regression": "rmse",
}


def _task(estimator: Estimator, data: Dataset) -> Task:
    if estimator.task == "regression":
        return "regression"
    import pyarrow.compute as pc

    values = pc.unique(data.to_table([estimator.label]).column(0))
    return "binary_classification" if len(values) <= 2 else "multiclass_classification"


def _measure(estimator: Estimator, data: Dataset, metric: str) -> float:
    """Evaluate a fitted estimator on transformed rows."""
    import pyarrow as pa

    from headrace.evaluation import EvalConfig, analyze_raw_data

    names = [estimator.label] if estimator.weight is None else [estimator.label, estimator.weight]
    table = data.to_table(names)
    classes = None
    if estimator.task == "regression":
        predictions = pa.array(estimator.predict(data), pa.float64())
    else:
        probabilities = estimator.predict_proba(data)
        classes = [str(one) for one in estimator.classes_.tolist()]
        if probabilities.shape[1] == 2:
            predictions = pa.array(probabilities[:, 1], pa.float64())
        else:
            predictions = pa.array(probabilities.tolist(), pa.list_(pa.float64()))
    config = EvalConfig(metrics=[metric], classes=classes if classes and len(classes) > 2 else None)
    result = analyze_raw_data(
        table.append_column("_prediction", predictions),
        config,
        label=estimator.label,
        prediction="_prediction",
        weight=estimator.weight,
    )
    return float(result.overall.metrics[metric].value)
