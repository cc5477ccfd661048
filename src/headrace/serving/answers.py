"""Rows to JSON and JSON answers back to arrays, without losing a bit."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headrace.errors import RequestError, ServingError

if TYPE_CHECKING:
    from headrace.model import Signature

    Arrays = dict[str, np.ndarray[Any, Any]]

__all__ = ["arrays_from_columns", "arrays_from_rows", "as_table", "json_rows"]


def as_table(source: Any, max_rows: int) -> pa.Table:
    """Read at most ``max_rows`` rows of a source: a table, a batch, a list of dictionaries, a path or a data source.

    Raises
    ------
    RequestError
        If there are no rows.
    """
    if isinstance(source, list):
        table = pa.Table.from_pylist(source)
    elif isinstance(source, pa.RecordBatch):
        table = pa.Table.from_batches([source])
    elif isinstance(source, pa.Table) or hasattr(source, "__arrow_c_stream__"):
        table = pa.table(source)
    else:
        table = _read(source, max_rows)
    if table.num_rows == 0:
        raise RequestError("At least one row is needed to try a model", got="none")
    return table.slice(0, max_rows)


def _read(source: Any, max_rows: int) -> pa.Table:
    from headrace.data import as_source

    dataset = as_source(source).dataset()
    batches: list[pa.RecordBatch] = []
    for batch in dataset.batches():
        batches.append(batch)
        if sum(part.num_rows for part in batches) >= max_rows:
            break
    return pa.Table.from_batches(batches, dataset.schema)


def json_rows(table: pa.Table, signature: Signature) -> tuple[list[dict[str, Any]], list[int]]:
    """Return rows as JSON can say them, and which rows of the table they are.

    Only columns that the model reads are kept. JSON requests may not carry NaN or infinity, so rows with one are left
    out.
    """
    present = [name for name in signature.features if name in table.column_names]
    rows, kept = [], []
    for index, row in enumerate(table.select(present).to_pylist()):
        plain = {name: _plain(value) for name, value in row.items()}
        if all(map(_is_finite, plain.values())):
            rows.append(plain)
            kept.append(index)
    return rows, kept


def _is_finite(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def arrays_from_rows(predictions: Any, signature: Signature) -> Arrays:
    """Turn ``predictions`` back into the outputs' arrays; ServingError if they do not have their form."""
    if type(predictions) is not list:
        raise ServingError("A server answers a list of predictions", got=type(predictions).__name__)
    if len(signature.outputs) == 1:
        return arrays_from_columns(predictions, signature)
    try:
        columns = {item.name: [row[item.name] for row in predictions] for item in signature.outputs}
    except (KeyError, TypeError) as error:
        raise ServingError("A server answers every output for every row", got=f"{error!r}") from error
    return arrays_from_columns(columns, signature)


def arrays_from_columns(outputs: Any, signature: Signature) -> Arrays:
    """Turn ``outputs`` back into arrays; ServingError if they do not have the signature's form."""
    if len(signature.outputs) == 1:
        outputs = {signature.outputs[0].name: outputs}
    arrays = {}
    for item in signature.outputs:
        try:
            dtype = np.dtype(object if item.dtype == "string" else item.dtype)
            arrays[item.name] = np.array(outputs[item.name], dtype)
        except (KeyError, TypeError, ValueError) as error:
            raise ServingError(f"A server answers output {item.name!r} as {item.dtype}", got=f"{error!r}") from error
    return arrays
