"""Proof that a transform treats each row by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from headrace.errors import TransformError

if TYPE_CHECKING:
    import pyarrow as pa

    from headrace.transform.batch_transform import BatchTransform

__all__ = ["check_rowwise"]

_ROWS = 16
# Some kernels round the last values of a batch differently, by units in the last place of float64.
_RELATIVE, _ABSOLUTE = 1e-5, 1e-7


def check_rowwise(transform: BatchTransform, batch: pa.RecordBatch, where: str | None) -> None:
    """Transform some rows together and one by one, and compare.

    A reduction of ndonnx, such as ``ndonnx.mean``, is over the rows of a batch: a model would see one value in
    training and another one in serving.

    Raises
    ------
    TransformError
        If an output has another number of rows than the batch, or the value of a row depends on the others.
    """
    picked = np.unique(np.linspace(0, batch.num_rows - 1, _ROWS).astype(np.int64))
    rows = batch.take(picked)
    together = transform.run(rows)
    for feature, values in zip(transform.features, together, strict=True):
        if values.shape != (rows.num_rows, *feature.shape):
            raise TransformError(
                "An output has one value, or one list of values, for each row",
                got=f"output {feature.name!r} of shape {list(values.shape)} for {rows.num_rows} rows",
                where=where,
                fix="Keep all rows: choose with ndonnx.where(condition, a, b) rather than x[condition]",
            )
    alone = [transform.run(rows.slice(number, 1)) for number in range(rows.num_rows)]
    for index, feature in enumerate(transform.features):
        apart = np.concatenate([found[index].reshape(-1, *feature.shape) for found in alone])
        same = apart.shape == together[index].shape and np.allclose(
            together[index], apart, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True
        )
        if not same:
            raise TransformError(
                "What an output has in a row must depend on that row only",
                got=f"output {feature.name!r}, whose values change with the other rows of the batch",
                where=where,
                fix="Reduce over all the data with tft.mean, tft.max, tft.sum, …, not with ndonnx over a batch",
            )
