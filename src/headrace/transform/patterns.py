"""Mappers that look for patterns in texts.

Patterns are those of RE2; missing stays missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import spox.opset.ai.onnx.v17 as op17
import spox.opset.ai.onnx.v21 as op

from headrace.errors import TransformError
from headrace.transform.checks import data_and_mask, with_mask
from headrace.transform.operators import (
    const,
    equals,
    full_match,
    join_strings,
    matches,
    split_strings,
)

if TYPE_CHECKING:
    from spox import Var
from headrace.transform.text import each, filled, one_a_row, text_of

__all__ = [
    "contains",
    "ends_with",
    "regex_extract",
    "regex_find_all",
    "regex_full_match",
    "regex_replace",
    "replace",
    "starts_with",
]


def _pattern(value: Any, function: str) -> str:
    pattern = text_of(value, function, "pattern")
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
    quoted = re.escape(text_of(text, "contains", "text"))
    return each(x, "contains", lambda texts: full_match(texts, f"(?s).*{quoted}.*"))


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
    quoted = re.escape(text_of(text, "starts_with", "text"))
    return each(x, "starts_with", lambda texts: full_match(texts, f"(?s){quoted}.*"))


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
    quoted = re.escape(text_of(text, "ends_with", "text"))
    return each(x, "ends_with", lambda texts: full_match(texts, f"(?s).*{quoted}"))


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
    return each(x, "regex_full_match", lambda texts: full_match(texts, pattern))


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
    data, mask = data_and_mask(one_a_row(x, "regex_find_all"))
    found = matches(filled(data, mask), pattern)
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
    data, mask = data_and_mask(one_a_row(x, "regex_extract"))
    first = op17.gather(matches(filled(data, mask), pattern), const(np.int64(0)), axis=1)
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
    old, new = text_of(old, "replace", "old"), text_of(new, "replace", "new", empty=True)

    def work(texts: Var) -> Var:
        parts, counts = split_strings(texts, old)
        places = op17.cumsum(op17.expand(const(np.int64(1)), op.shape(parts)), const(np.int64(1)))
        there = op17.less_or_equal(places, op.unsqueeze(counts, const(np.array([1]))))
        return join_strings(parts, there, new)

    return each(x, "replace", work)


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
    new = text_of(new, "regex_replace", "new", empty=True)
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

    return each(x, "regex_replace", work)
