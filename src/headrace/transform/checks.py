"""Checks of what mappers and analyzers are given."""

from __future__ import annotations

from typing import Any, Literal

import ndonnx as ndx
import ndonnx.extensions as nde

from headrace.errors import TransformError

__all__ = ["column", "data_and_mask", "is_text", "kind_of", "positive", "with_mask"]

Kind = Literal["number", "text", "truth", "time", "other"]
_WORDS: dict[str, str] = {"number": "numbers", "text": "texts", "truth": "truth values", "time": "times"}
_REMEDIES = {
    "text": "Texts become ids with tft.compute_and_apply_vocabulary or tft.hash_strings, numbers with tft.parse_number",
    "time": "Times become numbers with .astype('int64') or tft.date_part",
    "truth": "Truth values become numbers with .astype('int64')",
    "number": "Numbers become ids with tft.bucketize, integers with tft.hash_strings; texts with .astype(ndonnx.utf8)",
}

_UNKNOWN = "; if it is a column of numbers, look whether it has any: without one it is read as texts"


def kind_of(x: ndx.Array) -> Kind:
    """Return what sort of values an array has."""
    dtype = x.dtype
    if dtype in (ndx.utf8, ndx.nutf8):
        return "text"
    if dtype in (ndx.bool, ndx.nbool):
        return "truth"
    if nde.is_numeric_dtype(dtype) or nde.is_nullable_numeric_dtype(dtype):
        return "number"
    if isinstance(dtype, ndx.DateTime64DType | ndx.TimeDelta64DType):
        return "time"
    return "other"


def is_text(x: ndx.Array) -> bool:
    """Whether an array has texts."""
    return kind_of(x) == "text"


def column(x: Any, function: str, *kinds: Kind) -> ndx.Array:
    """Return ``x`` if it is a column of one of the kinds.

    Raises
    ------
    TransformError
        Otherwise; it says what the function takes and what turns the one into the other.
    """
    if not isinstance(x, ndx.Array):
        raise TransformError(
            f"tft.{function} takes a column", got=f"{type(x).__name__}: {x!r}", fix="Give inputs['name'], not its name"
        )
    if x.ndim == 0:
        raise TransformError(f"tft.{function} takes a column", got="a single value")
    kind = kind_of(x)
    if kinds and kind not in kinds:
        raise TransformError(
            f"tft.{function} takes {' or '.join(_WORDS[item] for item in kinds)}",
            got=f"a column of {x.dtype}",
            fix=_REMEDIES.get(kind) if kind != "text" or "number" not in kinds else _REMEDIES["text"] + _UNKNOWN,
        )
    return x


def positive(value: int | None, function: str, parameter: str, least: int = 1) -> None:
    """Raise TransformError unless a parameter is an integer of at least ``least``, or None."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise TransformError(f"{parameter} of tft.{function} is an integer of at least {least}", got=value)


def data_and_mask(x: ndx.Array) -> tuple[ndx.Array, ndx.Array | None]:
    """Split a column into values and the mask that is True where they are missing."""
    if nde.is_nullable_dtype(x.dtype):
        return nde.get_data(x), nde.get_mask(x)
    return x, None


def with_mask(x: ndx.Array, mask: ndx.Array | None) -> ndx.Array:
    """Put values and mask together again."""
    together: ndx.Array = x if mask is None else nde.make_nullable(x, mask)
    return together
