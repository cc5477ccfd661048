"""Mappers of texts.

They take one text a row, or lists of texts, and treat each text by itself; missing stays missing. Patterns are those of
RE2. A text has Unicode characters (code points), as in Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v20 as op20
import spox.opset.ai.onnx.v21 as op

from headrace.errors import TransformError
from headrace.transform.checks import column, data_and_mask, with_mask
from headrace.transform.lists import item_mask, list_column
from headrace.transform.operators import (
    change_case,
    const,
    equals,
    full_match,
    join_strings,
    matches,
    split_strings,
    strip_whitespace,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from spox import Var

__all__ = [
    "concat",
    "contains",
    "ends_with",
    "join",
    "length",
    "lower",
    "parse_number",
    "regex_extract",
    "regex_find_all",
    "regex_full_match",
    "regex_replace",
    "replace",
    "split",
    "starts_with",
    "strip",
    "upper",
]


def _each(x: Any, function: str, work: Callable[[Var], Var]) -> ndx.Array:
    """Work on the texts of a column as a vector, and give them the column's shape and mask again."""
    data, mask = data_and_mask(column(x, function, "text"))
    texts = data.unwrap_spox()
    if data.ndim == 1:
        return with_mask(ndx.asarray(work(texts)), mask)
    flat = op.reshape(texts, const(np.array([-1])))
    return with_mask(ndx.asarray(op.reshape(work(flat), op.shape(texts))), mask)


def _one_a_row(x: ndx.Array, function: str) -> ndx.Array:
    x = column(x, function, "text")
    if x.ndim != 1:
        raise TransformError(f"tft.{function} takes one text a row", got=f"{x.ndim} dimensions")
    return x


def _text(value: Any, function: str, parameter: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or (not value and not empty):
        raise TransformError(
            f"{parameter} of tft.{function} is a text" + ("" if empty else " that is not empty"), got=repr(value)
        )
    return value


def _pattern(value: Any, function: str) -> str:
    pattern = _text(value, function, "pattern")
    try:
        # Arrow's regular expressions are RE2's, as those of ONNX Runtime are.
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        raise TransformError(
            f"pattern of tft.{function} is a regular expression of RE2",
            got=f"{pattern!r}: {error}",
            fix="RE2 has no look-around and no references to groups",
        ) from error
    return pattern


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
    return _each(x, "strip", strip_whitespace)


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
    return _each(x, "lower", lambda texts: change_case(texts, "LOWER"))


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
    return _each(x, "upper", lambda texts: change_case(texts, "UPPER"))


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
    data, mask = data_and_mask(_one_a_row(x, "split"))
    if separator is None:
        parts = matches(_filled(data, mask), r"[^\t\n\v\f\r ]+")
        return with_mask(ndx.asarray(parts), ndx.asarray(equals(parts, "")))
    parts, counts = split_strings(_filled(data, mask), _text(separator, "split", "separator"))
    places = op17.range(
        const(np.int64(0)),
        op.squeeze(op17.slice(op.shape(parts), const(np.array([1])), const(np.array([2]))), const(np.array([0]))),
        const(np.int64(1)),
    )
    absent = op17.greater_or_equal(places, op.unsqueeze(counts, const(np.array([1]))))
    return with_mask(ndx.asarray(parts), ndx.asarray(absent))


def _filled(data: ndx.Array, mask: ndx.Array | None) -> Var:
    return (data if mask is None else ndx.where(mask, ndx.asarray(""), data)).unwrap_spox()


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
    separator = _text(separator, "join", "separator", empty=True)
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
    separator = _text(separator, "concat", "separator", empty=True)
    if not any(isinstance(part, ndx.Array) for part in parts):
        raise TransformError("tft.concat takes at least one column", got=repr(parts))
    mask = None
    joined: Var | None = None
    for number, part in enumerate(parts):
        if isinstance(part, str):
            piece = const(np.array(part))
        else:
            data, other = data_and_mask(_one_a_row(part, "concat"))
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
    return _each(x, "length", _length)


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


def contains(x: ndx.Array, text: str) -> ndx.Array:
    """Return whether each text has another one in it.

    Returns
    -------
    ndonnx.Array
        Truth values of the shape of ``x``; missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a.b", "ab"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.contains(inputs["x"], ".")})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    quoted = re.escape(_text(text, "contains", "text"))
    return _each(x, "contains", lambda texts: full_match(texts, f"(?s).*{quoted}.*"))


def starts_with(x: ndx.Array, text: str) -> ndx.Array:
    """Return whether each text begins with another one.

    Returns
    -------
    ndonnx.Array
        Truth values of the shape of ``x``; missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["ab", "ba"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.starts_with(inputs["x"], "a")})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    quoted = re.escape(_text(text, "starts_with", "text"))
    return _each(x, "starts_with", lambda texts: full_match(texts, f"(?s){quoted}.*"))


def ends_with(x: ndx.Array, text: str) -> ndx.Array:
    """Return whether each text ends with another one.

    Returns
    -------
    ndonnx.Array
        Truth values of the shape of ``x``; missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["ab", "ba"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.ends_with(inputs["x"], "a")})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [0, 1]
    """
    quoted = re.escape(_text(text, "ends_with", "text"))
    return _each(x, "ends_with", lambda texts: full_match(texts, f"(?s).*{quoted}"))


def regex_full_match(x: ndx.Array, pattern: str) -> ndx.Array:
    r"""Return whether a pattern matches the whole of each text.

    Returns
    -------
    ndonnx.Array
        Truth values of the shape of ``x``; missing stays missing.

    Raises
    ------
    TransformError
        If the pattern is none of RE2.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["12", "1a"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.regex_full_match(inputs["x"], r"\d+")})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    pattern = _pattern(pattern, "regex_full_match")
    return _each(x, "regex_full_match", lambda texts: full_match(texts, pattern))


def regex_find_all(x: ndx.Array, pattern: str) -> ndx.Array:
    r"""Return all parts of each text that match a pattern, one behind the other.

    Parameters
    ----------
    x
        Texts ``[N]``.
    pattern
        Of RE2. Of the matches at the leftmost place the longest is taken; groups have no meaning, and empty matches are
        left out.

    Returns
    -------
    ndonnx.Array
        Lists of texts; an empty list for a missing text.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a12b3", "c"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.list_length(tft.regex_find_all(inputs["x"], r"\d+"))})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [2, 0]
    """
    pattern = _pattern(pattern, "regex_find_all")
    data, mask = data_and_mask(_one_a_row(x, "regex_find_all"))
    found = matches(_filled(data, mask), pattern)
    return with_mask(ndx.asarray(found), ndx.asarray(equals(found, "")))


def regex_extract(x: ndx.Array, pattern: str) -> ndx.Array:
    r"""Return the first part of each text that matches a pattern.

    Parameters
    ----------
    x
        Texts ``[N]``.
    pattern
        Of RE2, as for ``tft.regex_find_all``.

    Returns
    -------
    ndonnx.Array
        Texts ``[N]``; missing where the text is, or nothing matches.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["Mr. Hill", "Mrs. Lee", "Kim"]}
    >>> def preprocessing_fn(inputs):
    ...     title = tft.regex_extract(inputs["x"], r"\w+\.")
    ...     return {"y": tft.compute_and_apply_vocabulary(title, num_oov_buckets=1)}
    >>> tft.analyze(data, preprocessing_fn).transform(data).to_table()["y"].to_pylist()
    [1, 0, 2]
    """
    pattern = _pattern(pattern, "regex_extract")
    data, mask = data_and_mask(_one_a_row(x, "regex_extract"))
    first = op17.gather(matches(_filled(data, mask), pattern), const(np.int64(0)), axis=1)
    return with_mask(ndx.asarray(first), ndx.asarray(equals(first, "")))


def replace(x: ndx.Array, old: str, new: str) -> ndx.Array:
    """Replace every occurrence of a text, as it is, by another one.

    Returns
    -------
    ndonnx.Array
        Texts of the shape of ``x``; missing stays missing.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["1,000,000", "1"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.replace(inputs["x"], ",", "") == "1000000"})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    old, new = _text(old, "replace", "old"), _text(new, "replace", "new", empty=True)

    def work(texts: Var) -> Var:
        parts, counts = split_strings(texts, old)
        places = op17.cumsum(op17.expand(const(np.int64(1)), op.shape(parts)), const(np.int64(1)))
        there = op17.less_or_equal(places, op.unsqueeze(counts, const(np.array([1]))))
        return join_strings(parts, there, new)

    return _each(x, "replace", work)


_ANCHORS = re.compile(r"(?<!\\)(?:\\\\)*(?:\\[bBAzZ]|(?<!\[)\^|\$)")


def regex_replace(x: ndx.Array, pattern: str, new: str) -> ndx.Array:
    r"""Replace every part of each text that matches a pattern.

    Parameters
    ----------
    x
        Texts.
    pattern
        Of RE2, as for ``tft.regex_find_all``; without ``^``, ``$`` and ``\b``, which look at what is around a match.
    new
        A text as it is: it has no references to groups.

    Returns
    -------
    ndonnx.Array
        Texts of the shape of ``x``; missing stays missing. Memory grows with the characters of the longest text of a
        batch that has a match, times the rows.

    Raises
    ------
    TransformError
        If the pattern is none of RE2, or has an anchor.

    Examples
    --------
    >>> from headrace import transform as tft
    >>> data = {"x": ["a 12 b 3", "c"]}
    >>> graph = tft.analyze(data, lambda inputs: {"y": tft.regex_replace(inputs["x"], r"\d+", "#") == "a # b #"})
    >>> graph.transform(data).to_table()["y"].to_pylist()
    [1, 0]
    """
    pattern = _pattern(pattern, "regex_replace")
    new = _text(new, "regex_replace", "new", empty=True)
    if _ANCHORS.search(pattern):
        raise TransformError(
            "pattern of tft.regex_replace has no anchors: a part is compared with it alone", got=repr(pattern)
        )

    def changed(texts: Var, hit: Var) -> Var:
        # Parts that match, and the characters between them one by one.
        parts = matches(op17.where(hit, texts, const(np.array(""))), f"(?:{pattern})|(?s:.)")
        there = op17.not_(equals(parts, ""))
        flat = full_match(op.reshape(parts, const(np.array([-1]))), pattern)
        found = op.reshape(flat, op.shape(parts))
        joined = join_strings(op17.where(found, const(np.array(new)), parts), there, "")
        return op17.where(hit, joined, texts)

    def work(texts: Var) -> Var:
        hit = full_match(texts, f"(?s).*(?:{pattern}).*")
        hits = op17.reduce_sum(op.cast(hit, to=np.int64), keepdims=False)
        (found,) = op.if_(
            op.cast(hits, to=np.bool_),
            then_branch=lambda: [changed(texts, hit)],
            else_branch=lambda: [op.identity(texts)],
        )
        return found

    return _each(x, "regex_replace", work)


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
    matched = _each(data, "parse_number", lambda texts: full_match(texts, _NUMBER))
    numbers = op.cast(ndx.where(matched, data, ndx.asarray("0")).unwrap_spox(), to=np.float64)
    return with_mask(ndx.asarray(numbers), ~matched if mask is None else ~matched | mask)
