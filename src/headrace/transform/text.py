"""Mappers of texts.

They take one text a row, or lists of texts, and treat each text by itself; missing stays missing. A text has Unicode
characters (code points), as in Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v20 as op20
import spox.opset.ai.onnx.v21 as op

from headrace.errors import TransformError
from headrace.transform.checks import column, data_and_mask, with_mask
from headrace.transform.lineage import infos
from headrace.transform.lists import item_mask, list_column
from headrace.transform.operators import (
    change_case,
    const,
    equals,
    full_match,
    join_strings,
    literal,
    matches,
    split_strings,
    strip_whitespace,
)
from headrace.transform.trace import current_trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from spox import Var

__all__ = [
    "concat",
    "each",
    "filled",
    "join",
    "length",
    "lower",
    "one_a_row",
    "parse_number",
    "split",
    "strip",
    "text_of",
    "upper",
]


def each(x: Any, function: str, work: Callable[[Var], Var]) -> ndx.Array:
    """Work on the texts of a column as a vector, and give them the column's shape and mask again."""
    data, mask = data_and_mask(column(x, function, "text"))
    texts = data.unwrap_spox()
    if data.ndim == 1:
        return with_mask(ndx.asarray(work(texts)), mask)
    flat = op.reshape(texts, const(np.array([-1])))
    return with_mask(ndx.asarray(op.reshape(work(flat), op.shape(texts))), mask)


def one_a_row(x: ndx.Array, function: str) -> ndx.Array:
    """Return a column if it has one text a row; raise TransformError otherwise."""
    x = column(x, function, "text")
    if x.ndim != 1:
        raise TransformError(f"tft.{function} takes one text a row", got=f"{x.ndim} dimensions")
    return x


def text_of(value: Any, function: str, parameter: str, *, empty: bool = False) -> str:
    """Return a parameter if it is a text; raise TransformError otherwise."""
    if not isinstance(value, str) or (not value and not empty):
        raise TransformError(
            f"{parameter} of tft.{function} is a text" + ("" if empty else " that is not empty"), got=repr(value)
        )
    return value


def strip(x: ndx.Array) -> ndx.Array:
    r"""Remove the characters `` \t\n\v\f\r`` from both ends of every text.

    Returns
    -------
    ndonnx.Array
        Texts of the shape of ``x``; missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": [" a", "b"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.strip(inputs["x"]) == "a"})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    return each(x, "strip", strip_whitespace)


def lower(x: ndx.Array) -> ndx.Array:
    """Turn every letter into its small form, each character for itself.

    Returns
    -------
    ndonnx.Array
        Texts of the shape of ``x``; missing stays missing. What becomes several characters in Python stays one here.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["ÉCOLE", "b"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.lower(inputs["x"]) == "école"})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    return each(x, "lower", lambda texts: change_case(texts, "LOWER"))


def upper(x: ndx.Array) -> ndx.Array:
    """Turn every letter into its capital form, each character for itself.

    Returns
    -------
    ndonnx.Array
        Texts of the shape of ``x``; missing stays missing. ``ß`` stays, as it has no capital of one character.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["école", "b"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.upper(inputs["x"]) == "ÉCOLE"})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    return each(x, "upper", lambda texts: change_case(texts, "UPPER"))


def split(x: ndx.Array, separator: str | None = None) -> ndx.Array:
    r"""Split texts into lists.

    Parameters
    ----------
    x
        Texts ``[N]``.
    separator
        What stands between the parts, as it is: ``"a,,b"`` has three. Any number of white space characters
        (`` \t\n\v\f\r``) when None; then no part is empty.

    Returns
    -------
    ndonnx.Array
        Lists of texts (see ``tft.pad_lists``); an empty list for an empty and for a missing text.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a  b", "c"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.pad_lists(tft.split(inputs["x"]), 2, "") == "c"})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [[0, 0], [1, 0]]
    """
    data, mask = data_and_mask(one_a_row(x, "split"))
    if separator is None:
        parts = matches(filled(data, mask), r"[^\t\n\v\f\r ]+")
        return with_mask(ndx.asarray(parts), ndx.asarray(equals(parts, "")))
    parts, counts = split_strings(filled(data, mask), text_of(separator, "split", "separator"))
    places = op17.range(
        const(np.int64(0)),
        op.squeeze(op.shape(parts, start=1, end=2), const(np.array([0]))),
        const(np.int64(1)),
    )
    absent = ndx.asarray(op17.greater_or_equal(places, op.unsqueeze(counts, const(np.array([1])))))
    current_trace("split").lengths[infos(absent)[0]] = counts
    return with_mask(ndx.asarray(parts), absent)


def filled(data: ndx.Array, mask: ndx.Array | None) -> Var:
    """Return the texts, the empty one in place of a missing one."""
    return (data if mask is None else ndx.where(mask, literal(""), data)).unwrap_spox()


def join(x: ndx.Array, separator: str = "") -> ndx.Array:
    """Join the texts of each list.

    Returns
    -------
    ndonnx.Array
        Texts ``[N]``, never missing: ``""`` for an empty list.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a b", "c"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.join(tft.split(inputs["x"]), "-") == "a-b"})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    x = list_column(x, "join", "text")
    separator = text_of(separator, "join", "separator", empty=True)
    return ndx.asarray(join_strings(data_and_mask(x)[0].unwrap_spox(), item_mask(x).unwrap_spox(), separator))


def concat(*parts: ndx.Array | str, separator: str = "") -> ndx.Array:
    """Join columns and fixed texts, row by row.

    Parameters
    ----------
    parts
        Columns of texts ``[N]``, and texts; at least one column.
    separator
        Stands between them.

    Returns
    -------
    ndonnx.Array
        Texts ``[N]``; missing where any column is.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a", "b"], "y": ["c", "d"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.concat(inputs["x"], "/", inputs["y"]) == "a/c"})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    separator = text_of(separator, "concat", "separator", empty=True)
    if not any(isinstance(part, ndx.Array) for part in parts):
        raise TransformError("tft.concat takes at least one column", got=repr(parts))
    mask = None
    joined: Var | None = None
    for number, part in enumerate(parts):
        if isinstance(part, str):
            piece = const(np.array(part))
        else:
            data, other = data_and_mask(one_a_row(part, "concat"))
            piece = data.unwrap_spox()
            mask = other if mask is None else mask if other is None else mask | other
        if number and separator:
            assert joined is not None
            joined = op20.string_concat(joined, const(np.array(separator)))
        joined = piece if joined is None else op20.string_concat(joined, piece)
    assert joined is not None
    return with_mask(ndx.asarray(joined), mask)


def length(x: ndx.Array) -> ndx.Array:
    """Return how many characters (code points) each text has.

    Returns
    -------
    ndonnx.Array
        int64 of the shape of ``x``; missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["grüße", "", "🎈"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.length(inputs["x"])})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [5, 0, 1]
    """
    return each(x, "length", _length)


def _length(texts: Var) -> Var:
    """Count characters by cutting texts into pieces: no operator counts them.

    All pieces but the last have the full size, so that only the last one is cut further; the largest matrix of pieces
    has a column for 512 characters.
    """
    total = None
    one, nought = const(np.array([1])), const(np.int64(0))
    for size in (512, 64, 8, 1):
        pieces = matches(texts, f"(?s).{{1,{size}}}")
        there = op17.not_(equals(pieces, ""))
        count = op17.reduce_sum(op.cast(there, to=np.int64), one, keepdims=0)
        if size > 1:
            before = op17.max([op17.sub(count, const(np.int64(1))), nought])
            texts = op.squeeze(op17.gather_elements(pieces, op.unsqueeze(before, one), axis=1), one)
            count = op17.mul(before, const(np.int64(size)))
        total = count if total is None else op17.add(total, count)
    assert total is not None
    return total


# What the conversion takes without throwing, which for numbers outside of float64 it does: no more than 200 digits
# before and 100 behind the point, and an exponent of two digits, or of three below 300 behind a few digits.
_NUMBER = (
    r"[+-]?(?:(?:\d{1,200}(?:\.\d{0,100})?|\.\d{1,100})(?:[eE][+-]?\d{1,2})?"
    r"|[1-9]\d{0,6}(?:\.\d{0,40})?[eE][+-]?[012]\d{2})"
)


def parse_number(x: ndx.Array) -> ndx.Array:
    """Read numbers from texts: ``12``, ``-1.5``, ``.5``, ``1e-3``.

    Parameters
    ----------
    x
        Texts, without white space at their ends (``tft.strip``) and thousands separators (``tft.replace``).

    Returns
    -------
    ndonnx.Array
        float64 of the shape of ``x``: the float64 that is nearest to the number. Missing where the text is, or is no
        number; ``inf``, ``nan`` and numbers with more than 200 digits or an exponent beyond 299 are none.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["12", "1e-1", "unknown"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.fill_missing(tft.parse_number(inputs["x"]), -1.0)})
    >>> [round(value, 6) for value in graph.transform(data).to_table()["y"].to_pylist()]
    [12.0, 0.1, -1.0]
    """
    x = column(x, "parse_number", "text")
    data, mask = data_and_mask(x)
    matched = each(data, "parse_number", lambda texts: full_match(texts, _NUMBER))
    numbers = op.cast(ndx.where(matched, data, literal("0")).unwrap_spox(), to=np.float64)
    return with_mask(ndx.asarray(numbers), ~matched if mask is None else ~matched | mask)
