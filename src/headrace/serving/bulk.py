"""Predictions beside the rows that they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.errors import ModelError
from headrace.model import load_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from headrace.model import LoadedModel

__all__ = ["WithPredictions", "with_predictions"]


class WithPredictions:
    """A function from a batch of raw rows to some of their columns and the model's outputs, for ``Engine.map``.

    It travels to other processes as the model's folder.
    """

    def __init__(self, model: LoadedModel, columns: tuple[str, ...]) -> None:
        self._model = model
        self._columns = columns

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Predict the rows of one batch."""
        made = self._model.predict_batch(batch)
        kept = batch.select(list(self._columns))
        return pa.RecordBatch.from_arrays([*kept.columns, *made.columns], schema=_joined(kept.schema, made.schema))

    def __reduce__(self) -> tuple[Any, ...]:
        return _open, (self._model.path, self._columns)


def with_predictions(model: LoadedModel, columns: Sequence[str] = ()) -> WithPredictions:
    """Return the function that puts a model's outputs behind some columns of a batch.

    Parameters
    ----------
    model
        The model.
    columns
        Raw columns to keep.

    Raises
    ------
    ModelError
        If a column has the name of an output.
    """
    clash = sorted(set(columns) & {item.name for item in model.signature.outputs})
    if clash:
        raise ModelError(
            "A column that is kept may not have the name of a prediction",
            got=clash[0],
            fix="Keep other columns, or rename it in the source",
        )
    return WithPredictions(model, tuple(columns))


def _open(path: Path, columns: tuple[str, ...]) -> WithPredictions:
    return WithPredictions(load_model(path), columns)


def _joined(left: pa.Schema, right: pa.Schema) -> pa.Schema:
    return pa.schema([*left, *right])
