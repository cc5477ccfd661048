"""The states of accumulators as bytes that later versions can read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

from headrace.errors import DataError
from headrace.statistics.binary import BinaryAccumulator
from headrace.statistics.bools import BoolAccumulator
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.numeric import NumericAccumulator
from headrace.statistics.strings import StringAccumulator
from headrace.statistics.times import TimestampAccumulator

if TYPE_CHECKING:
    from headrace.statistics.columns import ColumnAccumulator

__all__ = ["STATE_VERSION", "dump_column", "load_column"]

# To be raised by whoever changes what is written, who then keeps reading what was written before.
STATE_VERSION = 1

_KINDS: dict[str, Any] = {
    "binary": BinaryAccumulator,
    "bool": BoolAccumulator,
    "numeric": NumericAccumulator,
    "string": StringAccumulator,
    "timestamp": TimestampAccumulator,
}
_ARRAY = 1


def dump_column(accumulator: ColumnAccumulator) -> bytes:
    """Return the state of a built-in accumulator of a column, packed with zstd.

    It is MessagePack: ``{"version", "kind", "settings", "state"}``; an array is an extension of code 1, which holds
    its NumPy type and its bytes, little-endian. `load_column` of this version or a later one gives an accumulator
    that can be merged with those of that version.

    Raises
    ------
    DataError
        If it is not a built-in accumulator.
    """
    kind = next((name for name, known in _KINDS.items() if type(accumulator) is known), None)
    if kind is None:
        raise DataError("States are kept of the accumulators of headrace", got=type(accumulator).__name__)
    known: Any = accumulator
    plain = {
        "version": STATE_VERSION,
        "kind": kind,
        "settings": asdict(known._settings),  # noqa: SLF001 - of its own folder
        "state": known.to_state(),
    }
    packed = msgspec.msgpack.encode(plain, enc_hook=_packed)
    size = len(packed).to_bytes(8, "little")
    compressed: bytes = pa.compress(packed, codec="zstd", asbytes=True)
    return size + compressed


def load_column(data: bytes) -> ColumnAccumulator:
    """Return the accumulator whose state `dump_column` has returned.

    Raises
    ------
    DataError
        If the bytes are not such a state, or one of a later version.
    """
    rule = "The state of a column is bytes that headrace wrote"
    try:
        packed = pa.decompress(data[8:], int.from_bytes(data[:8], "little"), codec="zstd", asbytes=True)
        plain = msgspec.msgpack.decode(packed, ext_hook=_unpacked)
        version, kind = plain["version"], plain["kind"]
    except (
        pa.ArrowException,
        OSError,
        MemoryError,
        OverflowError,
        ValueError,
        msgspec.MsgspecError,
        KeyError,
        TypeError,
    ) as error:
        raise DataError(rule, got=str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    if version != STATE_VERSION or kind not in _KINDS:
        raise DataError(
            rule,
            got=f"version {version}, a {kind} column",
            fix=f"This headrace reads version {STATE_VERSION}; a later one may have written it",
        )
    loaded: ColumnAccumulator = _KINDS[kind].from_state(plain["state"], ColumnSettings(**plain["settings"]))
    return loaded


def _packed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        array = value.astype(value.dtype.newbyteorder("<"), copy=False)
        return msgspec.msgpack.Ext(_ARRAY, array.dtype.str.encode() + b"\0" + array.tobytes())
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(type(value))


def _unpacked(code: int, data: memoryview) -> Any:
    if code != _ARRAY:
        raise ValueError(f"an extension of code {code}")
    dtype, _, content = bytes(data).partition(b"\0")
    # A copy can be written to.
    return np.frombuffer(content, np.dtype(dtype.decode())).astype(np.dtype(dtype.decode()).newbyteorder("="))
