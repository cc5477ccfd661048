"""Training: an estimator and a transform become one graph from raw columns to predictions."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from headrace.components.artifacts import Examples, HyperParameters, Model, TransformGraph
from headrace.errors import DataError
from headrace.pipeline import component, current_step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.estimators import Estimator

__all__ = ["trainer"]

log = logging.getLogger(__name__)


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
    on_the_fly: bool = False,
) -> Model:
    """Fit an estimator and join it with the transform.

    A step that was killed goes on from its last checkpoint when it is run again.

    Parameters
    ----------
    transformed
        Features and label, as the transform made them; raw examples where ``on_the_fly``.
    graph
        The transform that made them, or that makes them.
    estimator
        What to fit; its ``label`` names an output of the transform.
    hyperparameters
        The tuner's best parameters, set on the estimator before it is fitted.
    train_split, eval_split
        What to learn from, and what to decide on when to stop; without an eval split the estimator does not stop
        early.
    allow_shared
        Raw columns from which both the label and a feature may be computed.
    on_the_fly
        Make the features as they are read. Then ``transform(…, materialize=False)`` need not write any, and the model
        is the same.

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
    loaded = graph.load()
    if not transformed.splits:
        raise DataError(
            "A trainer needs features",
            got="a transform that wrote none",
            where=str(transformed.path),
            fix="Give raw examples with on_the_fly=True, or let the transform write features: materialize=True",
        )
    data = {split: transformed.split(split) for split in dict.fromkeys((train_split, *held_out))}
    if on_the_fly:
        if transformed.summary.get("transformed"):
            raise DataError(
                "on_the_fly=True takes raw examples",
                got="what the transform made of them",
                where=str(transformed.path),
                fix="Give what example_gen made, or leave on_the_fly out",
            )
        analyzed = graph.properties["analyzed_split"]
        data = {split: loaded.lazy(rows, training=split == analyzed) for split, rows in data.items()}
    result = train(
        estimator,
        data,
        loaded,
        model.path,
        scratch=None if step is None else step.scratch,
        train_split=train_split,
        eval_split=eval_split,
        allow_shared=allow_shared,
        on_epoch=_say,
    )
    if result.resumed_from is not None:
        log.info("went on from the checkpoint of epoch %d", result.resumed_from)
    shutil.copyfile(graph.path / "schema.yaml", model.path / "schema.yaml")
    model.properties |= {"estimator": type(estimator).__name__, "features": len(result.features)}
    return model


def _say(epoch: int, metrics: Mapping[str, float]) -> None:
    """Write an epoch into the step's log; of the many rounds of boosted trees only some."""
    if epoch <= 10 or (epoch % 10 == 0 and epoch <= 100) or epoch % 50 == 0:
        log.info("epoch %d: %s", epoch, ", ".join(f"{name} {value:.5g}" for name, value in metrics.items()))
