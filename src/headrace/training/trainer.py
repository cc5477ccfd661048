"""Fitting an estimator on transformed data, into a model folder."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.errors import EstimatorError, did_you_mean
from headrace.model import compose, open_session, save_model, signature_of
from headrace.training.labels import index_classes, name_by_role
from headrace.training.leaks import refuse_leaks
from headrace.training.progress import Progress
from headrace.training.result import TrainResult

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from headrace.data import Dataset
    from headrace.estimators import Estimator
    from headrace.transform import TransformGraph

__all__ = ["train"]

CHECKED_ROWS = 256
TOLERANCE = 1e-5


def train(
    estimator: Estimator,
    transformed: Mapping[str, Dataset],
    graph: TransformGraph,
    directory: Path,
    *,
    scratch: Path | None = None,
    train_split: str = "train",
    eval_split: str = "eval",
    allow_shared: Collection[str] = (),
    on_epoch: Callable[[int, Mapping[str, float]], None] | None = None,
) -> TrainResult:
    """Fit an estimator and write a model folder.

    The folder holds ``model.onnx`` (from raw columns to predictions), ``signature.json``, ``label.onnx`` (from raw
    columns to the label, a classifier's as class indices, and the weight), ``training.json``, ``events/`` for
    TensorBoard, and ``native/`` with the estimator itself.

    Parameters
    ----------
    transformed
        By split, what ``graph`` made of the data.
    graph
        The transform that becomes the first half of the model.
    scratch
        Where a checkpoint is kept after every epoch; a run with the same data and parameters goes on from it.
    train_split, eval_split
        What to learn from, and what to stop early by; without an eval split there is no early stopping.
    allow_shared
        Raw columns from which both the label and a feature may be computed.
    on_epoch
        Called with the number and the metrics of every epoch.

    Raises
    ------
    LeakError
        If a feature is computed from what the label is computed from.
    EstimatorError
        If the estimator cannot learn from the data, or its graph does not predict what it does itself.
    """
    began = time.perf_counter()
    directory = Path(directory)
    if train_split not in transformed:
        raise EstimatorError(
            "The training split is one of the data", got=train_split, fix=did_you_mean(train_split, transformed)
        )
    features = _features(estimator, graph)
    refuse_leaks(graph, features, label=estimator.label, weight=estimator.weight, allow_shared=allow_shared)
    data = transformed[train_split]
    held_out = transformed.get(eval_split)
    rows = {train_split: data.count_rows()}
    if held_out is not None:
        rows[eval_split] = held_out.count_rows()
        held_out = held_out if rows[eval_split] else None
    directory.mkdir(parents=True, exist_ok=True)
    fit_began = time.perf_counter()
    wanted = [spec for spec in graph.outputs if spec.name in {*features, estimator.label, estimator.weight}]
    with Progress(directory / "events", scratch, on_epoch) as progress:
        estimator.fit(data, wanted, validation=held_out, monitor=progress)
    fit_seconds = time.perf_counter() - fit_began
    _check_graph(estimator, data)
    _write_model(estimator, graph, directory)
    passes = max((epoch for epoch, *_ in progress.curve), default=1) - (progress.resumed_from or 0)
    result = TrainResult(
        estimator=type(estimator).__name__,
        params=_plain(estimator.get_params()),
        label=estimator.label,
        weight=estimator.weight,
        features=estimator.feature_names_in_,
        classes=estimator.class_names_,
        rows=rows,
        seconds=time.perf_counter() - began,
        fit_seconds=fit_seconds,
        rows_per_second=rows[train_split] * passes / fit_seconds,
        resumed_from=progress.resumed_from,
        series=progress.series,
    )
    result.save(directory)
    progress.forget()
    return result


def _features(estimator: Estimator, graph: TransformGraph) -> list[str]:
    known = [spec.name for spec in graph.outputs]
    for role, name in (("label", estimator.label), ("weight", estimator.weight)):
        if name is not None and name not in known:
            raise EstimatorError(f"The {role} is an output of the transform", got=name, fix=did_you_mean(name, known))
    if estimator.features is None:
        return [name for name in known if name not in (estimator.label, estimator.weight)]
    for name in estimator.features:
        if name not in known:
            raise EstimatorError("A feature is an output of the transform", got=name, fix=did_you_mean(name, known))
    return list(estimator.features)


def _write_model(estimator: Estimator, graph: TransformGraph, directory: Path) -> None:
    model = compose(graph.to_onnx(list(estimator.feature_names_in_)), estimator.to_onnx())
    signature = signature_of(
        model,
        classes=estimator.class_names_ or None,
        ignored=[*dict.fromkeys([*(column.name for column in graph.inputs), *graph.ignored])],
        timestamps=[column.name for column in graph.inputs if column.dtype == "timestamp"],
    )
    roles = (
        {estimator.label: "label"}
        if estimator.weight is None
        else {estimator.label: "label", estimator.weight: "weight"}
    )
    labels = graph.to_onnx(list(roles))
    if estimator.task == "classification":
        labels = index_classes(labels, graph.output_name(estimator.label), estimator.classes_.tolist())
    labels = name_by_role(labels, {graph.output_name(name): role for name, role in roles.items()})
    estimator.save(directory / "native")
    save_model(directory, model, signature, labels=labels)


def _check_graph(estimator: Estimator, data: Dataset) -> None:
    """Refuse a graph that does not give what the framework gives for the first rows."""
    names = list(estimator.feature_names_in_)
    batch = next((batch for batch in data.batches(names) if batch.num_rows), None)
    if batch is None:
        return
    batch = batch.slice(0, CHECKED_ROWS)
    native = estimator.predict_outputs(batch)
    session = open_session(estimator.to_onnx().SerializeToString())
    feeds: dict[str, np.ndarray] = {}
    for spec in estimator.specs_:
        column = batch.column(spec.name)
        values = column.flatten() if spec.shape else column
        feeds[spec.name] = values.to_numpy(zero_copy_only=False).reshape(-1, *spec.shape).astype(spec.dtype)
    compared = ["probabilities"] if estimator.task == "classification" else ["predictions"]
    for name, found in zip(compared, session.run(compared, feeds), strict=True):
        wanted = native[name]
        apart = np.abs(found - wanted) / np.maximum(np.abs(wanted), 1.0)
        if not (apart <= TOLERANCE).all():
            row = int(np.argmax(apart.max(axis=1)))
            raise EstimatorError(
                f"The exported graph gives the {name} that {type(estimator).__name__} gives",
                got=f"{found[row].tolist()} from the graph, {wanted[row].tolist()} from the estimator",
                where=f"training row {row}",
                fix="Report this with the estimator's parameters",
            )


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that JSON can hold."""

    def one(value: Any) -> Any:
        try:
            return json.loads(json.dumps(value))
        except (TypeError, ValueError):
            return repr(value)

    return {name: one(value) for name, value in params.items()}
