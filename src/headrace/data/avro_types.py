"""Avro schemas to Arrow types, and Avro values to those that Arrow takes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Column", "columns_of", "without_logical_types"]

_PLAIN: dict[str, pa.DataType] = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
}
# Of decimals: what has more digits after its point is 0 in float64.
MAX_SCALE = 300
_NUMBERS = frozenset({"int", "long", "float", "double"})
_SCALES: dict[str, tuple[int, int]] = {
    "timestamp-millis": (1000, 1),
    "timestamp-micros": (1, 1),
    "timestamp-nanos": (1, 1000),
    "local-timestamp-millis": (1000, 1),
    "local-timestamp-micros": (1, 1),
    "local-timestamp-nanos": (1, 1000),
    "time-millis": (1000, 1),
    "time-micros": (1, 1),
}


@dataclass(frozen=True)
class Column:
    """A field of the records.

    Parameters
    ----------
    type
        The Arrow type.
    convert
        Turns a decoded value, not null, into what Arrow takes; None where it does already.
    """

    type: pa.DataType
    convert: Callable[[Any], Any] | None = None

    @property
    def may_misfit(self) -> bool:
        """Whether there are values of the type in the file that the Arrow type cannot hold."""
        return self.convert is not None or pa.types.is_nested(self.type) or pa.types.is_temporal(self.type)

    def value(self, value: Any) -> Any:
        """Return a value as Arrow takes it."""
        return value if value is None or self.convert is None else self.convert(value)


def columns_of(schema: Any, where: str) -> dict[str, Column]:
    """Return the columns of a file of records.

    Raises
    ------
    DataError
        If the schema is not of records, or a field's type cannot be a column.
    """
    if not isinstance(schema, dict) or schema.get("type") != "record" or not schema.get("fields"):
        raise DataError("The rows of an Avro file are records with fields", got=str(schema)[:100], where=where)
    found = {}
    reader = _Reader(where)
    try:
        reader.name(schema)
        for name, kind in _fields(schema):
            found[name] = reader.column(kind, name, ())
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            "The schema of the file is not Avro", got=f"{type(error).__name__}: {error}", where=where
        ) from error
    return found


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    seen = set()
    for field in schema["fields"]:
        name = field["name"]
        if not isinstance(name, str) or name in seen:
            raise ValueError(f"two fields {name!r}" if isinstance(name, str) else f"the name {name!r} of a field")
        seen.add(name)
        yield name, field["type"]


class _Reader:
    def __init__(self, where: str) -> None:
        self._where = where
        self._named: dict[str, Any] = {}

    def name(self, schema: dict[str, Any]) -> str:
        """Remember a named type, under its full name and the short one."""
        name = str(schema["name"])
        self._named[name] = schema
        space = schema.get("namespace", "")
        if "." not in name and space:
            self._named[f"{space}.{name}"] = schema
            name = f"{space}.{name}"
        self._named.setdefault(name.rpartition(".")[2], schema)
        return name

    def _refuse(self, column: str, kind: str, fix: str) -> DataError:
        return DataError(f"Column {column!r} is of a type that cannot be used", got=kind, where=self._where, fix=fix)

    def column(self, schema: Any, column: str, inside: tuple[int, ...]) -> Column:
        if isinstance(schema, list):
            return self._union(schema, column, inside)
        if isinstance(schema, str):
            if schema in _PLAIN:
                return Column(_PLAIN[schema])
            if schema not in self._named and schema.rpartition(".")[2] in self._named:
                schema = schema.rpartition(".")[2]
            if schema not in self._named:
                raise self._refuse(column, f"the unknown type {schema!r}", "Write the file again")
            return self.column(self._named[schema], column, inside)
        kind = schema["type"]
        if kind in {"record", "error", "enum", "fixed"}:
            self.name(schema)
        logical = self._logical(schema, kind)
        if logical is not None:
            return logical
        if kind in {"record", "error"}:
            return self._record(schema, column, inside)
        if kind == "enum":
            return Column(pa.string())
        if kind == "fixed":
            return Column(pa.binary())
        if kind == "array":
            item = self.column(schema["items"], column, inside)
            if self._is_empty(schema["items"]):
                # A few bytes would be as many items as they please.
                raise self._refuse(column, "arrays of items that take no bytes", "Write the file without it")
            each = item.value
            made = None if item.convert is None else lambda values: [each(one) for one in values]
            return Column(pa.list_(item.type), made)
        if kind == "map":
            item = self.column(schema["values"], column, inside)
            each = item.value
            entries = pa.list_(pa.struct([("key", pa.string()), ("value", item.type)]))
            return Column(entries, lambda pairs: [{"key": key, "value": each(one)} for key, one in pairs.items()])
        return self.column(kind, column, inside)

    def _record(self, schema: Any, column: str, inside: tuple[int, ...]) -> Column:
        if id(schema) in inside:
            raise self._refuse(
                column, f"the record {schema['name']!r} that holds itself", "Leave it out with columns=[...]"
            )
        fields = {name: self.column(kind, column, (*inside, id(schema))) for name, kind in _fields(schema)}
        made = {name: field for name, field in fields.items() if field.convert is not None}
        convert = (
            (lambda record: record | {name: field.value(record[name]) for name, field in made.items()})
            if made
            else None
        )
        return Column(pa.struct([(name, field.type) for name, field in fields.items()]), convert)

    def _is_empty(self, schema: Any) -> bool:
        """Tell whether values of a type, which has a column, take no bytes."""
        if isinstance(schema, list):
            return False
        if isinstance(schema, str):
            known = self._named.get(schema, self._named.get(schema.rpartition(".")[2]))
            return schema == "null" or (schema not in _PLAIN and known is not None and self._is_empty(known))
        if schema["type"] in {"record", "error"}:
            return all(self._is_empty(kind) for _, kind in _fields(schema))
        if schema["type"] == "fixed":
            return int(schema["size"]) < 1
        return schema["type"] not in {"array", "map", "enum"} and self._is_empty(schema["type"])

    def _union(self, schemas: list[Any], column: str, inside: tuple[int, ...]) -> Column:
        others = [one for one in schemas if one != "null"]
        if not others:
            return Column(pa.null())
        if len(others) == 1:
            return self.column(others[0], column, inside)
        for one in others:
            self.column(one, column, inside)
        if all(isinstance(one, str) and one in _NUMBERS for one in others):
            return Column(pa.float64(), float)
        return Column(pa.string(), _text)

    @staticmethod
    def _logical(schema: dict[str, Any], kind: Any) -> Column | None:
        logical = schema.get("logicalType")
        if logical == "date" and kind == "int":
            return Column(pa.date32())
        if logical in _SCALES and kind in {"int", "long"}:
            times, over = _SCALES[logical]
            target = pa.int64() if logical.startswith("time-") else pa.timestamp("us")
            return Column(target, None if times == over else lambda value: value * times // over)
        scale = schema.get("scale", 0)
        # Logical types that make no sense are to be passed over, as the specification says.
        if logical == "decimal" and kind in {"bytes", "fixed"} and type(scale) is int and 0 <= scale <= MAX_SCALE:
            unit = 10**scale
            return Column(pa.float64(), lambda value: int.from_bytes(value, "big", signed=True) / unit)
        return None


def _text(value: Any) -> str:
    def plain(one: Any) -> str:
        return one.decode("latin-1") if isinstance(one, bytes) else str(one)

    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=plain)


def without_logical_types(schema: Any) -> Any:
    """Return the schema with the types that stand beneath, so that values are decoded as they are written."""
    if isinstance(schema, list):
        return [without_logical_types(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: without_logical_types(value) if key in {"type", "items", "values", "fields"} else value
        for key, value in schema.items()
        if key != "logicalType"
    }
