"""Mappers of texts."""

from __future__ import annotations

import ndonnx as ndx

from headrace.errors import TransformError
from headrace.transform.checks import column, data_and_mask, with_mask
from headrace.transform.operators import strip_whitespace

__all__ = ["strip"]


def strip(x: ndx.Array) -> ndx.Array:
    r"""Remove the characters `` \t\n\v\f\r`` from both ends of every text; missing stays missing."""
    data, mask = data_and_mask(column(x, "strip", "text"))
    if data.ndim != 1:
        raise TransformError("tft.strip takes one text a row", got=f"{data.ndim} dimensions")
    return with_mask(ndx.asarray(strip_whitespace(data.unwrap_spox())), mask)
