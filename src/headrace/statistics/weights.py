"""Weights of rows, read from a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from headrace.errors import DataError
from headrace.statistics.columns import feature_type

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_weights", "weights_of"]


def check_weights(schema: pa.Schema, name: str) -> None:
    """Raise DataError unless a column may hold weights: integers or floats, one a row."""
    kind = schema.field(name).type
    if feature_type(kind) not in ("INT", "FLOAT"):
        raise DataError("The weights of the rows are numbers", got=str(kind), where=f"column {name!r}")


def weights_of(batch: pa.RecordBatch, name: str) -> NDArray[np.float64]:
    """Return the weights of a batch's rows.

    Raises
    ------
    DataError
        If a weight is missing, negative, NaN or infinite.
    """
    column = batch.column(name)
    if pa.types.is_decimal(column.type) or pa.types.is_dictionary(column.type):
        column = column.cast(pa.float64())
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise _wrong(name, "none", column.null_count, batch, row)
    weights: NDArray[np.float64] = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    wrong = ~(np.isfinite(weights) & (weights >= 0.0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise _wrong(name, repr(float(weights[row])), int(wrong.sum()), batch, row)
    return weights


def _wrong(name: str, got: str, count: int, batch: pa.RecordBatch, row: int) -> DataError:
    more = f", and {count - 1:,} more in its batch" if count > 1 else ""
    seen = ", ".join(f"{key}={batch.column(key)[row].as_py()!r}" for key in batch.schema.names[:4] if key != name)
    return DataError(
        "Every row has a weight, a finite number from 0",
        got=f"{got}{more}",
        where=f"column {name!r}" + (f", the row with {seen}" if seen else ""),
        fix="Mend the weights, or leave such rows out",
    )
