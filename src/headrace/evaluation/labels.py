"""From columns of any type to the arrays that metrics take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data import clean_array, cleaning
from headrace.errors import EvaluationError, did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt

    from headrace.metrics import Task

__all__ = ["LabelReader", "column_of", "numbers", "predictions"]

# Probabilities that were rounded to three digits are probabilities still.
_SUM_TOLERANCE = 5e-3


def column_of(batch: pa.RecordBatch, name: str) -> Any:
    """Return a column, cleaned as its field declares."""
    if name not in batch.schema.names:
        raise EvaluationError(
            "A column that the data has is wanted", got=name, fix=did_you_mean(name, batch.schema.names)
        )
    field = batch.schema.field(name)
    declared = cleaning(field)
    return clean_array(batch.column(name), declared) if declared else batch.column(name)


def numbers(column: Any, what: str) -> npt.NDArray[np.float64]:
    """Return a column as float64, NaN where missing.

    Raises
    ------
    EvaluationError
        If it holds no numbers.
    """
    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        if not pa.types.is_null(kind):
            raise EvaluationError(f"{what} holds numbers", got=str(kind))
        return np.full(len(column), np.nan)
    found = pc.cast(column, pa.float64(), safe=False)
    return np.asarray(pc.fill_null(found, np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)


@dataclass(frozen=True)
class LabelReader:
    """Reads labels.

    Parameters
    ----------
    task
        What is predicted.
    positive
        The label that counts as positive, for two classes.
    classes
        All labels, in the order of the probabilities.
    """

    task: Task
    positive: str | float | bool | None
    classes: tuple[str, ...] | None

    def read(self, column: Any) -> npt.NDArray[np.float64]:
        """Return 0 or 1, class indices, or numbers; NaN where the label is missing.

        Raises
        ------
        EvaluationError
            If a label is not one that the task can have.
        """
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        if self.task == "regression":
            return numbers(column, "The label of a regression")
        if self.task == "binary_classification" and self.positive is not None:
            return self._against_positive(column, text=text)
        if text:
            return self._among_classes(column)
        found = numbers(column, "A label without named classes")
        limit = 2 if self.task == "binary_classification" else len(self.classes or ())
        known = found[~np.isnan(found)]
        wrong = (known != np.floor(known)) | (known < 0) | ((known >= limit) if limit else False)
        if wrong.any():
            raise EvaluationError(
                "A label is 0 or 1" if limit == 2 else f"A label is a whole number from 0 to {limit - 1}",
                got=float(known[wrong][0]),
                fix="Say which label is positive with EvalConfig(positive=…), or that it is a task='regression'",
            )
        return found

    def _against_positive(self, column: Any, *, text: bool) -> npt.NDArray[np.float64]:
        wanted = self.positive
        if text != isinstance(wanted, str):
            raise EvaluationError(
                "The positive label has the type of the label column",
                got=f"{wanted!r} for a column of {column.type}",
            )
        return numbers(pc.equal(column, pa.scalar(wanted, None if isinstance(wanted, bool) else column.type)), "")

    def _among_classes(self, column: Any) -> npt.NDArray[np.float64]:
        if self.classes is None:
            raise EvaluationError(
                "Labels that are text need to be explained",
                got=f"labels such as {column.drop_null()[0].as_py()!r}" if column.null_count < len(column) else "text",
                fix="Name EvalConfig(positive=…) for two classes, or EvalConfig(classes=[…]) for more",
            )
        index = pc.index_in(column, pa.array(self.classes, column.type))
        unknown = pc.and_(pc.is_null(index), pc.is_valid(column))
        if pc.any(unknown).as_py():
            value = column.filter(unknown)[0].as_py()
            raise EvaluationError("A label is one of the classes", got=value, fix=did_you_mean(value, self.classes))
        return numbers(index, "")


def predictions(column: Any, task: Task) -> npt.NDArray[np.float64]:
    """Return predictions: shape (N, classes) for a multiclass task, (N,) for the others.

    Raises
    ------
    EvaluationError
        If they are missing, not finite, or not of the right shape.
    """
    kind = column.type
    if column.null_count:
        raise EvaluationError("Every row has a prediction", got=f"{column.null_count} rows without")
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        flat = numbers(column.flatten(), "A prediction")
        width = len(flat) // max(len(column), 1)
        same = pa.types.is_fixed_size_list(kind) or pc.all(pc.equal(pc.list_value_length(column), width)).as_py()
        if len(column) and not same:
            raise EvaluationError(
                "Every prediction has as many probabilities as there are classes", got="differing lengths"
            )
        found = flat.reshape(len(column), width)
    else:
        found = numbers(column, "A prediction")
    return as_predictions(found, task)


def as_predictions(found: npt.NDArray[Any], task: Task) -> npt.NDArray[np.float64]:
    """Return predictions of the shape that the task's metrics take; of two probabilities, the second."""
    values = found.astype(np.float64)
    if task == "multiclass_classification":
        if values.ndim != 2:
            raise EvaluationError("A multiclass prediction is a list of probabilities", got="one number a row")
    elif values.ndim == 2:
        width = values.shape[1]
        if width not in ((1, 2) if task == "binary_classification" else (1,)):
            raise EvaluationError(
                f"A prediction of {task.replace('_', ' ')} is one number", got=f"{width} numbers a row"
            )
        values = values[:, width - 1]
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).reshape(len(values), -1).any(axis=1).sum())
        raise EvaluationError("Predictions are finite numbers", got=f"{bad} rows with NaN or infinity")
    if task == "multiclass_classification":
        wrong = (np.abs(values.sum(axis=1) - 1.0) > _SUM_TOLERANCE) | (values < 0).any(axis=1)
        if wrong.any():
            raise EvaluationError(
                "The probabilities of a row are not negative and add up to 1",
                got=str([round(float(one), 6) for one in values[wrong][0][:10]]),
                fix="Hand in probabilities rather than logits or scores",
            )
    return np.ascontiguousarray(values)
