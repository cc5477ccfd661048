"""JSON rows to what an ONNX session is fed with: strict, and clear about what does not fit."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import math
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headrace.errors import RequestError, did_you_mean
from headrace.model.feeds import arrow_dtype, fill_value, numpy_dtype
from headrace.model.lists import check_cells, matrix, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from headrace.model.feeds import Feeds
    from headrace.model.signature import DType, Signature

__all__ = ["RowDecoder", "batch_from_columns", "batch_from_rows"]

_SHOWN = 3
_INT64 = range(-(2**63), 2**63)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_WANTED: dict[DType, str] = {
    "int64": "int64 (a whole number)",
    "float64": "float (a number)",
    "float32": "float (a number)",
    "string": "string",
    "bool": "bool (true or false)",
    "timestamp": "timestamp (a string such as 2024-05-01T12:30:00)",
}


class _Misfit(Exception):  # noqa: N818 - a value that does not fit; never leaves this module
    pass


def _integer(value: Any) -> int:
    kind = type(value)
    if kind is float and value.is_integer():
        value, kind = int(value), int
    if kind is not int:
        raise _Misfit
    if value not in _INT64:
        raise _Misfit("it lies outside the 64-bit range")
    return value  # type: ignore[no-any-return]


def _number(value: Any) -> float:
    kind = type(value)
    if kind is int:
        try:
            return float(value)
        except OverflowError:
            raise _Misfit("it is too large for a float") from None
    if kind is not float:
        raise _Misfit
    if not math.isfinite(value):
        raise _Misfit("NaN and Infinity are no numbers to predict from: write null for a missing value")
    return value  # type: ignore[no-any-return]


def _number32(value: Any) -> float:
    number = _number(value)
    if abs(number) > 3.4028235677973366e38:
        raise _Misfit("it is too large for a 32-bit float")
    return number


def _string(value: Any) -> str:
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            # JSON can write half of a surrogate pair, which is no text.
            raise _Misfit("it is not Unicode text: half of a surrogate pair stands alone") from None
        return value
    if type(value) is dict and value.keys() == {"b64"} and type(value["b64"]) is str:
        try:
            return base64.b64decode(value["b64"], validate=True).decode()
        except (binascii.Error, ValueError):
            raise _Misfit("its b64 is not base64 of UTF-8 text") from None
    raise _Misfit


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise _Misfit
    return value


def _timestamp(value: Any) -> int:
    if isinstance(value, dt.datetime):
        moment = value
    elif type(value) is str:
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            raise _Misfit from None
    else:
        raise _Misfit
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return (moment - _EPOCH) // _MICROSECOND


def _anything(value: Any) -> Any:
    return value


_CONVERT: dict[DType, Callable[[Any], Any]] = {
    "int64": _integer,
    "float64": _number,
    "float32": _number32,
    "string": _string,
    "bool": _bool,
    "timestamp": _timestamp,
}
# Columns whose values are all of this type need no look at each value, but for the bounds that are checked at once.
_PLAIN: dict[DType, type] = {"int64": int, "float64": float, "string": str, "bool": bool}


@dataclass(frozen=True)
class _Field:
    """How one raw column is read."""

    feature: str
    dtype: DType | None  # None: only whether it is missing matters
    value_input: str | None
    mask_input: str | None
    wide: bool
    absent_input: str | None = None
    size: int | str | None = None  # items of a list, or "M" for any number; None for one value a row

    def convert(self, value: Any) -> Any:
        if self.size is None:
            return value if self.dtype is None else _CONVERT[self.dtype](value)
        if type(value) is not list:
            raise _Misfit
        if isinstance(self.size, int) and len(value) != self.size:
            raise _Misfit(f"it has {len(value)} items")
        for place, item in enumerate(value):
            if item is None:
                if isinstance(self.size, int) and self.absent_input is None:
                    raise _Misfit(f"item {place} is null, and no item was missing in training")
            elif self.dtype is not None:
                try:
                    _CONVERT[self.dtype](item)
                except _Misfit as misfit:
                    raise _Misfit(f"item {place} is {_show(item)}", *misfit.args) from None
        return value

    @property
    def wanted(self) -> str:
        """What a value is, in words."""
        one = "any value" if self.dtype is None else _WANTED[self.dtype]
        if self.size is None:
            return one
        return f"list, each item {one}" if self.size == "M" else f"list of {self.size} items, each {one}"


class RowDecoder:
    """Reads rows for one signature; made once for a model, used for every request, from any thread.

    Rules: integers take whole numbers (``25.0`` too), floats take finite numbers, strings take strings (or
    ``{"b64": …}``), booleans only booleans, timestamps ISO 8601 strings. Nothing is guessed: ``"25"`` is no number.
    A column that may be missing may be absent or null; no other may. Columns in ``signature.ignored`` are dropped.
    A column of lists takes arrays of such values, of any length unless the signature tells one; an item that is null is
    missing.
    """

    def __init__(self, signature: Signature) -> None:
        values = {i.feature: i for i in signature.inputs if i.role == "value"}
        masks = {i.feature: i for i in signature.inputs if i.role == "missing"}
        absent = {i.feature: i for i in signature.inputs if i.role == "absent"}
        self._fields = []
        for name in signature.features:
            value, mask, hole = values.get(name), masks.get(name), absent.get(name)
            some = value or mask
            lists = value or hole
            self._fields.append(
                _Field(
                    name,
                    value.dtype if value else None,
                    value.name if value else None,
                    mask.name if mask else None,
                    wide=some is not None and len(some.shape) == 2 and not some.is_list,
                    absent_input=hole.name if hole else None,
                    size=lists.shape[1] if lists and lists.is_list else None,
                )
            )
        self._any_length = {
            item.name: fill_value(item.dtype) if item.role == "value" else True
            for item in signature.inputs
            if item.is_list and isinstance(item.shape[1], str)
        }
        self._by_name = {field.feature: field for field in self._fields}
        self._known = frozenset(self._by_name) | frozenset(signature.ignored)

    @property
    def only_field(self) -> str | None:
        """The name of the model's one column, or None where it has more."""
        return self._fields[0].feature if len(self._fields) == 1 else None

    @property
    def lists(self) -> frozenset[str]:
        """Names of the columns that take lists."""
        return frozenset(field.feature for field in self._fields if field.size is not None)

    def feeds_from_rows(self, rows: Sequence[Any]) -> Feeds:
        """Decode a list of objects; RequestError names every kind of misfit in the first three rows that have one."""
        known = self._known
        for row in rows:
            if type(row) is not dict or not row.keys() <= known:
                raise self._complain(rows)
        feeds: Feeds = {}
        for field in self._fields:
            name = field.feature
            if not self._fill(field, [row.get(name) for row in rows], feeds):
                raise self._complain(rows)
        return _as_wide(feeds, self._any_length)

    def feeds_from_columns(self, columns: Mapping[str, Any]) -> Feeds:
        """Decode an object of lists of one length."""
        rows = self._column_length(columns)
        feeds: Feeds = {}
        for field in self._fields:
            values = columns.get(field.feature)
            if not self._fill(field, values if values is not None else list(repeat(None, rows)), feeds):
                raise self._complain(_RowsOfColumns(columns, rows))
        return _as_wide(feeds, self._any_length)

    def batch(self, rows: Sequence[Any]) -> pa.RecordBatch:
        """Decode rows into a record batch of the model's columns."""
        feeds = self.feeds_from_rows(rows)
        return self._to_batch(feeds, len(rows), lambda name: [row.get(name) for row in rows])

    def batch_from_columns(self, columns: Mapping[str, Any]) -> pa.RecordBatch:
        """Decode columns into a record batch of the model's columns."""
        feeds, rows = self.feeds_from_columns(columns), self._column_length(columns)
        return self._to_batch(feeds, rows, lambda name: columns.get(name) or [None] * rows)

    def _fill(self, field: _Field, values: Any, feeds: Feeds) -> bool:
        """Put one column into the feeds; False where a value does not fit."""
        kinds = set(map(type, values))
        if type(None) in kinds:
            if field.mask_input is None:
                return False
            kinds.discard(type(None))
            mask = np.fromiter((value is None for value in values), np.bool_, len(values))
        else:
            mask = np.zeros(len(values), np.bool_)
        if field.mask_input is not None:
            feeds[field.mask_input] = mask.reshape(-1, 1) if field.wide else mask
        if field.size is not None:
            return kinds <= {list} and self._fill_lists(field, values, feeds)
        if field.dtype is None or field.value_input is None:
            return True
        array = self._array(field.dtype, values, kinds)
        if array is None:
            return False
        feeds[field.value_input] = array.reshape(-1, 1) if field.wide else array
        return True

    def _fill_lists(self, field: _Field, values: Any, feeds: Feeds) -> bool:
        """Put a column of lists into the feeds; None stands for a list that is missing."""
        lists = [() if value is None else value for value in values]
        lengths = np.fromiter(map(len, lists), np.int64, len(lists))
        width = max(int(lengths.max(initial=0)), 1)
        if isinstance(field.size, int):
            width = field.size
            if any(value is not None and len(value) != width for value in values):
                return False
        check_cells(len(lists), width, field.feature)
        items = [item for value in lists for item in value]
        kinds = set(map(type, items))
        if type(None) in kinds:
            if isinstance(field.size, int) and field.absent_input is None:
                return False
            kinds.discard(type(None))
        if field.absent_input is not None:
            absent = ~within(lengths, width)
            absent[~absent] = [item is None for item in items]
            feeds[field.absent_input] = absent
        if field.dtype is None or field.value_input is None:
            return True
        array = self._array(field.dtype, items, kinds)
        if array is None:
            return False
        feeds[field.value_input] = matrix(array, lengths, width, fill_value(field.dtype))
        return True

    def _array(self, dtype: DType, values: Any, kinds: set[type]) -> Any:
        fill = fill_value(dtype)
        plain = kinds <= {_PLAIN.get(dtype)}
        try:
            if not plain:
                convert = _CONVERT[dtype]
                values = [fill if value is None else convert(value) for value in values]
            elif type(None) in map(type, values):
                values = [fill if value is None else value for value in values]
            array = np.array(values, numpy_dtype(dtype))
            if dtype == "string" and not (whole := "".join(values)).isascii():
                whole.encode()
        except (_Misfit, OverflowError, UnicodeEncodeError):
            return None
        if plain and dtype == "float64" and not np.isfinite(array).all():
            return None
        return array

    def _column_length(self, columns: Any) -> int:
        if type(columns) is not dict:
            raise RequestError("Columns are an object of lists, one for each column of the model", got=_show(columns))
        lengths: dict[int, str] = {}
        for name, values in columns.items():
            if name not in self._known:
                raise RequestError(
                    "Columns must be columns of the model", got=name, fix=did_you_mean(name, self._known)
                )
            if type(values) is not list:
                raise RequestError(f"Column {name!r} must be a list of values", got=_show(values))
            lengths.setdefault(len(values), name)
        if len(lengths) > 1:
            (first, a), (second, b) = list(lengths.items())[:2]
            raise RequestError(
                "Columns must be of one length", got=f"{first} values of {a!r}, {second} values of {b!r}"
            )
        if not lengths:
            absent = [f.feature for f in self._fields if f.mask_input is None]
            raise RequestError("Columns may not be empty", fix=f"The model reads {absent or list(self._by_name)}")
        return next(iter(lengths))

    def _to_batch(self, feeds: Feeds, rows: int, given: Callable[[str], list[Any]]) -> pa.RecordBatch:
        arrays, names = [], []
        for field in self._fields:
            names.append(field.feature)
            mask = feeds[field.mask_input].reshape(-1) if field.mask_input else None
            dtype = field.dtype or "bool"
            if field.size is not None:
                arrays.append(_list_array(field, given(field.feature)))
                continue
            values = feeds[field.value_input].reshape(-1) if field.value_input else np.zeros(rows, np.bool_)
            arrays.append(pa.array(values, mask=mask).cast(arrow_dtype(dtype)))
        return pa.record_batch(arrays, names=names)

    def _complain(self, rows: Sequence[Any] | _RowsOfColumns) -> RequestError:
        """Look at every row and describe the first ones that do not fit."""
        wrong = 0
        shown: list[str] = []
        fix = None
        for index, row in enumerate(rows):
            problems = self._problems(row)
            if problems:
                wrong += 1
                if len(shown) < _SHOWN:
                    shown.append(f"row {index}: " + ", ".join(text for text, _ in problems))
                    fix = fix or next((advice for _, advice in problems if advice), None)
        return RequestError(
            "Rows must fit the model's signature",
            got="; ".join(shown) + ("; …" if wrong > len(shown) else ""),
            where=f"{wrong} of {len(rows)} rows do not fit",
            fix=fix,
        )

    def _problems(self, row: Any) -> list[tuple[str, str | None]]:
        if type(row) is not dict:
            return [(f"{_show(row)} is not an object with a value for each column", None)]
        found: list[tuple[str, str | None]] = [
            (f"field {name!r} is unknown", did_you_mean(name, self._known)) for name in row if name not in self._known
        ]
        for field in self._fields:
            value = row.get(field.feature)
            if value is None:
                if field.mask_input is None:
                    if field.feature in row:
                        found.append((f"field {field.feature!r} may not be null", "It never was missing in training"))
                    else:
                        found.append((f"field {field.feature!r} is missing", None))
            elif field.dtype is not None or field.size is not None:
                try:
                    field.convert(value)
                except _Misfit as misfit:
                    reason = "".join(f": {part}" for part in misfit.args)
                    wanted = field.wanted
                    found.append(
                        (f"field {field.feature!r}: {_show(value)} is not of expected type: {wanted}{reason}", None)
                    )
        return found


def _as_wide(feeds: Feeds, fills: Mapping[str, Any]) -> Feeds:
    """Fill lists of any length up to one width, see `feeds_from_batch`."""
    width = max((feeds[name].shape[1] for name in fills), default=0)
    for name, fill in fills.items():
        found = feeds[name]
        if found.shape[1] < width:
            check_cells(found.shape[0], width, name)
            feeds[name] = np.full((found.shape[0], width), fill, found.dtype)
            feeds[name][:, : found.shape[1]] = found
    return feeds


def _list_array(field: _Field, values: list[Any]) -> pa.Array:
    """Return decoded lists; items of which only the mask matters are False."""
    convert: Callable[[Any], Any] = _nothing if field.dtype is None else _CONVERT[field.dtype]
    lists = [None if value is None else [None if item is None else convert(item) for item in value] for value in values]
    kind = arrow_dtype(field.dtype or "bool")
    return pa.array(lists, pa.list_(kind, field.size) if isinstance(field.size, int) else pa.list_(kind))


def _nothing(_: Any) -> bool:
    return False


class _RowsOfColumns:
    """Columns seen as rows, for the search of what does not fit."""

    def __init__(self, columns: Mapping[str, Any], rows: int) -> None:
        self._columns = columns
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for index in range(self._rows):
            yield {name: values[index] for name, values in self._columns.items()}


def _show(value: Any) -> str:
    """Show a value as JSON with its type, cut short."""
    names = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    if isinstance(value, list | dict):
        return f"an {names[type(value)]} of {len(value)}" if type(value) in names else type(value).__name__
    # What is no Unicode text is escaped, or the message itself could not be sent.
    text = json.dumps(value, default=repr, ensure_ascii=False).encode(errors="backslashreplace").decode()
    text = text if len(text) <= 60 else text[:60] + "…"
    kind = names.get(type(value), "null" if value is None else type(value).__name__)
    return f"{text} ({kind})"


def batch_from_rows(rows: Sequence[Any], signature: Signature) -> pa.RecordBatch:
    """Decode JSON rows into a record batch.

    Parameters
    ----------
    rows
        Objects of raw values; see :class:`RowDecoder` for the rules.
    signature
        The model's.

    Raises
    ------
    RequestError
        If any row does not fit; names row, field, wanted type and what was given.
    """
    return RowDecoder(signature).batch(rows)


def batch_from_columns(columns: Mapping[str, Any], signature: Signature) -> pa.RecordBatch:
    """Decode JSON columns (an object of lists of one length) into a record batch; RequestError as for rows."""
    return RowDecoder(signature).batch_from_columns(columns)
