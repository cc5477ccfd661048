"""Boosting with LightGBM."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.config import available_cpus
from headrace.errors import import_extra
from headrace.estimators._curve import validation_metrics
from headrace.estimators._trees_model import TreesModel, categorical_columns, matrix, plain_text

if TYPE_CHECKING:
    from headrace.estimators._inputs import Examples
    from headrace.estimators.base import Monitor
    from headrace.estimators.trees import BoostedTreesEstimator

__all__ = ["fit"]

LOSSES = {"binary": "binary_logloss", "multiclass": "multi_logloss", "regression": "l2"}


def fit(
    estimator: BoostedTreesEstimator, examples: Examples, validation: Examples | None, monitor: Monitor | None
) -> TreesModel:
    """Grow the trees."""
    # Threads that spin while they wait make boosting several times slower where others want the cores too. The OpenMP
    # runtime reads this when it is loaded; a value that the user has set stands.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    lightgbm = import_extra("lightgbm", "trees")
    n_classes = len(examples.classes)
    objective = "regression" if not n_classes else "binary" if n_classes == 2 else "multiclass"
    params = _params(estimator, objective, n_classes)
    specs = examples.specs
    training = lightgbm.Dataset(
        matrix(specs, examples.columns),
        examples.labels,
        weight=examples.weights,
        categorical_feature=categorical_columns(specs),
        params=params,
    )
    watched = [(training, "training")]
    if validation is not None:
        held_out = lightgbm.Dataset(
            matrix(specs, validation.columns), validation.labels, weight=validation.weights, reference=training
        )
        watched.append((held_out, "validation"))
    curve = _Curve(estimator.early_stopping_patience, monitor, lightgbm.callback.EarlyStopException)
    booster = lightgbm.train(
        params,
        training,
        num_boost_round=estimator.n_trees,
        valid_sets=[data for data, _ in watched] if monitor is not None or validation is not None else None,
        valid_names=[name for _, name in watched] if monitor is not None or validation is not None else None,
        callbacks=[curve],
    )
    rounds = curve.best_round if validation is not None else -1
    model = TreesModel(specs, n_classes, plain_text(booster.model_to_string(num_iteration=rounds)))
    if monitor is not None and validation is not None:
        raw = model.raw(validation.columns)
        monitor.on_epoch(curve.rounds, {"best_round": float(curve.best_round), **validation_metrics(raw, validation)})
    return model


def _params(estimator: BoostedTreesEstimator, objective: str, n_classes: int) -> dict[str, Any]:
    params = {
        "objective": objective,
        "metric": LOSSES[objective],
        "learning_rate": estimator.learning_rate,
        "num_leaves": estimator.num_leaves,
        "max_depth": estimator.max_depth or -1,
        "min_data_in_leaf": estimator.min_rows_per_leaf,
        "lambda_l2": estimator.l2,
        "bagging_fraction": estimator.row_fraction,
        "bagging_freq": 1 if estimator.row_fraction < 1 else 0,
        "feature_fraction": estimator.feature_fraction,
        "seed": estimator.seed,
        "num_threads": min(available_cpus(), 16),
        # Together these give the same trees on any number of threads.
        "deterministic": True,
        "force_row_wise": True,
        # Features are never missing, and a split without a missing direction is the simplest to export.
        "use_missing": False,
        "verbosity": -1,
    }
    if objective == "multiclass":
        params["num_class"] = n_classes
    return params


class _Curve:
    """Hands the losses of every round to the monitor and ends the fit when it is time."""

    def __init__(self, patience: int | None, monitor: Monitor | None, stop: type[Exception]) -> None:
        self.patience = patience
        self.monitor = monitor
        self.stop = stop
        self.rounds = 0
        self.best_round = -1
        self.best_loss = np.inf

    def __call__(self, env: Any) -> None:
        self.rounds = env.iteration + 1
        losses = {name: float(value) for name, _, value, *_ in env.evaluation_result_list or ()}
        metrics = {}
        if "training" in losses:
            metrics["loss"] = losses["training"]
        if "validation" in losses:
            metrics["validation_loss"] = losses["validation"]
            if losses["validation"] < self.best_loss:
                self.best_loss, self.best_round = losses["validation"], self.rounds
        if self.monitor is not None:
            self.monitor.on_epoch(self.rounds, metrics)
        waited = self.patience is not None and self.best_round > 0 and self.rounds - self.best_round >= self.patience
        if waited or (self.monitor is not None and self.monitor.should_stop()):
            raise self.stop(self.rounds - 1, env.evaluation_result_list)
