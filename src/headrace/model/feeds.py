"""Arrow record batches to what an ONNX session is fed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import RequestError, did_you_mean
from headrace.model.lists import is_list_type, list_parts, matrix, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.model.signature import DType, Input

__all__ = ["BatchReader", "Feeds", "distinct_strings", "feeds_from_batch", "numpy_dtype"]

Feeds = dict[str, np.ndarray[Any, Any]]

_ARROW: dict[DType, pa.DataType] = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "float32": pa.float32(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us"),
}
_FILL: dict[DType, Any] = {"int64": 0, "float64": 0.0, "float32": 0.0, "string": "", "bool": False, "timestamp": 0}
_NUMPY: dict[DType, Any] = {
    "int64": np.int64,
    "float64": np.float64,
    "float32": np.float32,
    "string": np.object_,
    "bool": np.bool_,
    "timestamp": np.int64,
}


def arrow_dtype(dtype: DType) -> pa.DataType:
    """Return the Arrow type of a signature's dtype."""
    return _ARROW[dtype]


def numpy_dtype(dtype: DType) -> Any:
    """Return the NumPy type in which ONNX Runtime takes a signature's dtype."""
    return _NUMPY[dtype]


def fill_value(dtype: DType) -> Any:
    """Return what stands under the mask of a missing value."""
    return _FILL[dtype]


def feeds_from_batch(batch: pa.RecordBatch, inputs: Sequence[Input]) -> Feeds:
    """Turn a batch into a session's feeds.

    Parameters
    ----------
    batch
        Raw columns; those that no input reads are left alone. NaN stays NaN.
    inputs
        A signature's inputs. A null becomes True in the mask and ``""``, 0 or False in the values. So does, in lists,
        what lies behind the end of one; all are as wide as the longest list of the batch, and one item at least.

    Returns
    -------
    dict of numpy.ndarray
        By the name of the graph's input.

    Raises
    ------
    RequestError
        If a column is absent, is of a type that cannot become the input's, has a null where none may be, or a list of
        another length than the model takes.
    """
    maskable = {item.feature for item in inputs if item.role == "missing"}
    absentable = {item.feature for item in inputs if item.role == "absent"}
    indices = {name: i for i, name in enumerate(batch.schema.names)}
    feeds: Feeds = {}
    lists: list[tuple[Input, pa.Array, np.ndarray[Any, Any]]] = []
    known: dict[str, tuple[pa.Array, np.ndarray[Any, Any]]] = {}
    for item in inputs:
        index = indices.get(item.feature)
        if index is None:
            if item.feature in maskable:
                column = pa.nulls(batch.num_rows, pa.null() if item.is_list else _ARROW[item.dtype])
            else:
                raise RequestError(
                    "The data must have every column that the model reads",
                    got=f"no column {item.feature!r}",
                    fix=did_you_mean(item.feature, batch.schema.names),
                )
        else:
            column = batch.column(index)
        if item.role == "missing":
            array: Any = _mask(column)
        else:
            if column.null_count and item.feature not in maskable:
                raise _null(column, item)
            if item.is_list:
                if item.feature not in known:
                    known[item.feature] = _lists(column, item, may_have_nulls=item.feature in absentable)
                lists.append((item, *known[item.feature]))
                continue
            array = _values(column, item)
        feeds[item.name] = array.reshape(-1, 1) if len(item.shape) == 2 else array
    # One width for all: what is computed of two columns together must not depend on which of them is longer.
    width = max([1, *(int(lengths.max(initial=0)) for item, _, lengths in lists if isinstance(item.shape[1], str))])
    for item, items, lengths in lists:
        size = item.shape[1]
        feeds[item.name] = _matrix(batch, item, items, lengths, size if isinstance(size, int) else width)
    return feeds


class BatchReader:
    """Turns batches into feeds as `feeds_from_batch` does, sooner where one batch of few rows comes after the other.

    Safe to use from many threads at once.

    Parameters
    ----------
    inputs
        A signature's inputs.
    """

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._inputs = inputs
        self._last: tuple[pa.Schema, list[_Read] | None] = (pa.schema([]), None)

    def feeds(self, batch: pa.RecordBatch) -> Feeds:
        """Return the feeds of a batch; raises what `feeds_from_batch` raises."""
        known, reads = self._last
        if not batch.schema.equals(known):
            reads = self._reads(batch.schema)
            self._last = (batch.schema, reads)
        if reads is None:
            return feeds_from_batch(batch, self._inputs)
        rows = batch.num_rows
        feeds: Feeds = {}
        for index, item, mask, exact in reads:
            column = batch.column(index)
            nulls = column.null_count
            if nulls and mask is None:
                return feeds_from_batch(batch, self._inputs)
            # A row alone is missing or is not, so that nothing need be looked for or filled.
            known = not nulls or nulls == rows
            if mask is not None:
                feeds[mask] = np.full(rows, nulls > 0) if known else _mask(column)
            if item is None:
                continue
            if not exact or not known:
                feeds[item.name] = _values(column, item)
            elif nulls:
                feeds[item.name] = np.full(rows, _FILL[item.dtype], _NUMPY[item.dtype])
            else:
                feeds[item.name] = column.to_numpy(zero_copy_only=False)
        return feeds

    def _reads(self, schema: pa.Schema) -> list[_Read] | None:
        """Say what is read of each column; None where it is not one value a row, or there is no such column."""
        columns: dict[str, dict[str, Input]] = {}
        for item in self._inputs:
            columns.setdefault(item.feature, {})[item.role] = item
        found: list[_Read] = []
        for name, roles in columns.items():
            index = schema.get_field_index(name)
            if index < 0 or any(len(item.shape) != 1 for item in roles.values()):
                return None
            value, mask = roles.get("value"), roles.get("missing")
            exact = value is not None and value.dtype != "timestamp" and schema.field(index).type == _ARROW[value.dtype]
            found.append((index, value, None if mask is None else mask.name, exact))
        return found


_Read = tuple[int, "Input | None", str | None, bool]


def _lists(column: pa.Array, item: Input, *, may_have_nulls: bool) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    """Return the items of lists, checked, and the lengths of the lists."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        column = column.cast(pa.list_(_ARROW[item.dtype]))
    if not is_list_type(column.type):
        raise _wrong_type(column, item)
    items, lengths = list_parts(column)
    if pa.types.is_dictionary(items.type) and items.dictionary.null_count:
        items = items.dictionary_decode()
    size = item.shape[1]
    if isinstance(size, int):
        _check_lengths(column, item, lengths, size)
        if items.null_count and not may_have_nulls:
            raise RequestError(
                f"Items of column {item.feature!r} may not be missing: none was in the training data",
                got=f"{items.null_count} nulls",
                fix="Fill the items, or train with rows in which some are missing",
            )
    return items, lengths


def _matrix(batch: pa.RecordBatch, item: Input, items: pa.Array, lengths: np.ndarray[Any, Any], width: int) -> Any:
    """Return what an input takes that has lists: the items, or where there is none."""
    if item.role == "absent":
        absent = ~within(lengths, width)
        if items.null_count:
            absent[~absent] = _mask(items)
        return absent
    try:
        values = _values(items, item)
    except RequestError:
        raise _wrong_type(batch.column(item.feature), item) from None
    return matrix(values, lengths, width, _FILL[item.dtype])


def _check_lengths(column: pa.Array, item: Input, lengths: np.ndarray[Any, Any], size: int) -> None:
    wrong = (lengths != size) & ~_mask(column)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise RequestError(
            f"A list of column {item.feature!r} has {size} items", got=f"{lengths[row]} items", where=f"row {row}"
        )


def distinct_strings(column: pa.Array, item: Input, *, may_be_missing: bool) -> tuple[Any, Any, bool]:
    """Return the distinct texts of a column, and which of them each row has.

    Parameters
    ----------
    column
        Texts, plain or dictionary-encoded.
    item
        The signature's input for it.
    may_be_missing
        Whether nulls are fine.

    Returns
    -------
    numpy.ndarray
        Of objects, of shape [distinct]; the last one is ``""`` in place of null where there are nulls.
    numpy.ndarray
        Indices into them, int64 of shape [rows].
    bool
        Whether there are nulls.

    Raises
    ------
    RequestError
        As `feeds_from_batch` does.
    """
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if pa.types.is_dictionary(column.type) and column.dictionary.null_count:
        column = column.dictionary_decode()
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    words, indices = encoded.dictionary, encoded.indices
    if not (pa.types.is_string(words.type) or pa.types.is_large_string(words.type) or words.type == pa.string_view()):
        raise _wrong_type(column, item)
    texts = words.to_numpy(zero_copy_only=False).astype(object, copy=False)
    has_null = bool(indices.null_count)
    if has_null:
        if not may_be_missing:
            raise _null(column, item)
        indices = pc.fill_null(indices.cast(pa.int64()), len(texts))
        texts = np.append(texts, [""])
    return texts, indices.to_numpy(zero_copy_only=False).astype(np.int64, copy=False), has_null


def _null(column: pa.Array, item: Input) -> RequestError:
    return RequestError(
        f"Column {item.feature!r} may not be missing: it never was in the training data",
        got=f"{column.null_count} nulls",
        where=f"first in row {int(np.argmax(_mask(column)))}",
        fix="Fill the column, or train with rows in which it is missing",
    )


def _mask(column: pa.Array) -> Any:
    if column.null_count == 0:
        return np.zeros(len(column), np.bool_)
    return column.is_null().to_numpy(zero_copy_only=False)


def _values(column: pa.Array, item: Input) -> Any:
    kind = column.type
    if item.dtype == "string":
        return _strings(column, item)
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    temporal = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    if (pa.types.is_boolean(kind) and item.dtype != "bool") or (temporal and item.dtype not in ("timestamp", "int64")):
        raise _wrong_type(column, item)
    if item.dtype == "bool" and not (pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        raise _wrong_type(column, item)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_nested(kind):
        raise _wrong_type(column, item)
    try:
        if temporal or item.dtype == "timestamp":
            # Microseconds are the resolution of the training data, so finer times are cut to them here too.
            column = column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        elif kind != _ARROW[item.dtype]:
            # A wide float may round into float32; a fraction may not become an integer.
            column = column.cast(_ARROW[item.dtype], safe=item.dtype == "int64")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _wrong_type(column, item, str(error)) from error
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(_FILL[item.dtype], column.type))
    return column.to_numpy(zero_copy_only=False)


def _strings(column: pa.Array, item: Input) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        words = column.dictionary
        if not (pa.types.is_string(words.type) or pa.types.is_large_string(words.type)):
            raise _wrong_type(column, item)
        # One Python string for each distinct value; the empty one stands for null.
        known = np.append(words.fill_null("").to_numpy(zero_copy_only=False).astype(object), [""])
        indices = column.indices.cast(pa.int64()).fill_null(len(words)).to_numpy(zero_copy_only=False)
        return known[indices]
    if pa.types.is_null(kind) or kind == pa.string_view():
        column = column.cast(pa.large_string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise _wrong_type(column, item)
    if column.null_count:
        column = pc.fill_null(column, "")
    return column.to_numpy(zero_copy_only=False)


def _wrong_type(column: pa.Array, item: Input, detail: str | None = None) -> RequestError:
    wanted = f"list of {item.dtype}" if item.is_list else item.dtype
    return RequestError(
        f"Column {item.feature!r} must be of type {wanted}",
        got=str(column.type) + (f" ({detail})" if detail else ""),
        fix="Read the column with the type it had in training",
    )
