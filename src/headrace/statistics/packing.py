"""Plain values and arrays as packed bytes, and back."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from headrace.errors import DataError

__all__ = ["pack", "unpack"]

_ARRAY, _TABLE = 1, 2
# What unpacks to more than a thousand times its own size is no state.
_RATIO, _SMALL = 1_000, 1_000_000


def pack(value: Any) -> bytes:
    """Return the bytes of plain values, NumPy arrays of one dimension, and Arrow tables, packed with zstd.

    It is MessagePack behind its length in eight bytes; an array is an extension of code 1, which holds its NumPy type
    and its bytes, little-endian, and a table one of code 2, which holds an Arrow IPC stream.
    """
    data = msgspec.msgpack.encode(value, enc_hook=_packed)
    compressed: bytes = pa.compress(data, codec="zstd", asbytes=True)
    return len(data).to_bytes(8, "little") + compressed


def unpack(data: bytes) -> Any:
    """Return what ``pack`` has made bytes of.

    Raises
    ------
    DataError
        If the bytes are something else, or are cut or damaged.
    """
    try:
        size = int.from_bytes(data[:8], "little")
        if size > _RATIO * len(data) + _SMALL:
            raise ValueError(f"{size:,} bytes in {len(data):,}")  # noqa: TRY301 - told like the other kinds of damage
        plain = pa.decompress(data[8:], decompressed_size=size, codec="zstd", asbytes=True)
        return msgspec.msgpack.decode(plain, ext_hook=_unpacked)
    except (OSError, ValueError, TypeError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise DataError(
            "A state is bytes that headrace wrote, whole and as they were", got=str(error).partition("\n")[0]
        ) from error


def _packed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        array = value.astype(value.dtype.newbyteorder("<"), copy=False)
        return msgspec.msgpack.Ext(_ARRAY, array.dtype.str.encode() + b"\0" + array.tobytes())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, pa.Table):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, value.schema) as writer:
            writer.write_table(value)
        return msgspec.msgpack.Ext(_TABLE, sink.getvalue().to_pybytes())
    raise NotImplementedError(type(value))


def _unpacked(code: int, data: memoryview) -> Any:
    if code == _TABLE:
        return pa.ipc.open_stream(bytes(data)).read_all()
    if code != _ARRAY:
        raise ValueError(f"an extension of code {code}")
    kind, _, content = bytes(data).partition(b"\0")
    dtype = np.dtype(kind.decode())
    # A copy can be written to.
    return np.frombuffer(content, dtype).astype(dtype.newbyteorder("="))
