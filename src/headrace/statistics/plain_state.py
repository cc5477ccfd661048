"""States of accumulators as bytes: plain values, arrays and tables, and nothing that could run."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from headrace.errors import DataError

__all__ = ["decode", "encode"]

# Classes of these packages may stand in a state; their attributes are all there is to them.
_PACKAGES = ("headrace.engines.", "headrace.statistics.")


def encode(value: Any) -> bytes:
    """Return the bytes of a state.

    Parameters
    ----------
    value
        None, truth values, numbers, texts, bytes, lists, tuples, sets, dicts, NumPy arrays, Arrow arrays and tables,
        and objects of accumulators' classes whose attributes are such values.

    Raises
    ------
    TypeError
        If there is anything else in it.
    """
    return msgspec.msgpack.encode(_plain(value))


def decode(data: bytes) -> Any:
    """Return the state that ``encode`` has made bytes of.

    Raises
    ------
    DataError
        If it is not one, or holds objects of classes that are not accumulators'.
    """
    try:
        return _restored(msgspec.msgpack.decode(data))
    except (
        *(msgspec.DecodeError, pa.ArrowException, ValueError, TypeError, KeyError, IndexError),
        *(AttributeError, RecursionError, ImportError),
    ) as error:
        raise DataError("A state is one that headrace has written", got=str(error)) from error


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | float | str | bytes):
        return value
    if isinstance(value, np.generic):
        return ["scalar", value.dtype.str, value.tobytes()]
    if isinstance(value, int):
        # What msgpack has no room for goes as text.
        return value if -(1 << 63) <= value < 1 << 63 else ["int", str(value)]
    if isinstance(value, list | tuple | set | frozenset):
        return [type(value).__name__, [_plain(one) for one in value]]
    if isinstance(value, dict):
        return ["dict", [[_plain(key), _plain(one)] for key, one in value.items()]]
    if isinstance(value, np.dtype):
        return ["dtype", value.str]
    if isinstance(value, type) and issubclass(value, np.generic):
        return ["scalar type", np.dtype(value).str]
    if isinstance(value, np.ndarray):
        return ["array", value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]
    if isinstance(value, pa.Array):
        return ["arrow", _ipc(pa.table([value], names=["values"]))]
    if isinstance(value, pa.Table):
        return ["table", _ipc(value)]
    if isinstance(value, pa.DataType):
        return ["type", pa.schema([pa.field("values", value)]).serialize().to_pybytes()]
    kind = type(value)
    name = f"{kind.__module__}:{kind.__qualname__}"
    if not name.startswith(_PACKAGES):
        raise TypeError(f"a state has no place for a {name}")
    state = value.__getstate__()
    if isinstance(value, msgspec.Struct):
        state = {field: getattr(value, field) for field in value.__struct_fields__}
    if not isinstance(state, dict):
        raise TypeError(f"a state has no place for a {name} without attributes")
    return ["object", name, [[key, _plain(one)] for key, one in state.items()]]


def _ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _restored(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, *parts = value
    if kind in ("list", "tuple", "set", "frozenset"):
        maker = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind]
        return maker(_restored(one) for one in parts[0])
    if kind == "dict":
        return {_restored(key): _restored(one) for key, one in parts[0]}
    if kind == "int":
        return int(parts[0])
    if kind == "scalar":
        return np.frombuffer(parts[1], _dtype(parts[0]))[0]
    if kind == "dtype":
        return _dtype(parts[0])
    if kind == "scalar type":
        return _dtype(parts[0]).type
    if kind == "array":
        # A copy, since what is read from bytes cannot be written to.
        return np.frombuffer(parts[2], _dtype(parts[0])).reshape(parts[1]).copy()
    if kind == "type":
        return pa.ipc.read_schema(pa.py_buffer(parts[0])).field(0).type
    if kind in ("arrow", "table"):
        table = pa.ipc.open_stream(parts[0]).read_all()
        if kind == "table":
            return table
        column = table.column(0)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if kind == "object":
        return _object(parts[0], parts[1])
    raise ValueError(f"a part of kind {kind!r}")


def _dtype(text: str) -> np.dtype[Any]:
    found = np.dtype(text)
    if found.hasobject:
        raise ValueError(f"an array of {text}")
    return found


def _object(name: str, attributes: list[Any]) -> Any:
    module, _, qualname = name.partition(":")
    if not name.startswith(_PACKAGES) or not module.replace(".", "").replace("_", "").isalnum():
        raise ValueError(f"an object of {name}")
    kind = getattr(import_module(module), qualname)
    if not isinstance(kind, type) or kind.__module__ != module:
        raise ValueError(f"an object of {name}")
    state = {key: _restored(one) for key, one in attributes}
    if issubclass(kind, msgspec.Struct):
        return kind(**state)
    made: Any = kind.__new__(kind)
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
    else:
        made.__dict__.update(state)
    return made
