"""Values as databases' drivers give them, as Arrow arrays."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["ARROW_TYPES", "kind_of_values", "to_array", "value_kinds"]

ARROW_TYPES = {
    "int64": pa.int64(),
    "float64": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "date32": pa.date32(),
    "bytes": pa.binary(),
}
_EXACT: dict[str, set[type]] = {
    "int64": {int},
    "float64": {float},
    "string": {str},
    "bool": {bool},
    "timestamp": {dt.datetime},
    "date32": {dt.date},
    "bytes": {bytes},
}
_SHOWN = 60


def value_kinds(values: Iterable[Any]) -> set[type]:
    """Return the types of the values, without that of missing ones."""
    return set(map(type, values)) - {type(None)}


def kind_of_values(types: set[type]) -> str:
    """Return the narrowest type that holds values of all these Python types; text holds everything."""
    numbers = {bool, int, float, decimal.Decimal}
    if types and types <= {bool}:
        return "bool"
    if types and types <= {bool, int}:
        return "int64"
    if types and types <= numbers:
        return "float64"
    if types and types <= {dt.date}:
        return "date32"
    if types and types <= {dt.date, dt.datetime}:
        return "timestamp"
    if types and types <= {bytes, bytearray, memoryview}:
        return "bytes"
    return "string"


def to_array(values: Sequence[Any], kind: str) -> tuple[pa.Array, dict[int, str]]:
    """Return the values as an array.

    Returns
    -------
    tuple
        The array, and the rows whose values are not of the kind, with the reason; in the array they are missing.
    """
    exact = _exact_array(values, kind)
    if exact is not None:
        return exact, {}
    convert = _CONVERTERS[kind]
    problems = {}
    converted = []
    for row, value in enumerate(values):
        try:
            converted.append(None if value is None else convert(value))
        except (ValueError, TypeError, OverflowError):
            shown = repr(value)
            shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
            problems[row] = f"{shown} is not of type {kind}"
            converted.append(None)
    return pa.array(converted, ARROW_TYPES[kind]), problems


def _exact_array(values: Sequence[Any], kind: str) -> pa.Array | None:
    """Return the array where all values are just of the kind; None where each is to be looked at."""
    if not value_kinds(values) <= _EXACT[kind]:
        return None
    if kind == "timestamp" and any(value is not None and value.tzinfo is not None for value in values):
        # Whether Arrow looks at zones depends on the environment.
        return None
    try:
        return pa.array(values, ARROW_TYPES[kind])
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
        return None


def _integer(value: Any) -> int:
    if isinstance(value, (int, float, decimal.Decimal)) and value == int(value):
        number = int(value)
        if -(2**63) <= number < 2**63:
            return number
    raise ValueError(value)


def _number(value: Any) -> float:
    if isinstance(value, (int, float, decimal.Decimal)):
        number = float(value)
        if math.isinf(number) and not isinstance(value, float) and value == int(value):
            raise ValueError(value)
        return number
    raise ValueError(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        # A lone surrogate is no text.
        value.encode()
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode()
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def _truth(value: Any) -> bool:
    if isinstance(value, (bool, int)) and value in {0, 1}:
        return bool(value)
    raise ValueError(value)


def _moment(value: Any) -> dt.datetime:
    moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(moment, dt.datetime):
        return moment if moment.tzinfo is None else moment.astimezone(dt.UTC).replace(tzinfo=None)
    if isinstance(moment, dt.date):
        return dt.datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - without a zone, as the column
    raise ValueError(value)


def _date(value: Any) -> dt.date:
    if isinstance(value, (str, dt.datetime)):
        moment = _moment(value)
        if moment.time() == dt.time():
            return moment.date()
    elif isinstance(value, dt.date):
        return value
    raise ValueError(value)


def _binary(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise ValueError(value)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "int64": _integer,
    "float64": _number,
    "string": _text,
    "bool": _truth,
    "timestamp": _moment,
    "date32": _date,
    "bytes": _binary,
}
