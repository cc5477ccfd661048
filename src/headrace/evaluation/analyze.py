"""Evaluation of predictions that are there, and of models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headrace.data import as_source, dataset_from_table, warn_of_rows
from headrace.engines import LocalEngine, fold_counted
from headrace.errors import EvaluationError
from headrace.evaluation.config import EvalConfig
from headrace.evaluation.fold import Plan, SliceFold
from headrace.evaluation.labels import LabelReader, as_predictions, column_of, numbers, predictions
from headrace.evaluation.result import Curves, EvalResult, SliceResult
from headrace.evaluation.verdict import check_thresholds, compare_results
from headrace.metrics import (
    TASKS,
    BinarySums,
    ScoreCounts,
    get_metric,
    metric_names,
    pr_points,
    roc_points,
)
from headrace.model import LoadedModel, feeds_from_batch, list_pieces, load_model, run_session

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from headrace.data import Dataset
    from headrace.engines import Engine
    from headrace.evaluation.fold import Group, Reader
    from headrace.evaluation.result import SliceKey
    from headrace.metrics import Metric, Task

__all__ = ["analyze_raw_data", "run_model_analysis"]

Arrays = tuple["npt.NDArray[np.float64]", "npt.NDArray[np.float64]", "npt.NDArray[np.float64] | None"]


def analyze_raw_data(
    data: Any,
    eval_config: EvalConfig | None = None,
    *,
    label: str | None = None,
    prediction: str | None = None,
    weight: str | None = None,
    engine: Engine | None = None,
    baseline: EvalResult | None = None,
) -> EvalResult:
    """Evaluate predictions that are a column of the data.

    Parameters
    ----------
    data
        Any source: a path, a table, a dictionary of lists. Predictions that are lists come in tables.
    eval_config
        What to compute.
    label, prediction, weight
        Columns; ``"label"``, ``"prediction"`` and no weight where neither given here nor in the settings. A
        prediction is the probability of the positive class, a list of probabilities, or a number.
    engine
        Where the work is done.
    baseline
        A result over the same rows.

    Raises
    ------
    EvaluationError
        If labels, predictions or slices are not what the metrics need.
    """
    config = eval_config or EvalConfig()
    label = label or config.label or "label"
    prediction = prediction or config.prediction or "prediction"
    dataset = _with_lists(data, prediction)
    weight = weight or config.weight
    wanted = [label, prediction, *([] if weight is None else [weight]), *_slice_columns(config)]
    dataset.check_columns(wanted)
    task = _task_of(dataset, config, label, prediction)
    width = _width(dataset, prediction)
    classes = config.classes
    if task == "multiclass_classification":
        classes = tuple(str(at) for at in range(width)) if classes is None else tuple(classes)
    reader = _ColumnReader(
        LabelReader(task, config.positive, None if classes is None else tuple(classes)), label, prediction, weight
    )
    return _evaluate(dataset, wanted, reader, config, task, width, engine, baseline, None)


def run_model_analysis(
    model: LoadedModel | Path | str,
    source: Any,
    eval_config: EvalConfig | None = None,
    *,
    engine: Engine | None = None,
    baseline: EvalResult | LoadedModel | Path | str | None = None,
) -> EvalResult:
    """Evaluate a model on raw rows.

    Predictions come from the model's one graph; labels from the label graph in its folder, unless the settings name
    a raw column.

    Parameters
    ----------
    model
        A loaded model or its folder.
    source
        Any source of raw rows.
    eval_config
        What to compute.
    engine
        Where the work is done.
    baseline
        The model to compare with, which is evaluated on the same rows, or its result over these rows.

    Raises
    ------
    EvaluationError
        If labels, predictions or slices are not what the metrics need.
    ModelError
        If the model cannot be used.
    """
    config = eval_config or EvalConfig()
    loaded = model if isinstance(model, LoadedModel) else load_model(model)
    dataset = as_source(source).dataset()
    name = None
    if baseline is not None and not isinstance(baseline, EvalResult):
        before = baseline if isinstance(baseline, LoadedModel) else load_model(baseline)
        name = str(before.path)
        metrics = config.metrics_of(_model_task(loaded, config))
        plain = replace(config, metrics=metrics, thresholds={}, change_thresholds={}, slice_thresholds={})
        # Labels are the candidate's, so that both are held to the same truth.
        baseline = _run(before, loaded, dataset, plain, engine, None, None)
    return _run(loaded, loaded, dataset, config, engine, baseline, name)


def _run(
    loaded: LoadedModel,
    truth: LoadedModel,
    dataset: Dataset,
    config: EvalConfig,
    engine: Engine | None,
    baseline: EvalResult | None,
    baseline_name: str | None,
) -> EvalResult:
    task = _model_task(loaded, config)
    if config.label is None and truth.labels is None:
        raise EvaluationError(
            "A model folder says how labels are made, in label.onnx",
            got="none",
            where=str(truth.path),
            fix="Name the raw column with EvalConfig(label=…)",
        )
    by_name = {output.name: output for output in loaded.signature.outputs}
    output = by_name.get("predictions" if task == "regression" else "probabilities")
    output = output or by_name.get("logistic" if task == "binary_classification" else "predictions")
    if output is None:
        raise EvaluationError(
            f"A model of {task.replace('_', ' ')} has an output to evaluate", got=", ".join(by_name) or "no outputs"
        )
    last = output.shape[-1] if len(output.shape) == 2 else 1
    width = last if isinstance(last, int) else len(output.classes or ()) or 2
    classes = tuple(config.classes) if config.classes is not None else output.classes
    if classes is None and task == "multiclass_classification":
        classes = tuple(str(at) for at in range(width))
    wanted = {item.feature for item in loaded.signature.inputs} | set(_slice_columns(config))
    for column in (config.label, config.weight):
        wanted |= {column} if column else set()
    if config.label is None or config.weight is None:
        wanted |= {item.feature for item in truth.labels.inputs} if truth.labels is not None else set()
    dataset.check_columns([column for column in (config.label, config.weight, *_slice_columns(config)) if column])
    # What else is absent, the feeds treat as missing or refuse by name.
    columns = [name for name in dataset.columns if name in wanted]
    reader = _ModelReader(
        LabelReader(task, config.positive, classes), config.label, config.weight, output.name, loaded, truth
    )
    return _evaluate(dataset, columns, reader, config, task, width, engine, baseline, baseline_name)


def _model_task(loaded: LoadedModel, config: EvalConfig) -> Task:
    task = config.task or loaded.signature.task
    if task is None:
        raise EvaluationError("A model's task is known", got=str(loaded.path), fix="Set EvalConfig(task=…)")
    return task


def _evaluate(
    dataset: Dataset,
    columns: list[str],
    reader: Reader,
    config: EvalConfig,
    task: Task,
    width: int,
    engine: Engine | None,
    baseline: EvalResult | None,
    baseline_name: str | None,
) -> EvalResult:
    names = config.metrics_of(task)
    metrics = tuple(get_metric(name, task) for name in names)
    # The curves come from the states of these two, whatever else is computed.
    drawn = (get_metric("auc", task), get_metric("calibration", task)) if task == "binary_classification" else ()
    plan = Plan(
        reader,
        (*metrics, *(one for one in drawn if one not in metrics)),
        config.settings(task, width),
        tuple(tuple(slicing) for slicing in config.slices),
        config.max_slices,
    )
    unique = list(dict.fromkeys(columns))
    fold, aside = fold_counted(engine or LocalEngine(), dataset, partial(SliceFold, plan), columns=unique)
    warn_of_rows(aside, fold.overall.rows + fold.rows_without_label)
    slices = fold.result()
    if fold.overall.rows == 0:
        raise EvaluationError(
            "An evaluation needs rows with labels", got=f"{fold.rows_without_label} rows, none with a label"
        )
    result = EvalResult(
        task=task,
        overall=_result((), fold.overall, plan, metrics),
        slices=tuple(
            _result(key, group, plan, metrics if group.rows >= config.min_slice_rows else ()) for key, group in slices
        ),
        curves=_curves(fold.overall) if task == "binary_classification" else Curves(),
        rows_without_label=fold.rows_without_label,
        data=fold.data_digest(),
        config=config.to_dict(),
    )
    if baseline is not None:
        result = replace(
            result, differences=compare_results(result, baseline), baseline=baseline_name or "another evaluation"
        )
    return replace(result, checks=check_thresholds(result, config))


def _result(key: SliceKey, group: Group, plan: Plan, metrics: tuple[Metric, ...]) -> SliceResult:
    found = {metric.name: metric.value(group.state_of(plan.metrics, metric)) for metric in metrics}
    return SliceResult(key, group.rows, found)


def _curves(group: Group) -> Curves:
    table = next(state for state in group.states if isinstance(state, ScoreCounts)).table()
    bins = next(state for state in group.states if isinstance(state, BinarySums)).calibration_curve()
    return Curves(roc=tuple(roc_points(table)), pr=tuple(pr_points(table)), calibration=tuple((*one,) for one in bins))


def _slice_columns(config: EvalConfig) -> list[str]:
    return [column for slicing in config.slices for column in slicing]


def _weights(column: Any) -> npt.NDArray[np.float64]:
    found = numbers(column, "A weight")
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        raise EvaluationError("A weight is a finite number that is not negative", got=float(found[wrong][0]))
    return found


@dataclass(frozen=True)
class _ColumnReader:
    labels: LabelReader
    label: str
    prediction: str
    weight: str | None

    def read(self, batch: pa.RecordBatch) -> Arrays:
        label = self.labels.read(column_of(batch, self.label))
        values = predictions(batch.column(self.prediction), self.labels.task)
        return label, values, None if self.weight is None else _weights(column_of(batch, self.weight))


@dataclass(frozen=True)
class _ModelReader:
    labels: LabelReader
    label: str | None
    weight: str | None
    output: str
    model: LoadedModel
    truth: LoadedModel

    def read(self, batch: pa.RecordBatch) -> Arrays:
        inputs = self.model.signature.inputs
        parts = [
            run_session(self.model.session, [self.output], feeds_from_batch(piece, inputs))[0]
            for piece in list_pieces(batch, inputs)
        ]
        found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        values = as_predictions(found, self.labels.task)
        own: dict[str, Any] = {}
        if self.truth.labels is not None and (self.label is None or self.weight is None):
            own = self.truth.labels.run(batch)
        if self.label is not None:
            label = self.labels.read(column_of(batch, self.label))
        elif "label" in own:
            # The graph has already made numbers of names.
            column = _flat(own["label"])
            if self.labels.task != "regression":
                self._refuse_strangers(column, batch)
            label = replace(self.labels, positive=None).read(column)
        else:
            raise EvaluationError("The label graph has an output named label", got=", ".join(own) or "none")
        if self.weight is not None:
            return label, values, _weights(column_of(batch, self.weight))
        return label, values, _weights(_flat(own["weight"])) if "weight" in own else None

    def _refuse_strangers(self, label: Any, batch: pa.RecordBatch) -> None:
        """Refuse labels that the graph, which knows the classes, has given no index."""
        strange = np.flatnonzero(numbers(label, "A label") == -1)
        if not strange.size or self.truth.labels is None:
            return
        names = [item.feature for item in self.truth.labels.inputs if item.role == "value"]
        first = {name: column_of(batch, name)[int(strange[0])].as_py() for name in names if name in batch.schema.names}
        raise EvaluationError(
            "A label is one of the classes that the model has learned",
            got=f"another one, made of {', '.join(f'{name} {value!r}' for name, value in first.items())}",
            fix="Leave such rows out, or train on rows that have it",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # Sessions cannot travel to another process; folders can.
        same = self.model is self.truth
        arguments = (self.labels, self.label, self.weight, self.output)
        return _reopen, (*arguments, self.model.path, None if same else self.truth.path)


def _reopen(
    labels: LabelReader, label: str | None, weight: str | None, output: str, model: Path, truth: Path | None
) -> _ModelReader:
    loaded = load_model(model)
    return _ModelReader(labels, label, weight, output, loaded, loaded if truth is None else load_model(truth))


def _flat(values: Any) -> Any:
    flat = values.reshape(len(values), -1)[:, 0] if values.ndim > 1 else values
    return pa.array(flat.tolist() if flat.dtype == object else flat)


def _with_lists(data: Any, prediction: str) -> Dataset:
    """Open a source; in a table, the predictions may be lists, which sources have no columns of."""
    in_memory = isinstance(data, dict) or hasattr(data, "__arrow_c_stream__")
    table = pa.table(data) if in_memory else None
    if table is None or prediction not in table.schema.names:
        return as_source(data).dataset()
    column = table.column(prediction)
    if not pa.types.is_nested(column.type) or table.num_columns == 1:
        return as_source(table).dataset()
    rest = as_source(table.drop_columns([prediction])).dataset().to_table()
    return dataset_from_table(rest.append_column(prediction, column))


def _width(dataset: Dataset, prediction: str) -> int:
    kind = dataset.schema.field(prediction).type
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        for batch in dataset.batches([prediction]):
            for value in batch.column(0).drop_null():
                return len(value)
    return 1


def _task_of(dataset: Dataset, config: EvalConfig, label: str, prediction: str) -> Task:
    """Find the task from the settings and the types of the columns."""
    if config.task is not None:
        return config.task
    fitting = [task for task in TASKS if all(name in metric_names(task) for name in config.wanted())]
    if not fitting:
        raise EvaluationError(
            "The metrics belong to one task", got=", ".join(config.wanted()), fix="Set EvalConfig(task=…)"
        )
    kind = dataset.schema.field(label).type
    guess: Task
    if _width(dataset, prediction) > 2 or (config.classes is not None and len(config.classes) > 2):
        guess = "multiclass_classification"
    elif config.positive is not None or pa.types.is_boolean(kind) or not pa.types.is_floating(kind):
        guess = "binary_classification"
    else:
        guess = "regression"
    return guess if guess in fitting else fitting[0]
