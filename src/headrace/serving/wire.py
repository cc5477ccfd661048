"""JSON in and out, with the tokens NaN and Infinity that TensorFlow Serving allows."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import numpy as np

from headrace.errors import RequestError

__all__ = ["decode_json", "encode_json", "finite", "to_plain"]


def decode_json(body: bytes) -> Any:
    """Decode a JSON document.

    Raises
    ------
    RequestError
        If it is none; starts with ``JSON Parse error:`` as TensorFlow Serving's message does.
    """
    if not body.strip():
        raise RequestError("JSON Parse error: The document is empty")
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise RequestError("JSON Parse error: The document is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if b"NaN" in body or b"Infinity" in body:
            return _decode_tokens(body)
        raise RequestError("JSON Parse error: Invalid value", got=str(error)) from error


def _decode_tokens(body: bytes) -> Any:
    try:
        document = json.loads(body.decode())
        if b"\\ud" in body.lower():
            # Half of a surrogate pair is no text, though this decoder lets it through.
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise RequestError("JSON Parse error: The document is nested too deeply") from None
    except ValueError as error:
        raise RequestError("JSON Parse error: Invalid value", got=str(error)) from error
    return document


def finite(arrays: dict[str, np.ndarray[Any, Any]]) -> bool:
    """Say whether no float among the outputs is NaN or infinite."""
    return all(array.dtype.kind != "f" or bool(np.isfinite(array).all()) for array in arrays.values())


def to_plain(name: str, array: np.ndarray[Any, Any]) -> Any:
    """Turn an output into lists. A float32 becomes the float64 of the same value, so that no bit is lost."""
    values = array.tolist()
    return _bytes(values) if name.endswith("_bytes") and array.dtype.kind == "O" else values


def _bytes(values: Any) -> Any:
    if isinstance(values, list):
        return [_bytes(value) for value in values]
    raw = values if isinstance(values, bytes) else str(values).encode()
    return {"b64": base64.b64encode(raw).decode()}


def encode_json(value: Any, *, tokens: bool = False) -> bytes:
    """Encode as JSON, with ``NaN`` and ``Infinity`` where ``tokens``."""
    if tokens:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return msgspec.json.encode(value)
