"""JSON values one by one, with the reason for each that does not fit."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from headrace.data.csv_types import convert
from headrace.data.json_types import MAX_DEPTH

if TYPE_CHECKING:
    from headrace.data.json_types import Kind

__all__ = ["arrays_of", "decode", "shown"]

_INT64 = range(-(2**63), 2**63)


class _Misfit(Exception):  # noqa: N818 - a value that does not fit; never leaves this module
    pass


def decode(text: bytes) -> dict[str, Any] | str:
    """Return the object that a row is, or the reason why it is none."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        try:
            value = _with_nan(text)
        except RecursionError:
            return f"nested more than {MAX_DEPTH} deep"
        if value is None:
            return _malformed(error)
    if type(value) is not dict:
        return f"{shown(value)} is not an object"
    return value if _is_shallow(value) else f"nested more than {MAX_DEPTH} deep"


def _malformed(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return f"nested more than {MAX_DEPTH} deep"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason}"
    text = str(error).removeprefix("JSON is malformed: ")
    return f"not valid JSON: {text[:1].lower()}{text[1:]}"


def _with_nan(text: bytes) -> Any:
    """Return what Python's own parser makes of NaN and Infinity, which JSON does not have and Python writes."""
    if b"NaN" not in text and b"Infinity" not in text:
        return None

    def number(digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            raise ValueError(digits)
        return value

    try:
        value = json.loads(text, parse_float=number)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return None
    return value


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            one
            for outer in level
            for one in (outer.values() if type(outer) is dict else outer)
            if type(one) is dict or type(one) is list
        ]
        if not level:
            return True
    return False


def shown(value: Any) -> str:
    """Return a value as JSON, cut where it is long."""
    text = _text(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_WANTED = {
    "int64": "a whole number of 64 bits",
    "float64": "a number",
    "bool": "true or false",
    "list": "an array",
    "struct": "an object",
    "timestamp": "a text",
    "date32": "a text",
}


def _fitted(value: Any, kind: Kind, path: str) -> Any:
    held = type(value)
    if value is None:
        return None
    if kind.name == "string" or kind.given:
        return value if held is str else _text(value)
    if kind.name == "int64" and held is int and value in _INT64:
        return value
    if kind.name == "float64" and (held is int or held is float):
        try:
            return float(value)
        except OverflowError:
            pass
    if kind.name == "bool" and held is bool:
        return value
    if kind.item is not None and held is list:
        return [_fitted(one, kind.item, f"{path}[]") for one in value]
    if kind.name == "struct" and held is dict:
        return {name: _fitted(value.get(name), inner, f"{path}.{name}") for name, inner in kind.fields}
    if kind.name in {"timestamp", "date32"} and held is str:
        return value
    raise _Misfit(f"column {path!r}: {shown(value)} is not {_WANTED[kind.name]}")


def arrays_of(rows: list[dict[str, Any]], kinds: dict[str, Kind]) -> tuple[dict[str, pa.Array], dict[int, str]]:
    """Turn objects into columns.

    Returns
    -------
    arrays
        By name, as long as ``rows``; what stands in a row that does not fit means nothing.
    reasons
        By the index of each row that does not fit.
    """
    reasons: dict[int, str] = {}
    arrays = {}
    for name, kind in kinds.items():
        values: list[Any] = []
        for index, row in enumerate(rows):
            try:
                values.append(_fitted(row.get(name), kind, name))
            except _Misfit as misfit:
                reasons.setdefault(index, str(misfit))
                values.append(None)
        if kind.given or kind.name in {"timestamp", "date32"}:
            texts = pa.array(values, pa.string())
            arrays[name], bad = convert(texts, kind.name)
            if bad is not None:
                for index, is_bad in enumerate(bad.to_pylist()):
                    if is_bad:
                        reasons.setdefault(
                            index, f"column {name!r}: {shown(values[index])} cannot be read as {kind.name}"
                        )
        else:
            arrays[name] = pa.array(values, kind.arrow())
    return arrays, reasons
