"""Predictions over a whole data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.components.artifacts import Examples, InferenceResult, Model, ModelEvaluation
from headrace.components.splits import keep_split
from headrace.errors import NotBlessedError
from headrace.pipeline import component

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bulk_inferrer"]


@component
def bulk_inferrer(
    examples: Examples,
    model: Model,
    *,
    evaluation: ModelEvaluation | None = None,
    keys: Sequence[str] = (),
    splits: Sequence[str] | None = None,
) -> InferenceResult:
    """Predict every row, and keep the predictions with the rows' keys.

    Parameters
    ----------
    examples
        Raw rows.
    model
        The one graph.
    evaluation
        Where given, it must bless the model.
    keys
        Columns to keep beside the predictions; all raw columns where none is named.
    splits
        All of them by default.

    Raises
    ------
    NotBlessedError
        If the evaluation refused the model.
    DataError
        If a key is not a column.
    """
    from headrace.data import ParquetSink
    from headrace.engines import LocalEngine
    from headrace.serving import with_predictions

    if evaluation is not None:
        verdict = evaluation.load()
        if not verdict.blessed:
            raise NotBlessedError(
                "Only a model that its evaluation blessed predicts",
                got="; ".join(str(check) for check in verdict.checks if not check.ok),
                where="bulk_inferrer",
                fix="Look at the slices in the run's report",
            )
    loaded = model.load()
    result = InferenceResult.create()
    rows: dict[str, int] = {}
    for split in splits or examples.splits:
        data = examples.split(split)
        data.check_columns(keys)
        predict = with_predictions(loaded, keys or data.columns)
        folder = result.path / "predictions" / split
        rows[split] = keep_split(folder, LocalEngine().map(data.shards, predict, ParquetSink(folder)))
    result.properties |= {"rows": rows}
    return result
