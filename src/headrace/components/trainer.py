"""Training: an estimator and a transform become one graph from raw columns to predictions."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from headrace.components.artifacts import Examples, HyperParameters, Model, TransformGraph
from headrace.pipeline import component, current_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.estimators import Estimator

__all__ = ["trainer"]


@component
def trainer(
    transformed: Examples,
    graph: TransformGraph,
    estimator: Estimator,
    *,
    hyperparameters: HyperParameters | None = None,
    train_split: str = "train",
    eval_split: str = "eval",
    allow_shared: Sequence[str] = (),
) -> Model:
    """Fit an estimator and join it with the transform.

    A step that was killed goes on from its last checkpoint when it is run again.

    Parameters
    ----------
    transformed
        Features and label, as the transform made them.
    graph
        The transform that made them.
    estimator
        What to fit; its ``label`` names an output of the transform.
    hyperparameters
        The tuner's best parameters, set on the estimator before it is fitted.
    train_split, eval_split
        What to learn from, and what to decide on when to stop; without an eval split the estimator does not stop
        early.
    allow_shared
        Raw columns from which both the label and a feature may be computed.

    Raises
    ------
    LeakError
        If a feature is computed from what the label is computed from.
    DataError
        If there is no training split.
    EstimatorError
        If the estimator cannot learn from the data.
    """
    from headrace.training import train

    if hyperparameters is not None:
        estimator = estimator.clone(**hyperparameters.load())
    held_out = [eval_split] if eval_split in transformed.splits else []
    model = Model.create()
    step = current_step()
    result = train(
        estimator,
        {split: transformed.split(split) for split in dict.fromkeys((train_split, *held_out))},
        graph.load(),
        model.path,
        scratch=None if step is None else step.scratch,
        train_split=train_split,
        eval_split=eval_split,
        allow_shared=allow_shared,
    )
    shutil.copyfile(graph.path / "schema.yaml", model.path / "schema.yaml")
    model.properties |= {"estimator": type(estimator).__name__, "features": len(result.features)}
    return model
