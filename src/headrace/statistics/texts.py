"""Which values are texts, and how long they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engines.hashing import byte_lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["text_lengths"]


def text_lengths(values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """Return the lengths in characters of strings or byte strings without nulls, and which are UTF-8.

    Returns
    -------
    lengths
        One for each; of no meaning where the value is not UTF-8.
    valid
        None where all are.
    """
    lengths, ascii_only = byte_lengths(values)
    if ascii_only:
        return lengths, None
    raw = values.cast(pa.large_binary())
    try:
        texts = raw.cast(pa.large_string())
    except pa.ArrowInvalid:
        valid = np.fromiter((_is_text(value) for value in raw.to_pylist()), bool, len(raw))
        texts = pc.if_else(pa.array(valid), raw, b"").cast(pa.large_string())
        return pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64), valid
    return pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64), None


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
