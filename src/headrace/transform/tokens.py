"""Splitting texts into words at once for a whole batch, as the graph's operators split them, but with few objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engines.sorting import sort

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = [
    "WHITESPACE",
    "WORDS",
    "Coded",
    "Lists",
    "Tokens",
    "is_text",
    "lists_having",
    "split_texts",
    "words_pay",
]

WHITESPACE = b" \t\n\v\f\r"
_WORD = pa.struct([pa.field("word", pa.string(), nullable=False), pa.field("lists", pa.int32())])
WORDS = pa.list_(pa.dictionary(pa.int32(), _WORD))
# Measured as for whole texts (see LEAST_ROWS), for eight words a text, of which tf-idf is made: from 0.9 to 2.3 times
# for 4,096 texts; for 65,536 texts 0.9, 1.1, 1.6 and 3.9 times where 4, 11, 33 and 56 % of their words are distinct.
# Analyzers of words gain more.
LEAST_TEXTS = 8192
_SAMPLE_TEXTS = 512
_NEW_WORDS = 0.1
# Items of lists up to this length are compared with those before them; a longer one is sorted.
_SHORT = 32


@dataclass(frozen=True)
class Coded:
    """A matrix of texts as places in a list of distinct ones."""

    words: NDArray[Any]
    codes: NDArray[np.int32]

    def counts(self, missing: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Return how often each word occurs where it is not missing."""
        codes = self.codes.ravel() if missing is None else self.codes[~missing]
        return np.bincount(codes, minlength=self.words.size)

    def array(self) -> NDArray[Any]:
        """Return the texts themselves."""
        found: NDArray[Any] = self.words[self.codes]
        return found


@dataclass(frozen=True)
class Lists:
    """Lists of values, as places in a list of which some may be equal.

    Parameters
    ----------
    values
        Of any type.
    codes
        The place in ``values`` of each item of the first list, of the second, …
        None: each value is an item.
    lengths
        How many items each list has, int64.
    having
        How many lists each value's place is in, int32; None where that was not counted.
    """

    values: NDArray[Any]
    codes: NDArray[np.int32] | None
    lengths: NDArray[np.int64]
    having: NDArray[np.int32] | None = None

    def counts(self) -> NDArray[np.int64]:
        """Return how often each value occurs."""
        if self.codes is None:
            return np.ones(self.values.size, np.int64)
        return np.bincount(self.codes, minlength=self.values.size)

    def items(self) -> NDArray[Any]:
        """Return the items of all lists, one list after the other; whole numbers in 32 bits where these hold them."""
        values = self.values
        if self.codes is None:
            return values
        if values.dtype == np.int64 and values.size and values.max() < 1 << 31 and values.min() >= -(1 << 31):
            values = values.astype(np.int32)
        found: NDArray[Any] = values.take(self.codes)
        return found


@dataclass(frozen=True)
class Tokens:
    """The words of each text of a batch.

    Parameters
    ----------
    words
        Distinct; the last one is ``""``, which stands behind the end of a row.
    codes
        The place in ``words`` of each word of the first row, of the second, …
    counts
        How many words each row has, int64.
    having
        How many rows have each word, int32; None where that was not counted.
    """

    words: pa.StringArray
    codes: NDArray[np.int32]
    counts: NDArray[np.int64]
    having: NDArray[np.int32] | None = None

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where the words of each row begin among all, and where the last one's end."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    def counted(self) -> Self:
        """Return them with how many rows have each word."""
        if self.having is not None:
            return self
        return replace(self, having=lists_having(self.codes, self.counts, len(self.words)).astype(np.int32))

    def array(self, texts: pa.Array) -> pa.ListArray:
        """Return them as lists of dictionary-encoded words, null where the texts are."""
        having = pa.nulls(len(self.words), pa.int32()) if self.having is None else pa.array(self.having)
        known = pa.StructArray.from_arrays([self.words, having], fields=list(_WORD))
        words = pa.DictionaryArray.from_arrays(pa.array(self.codes), known)
        offsets = pa.py_buffer(self.starts.astype(np.int32))
        valid = texts.is_valid().buffers()[1] if texts.null_count else None
        return pa.ListArray.from_buffers(WORDS, len(texts), [valid, offsets], texts.null_count, children=[words])

    @classmethod
    def of_array(cls, lists: pa.ListArray) -> Self:
        """Return what `array` was made of."""
        starts = lists.offsets.to_numpy()
        every = lists.values.indices.to_numpy()
        words, having = lists.values.dictionary.flatten()
        codes = every[starts[0] : starts[-1]]
        # Of a part of the rows nobody has counted.
        counted = codes.size == every.size and not having.null_count
        return cls(words, codes, np.diff(starts.astype(np.int64)), having.to_numpy() if counted else None)

    def matrix(self, rows: NDArray[np.int64], width: int) -> NDArray[np.int32]:
        """Return the codes of some rows side by side, filled up with that of ``""``."""
        blank = np.int32(len(self.words) - 1)
        if not self.codes.size:
            return np.full((rows.size, width), blank)
        columns = np.arange(width)
        found = self.codes.take(self.starts[rows][:, None] + columns, mode="clip")
        np.copyto(found, blank, where=columns >= self.counts[rows][:, None])
        return found


def is_text(kind: pa.DataType) -> bool:
    """Tell whether values of an Arrow type are texts."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view())


def words_pay(rows: int, tokens_of: Callable[[pa.Array], Tokens]) -> bool:
    """Tell whether it pays to work on the distinct words of texts.

    Parameters
    ----------
    rows
        How many texts there are.
    tokens_of
        Returns the words of some of them.
    """
    if rows < LEAST_TEXTS:
        return False
    # Evenly spread, since files are often sorted.
    sample = tokens_of(pa.array(np.linspace(0, rows - 1, _SAMPLE_TEXTS).astype(np.int64)))
    seen, distinct = sample.codes.size, len(sample.words) - 1
    if distinct >= seen:
        return False
    # From as many words as there would be if all were as likely; texts repeat their words more than that.
    likely = seen * seen / (2.0 * (seen - distinct))
    every = seen * rows / _SAMPLE_TEXTS
    return bool(likely * -np.expm1(-every / likely) <= _NEW_WORDS * every)


def lists_having(codes: NDArray[Any], lengths: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return in how many lists each code from 0 to ``size`` occurs.

    Parameters
    ----------
    codes
        Those of the first list, of the second, …
    lengths
        How many each list has.
    size
        Codes lie below it.
    """
    if not codes.size:
        return np.zeros(size, np.int64)
    again = _repeated(codes, lengths) if lengths.max() <= _SHORT else _repeated_in_long(codes, lengths, size)
    found: NDArray[np.int64] = np.bincount(codes, minlength=size) - np.bincount(again, minlength=size)
    return found


def _repeated(codes: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Return the codes that their lists had before, each as often as that is so."""
    ends = np.cumsum(lengths)
    repeats = np.zeros(codes.size, np.bool_)
    for apart in range(1, int(lengths.max())):
        equal = np.flatnonzero(codes[apart:] == codes[:-apart])
        if equal.size:
            # Seldom are there many, so that they are looked up rather than all codes numbered.
            within = ends[np.searchsorted(ends, equal, side="right")] > equal + apart
            repeats[apart + equal[within]] = True
    return codes[repeats]


def _repeated_in_long(codes: NDArray[Any], lengths: NDArray[np.int64], size: int) -> NDArray[Any]:
    # Lists are numbers of another base: equal codes of one are neighbours when all are sorted.
    keys = np.repeat(np.arange(lengths.size, dtype=np.int64) * size, lengths)
    keys += codes
    sort(keys)
    found: NDArray[np.int64] = keys[1:][keys[1:] == keys[:-1]] % size
    return found


def split_texts(texts: pa.Array, separator: bytes | None) -> Tokens:
    """Split texts.

    Parameters
    ----------
    texts
        Of any layout; null is as ``""``, which has no words.
    separator
        One ASCII character, between two of which there may be an empty word; any number of characters of
        ``WHITESPACE`` when None, and then no word is empty.
    """
    if pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_decode()
    texts = texts.cast(pa.string())
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    edges, data = _layout(texts)
    ends = _is_space(data) if separator is None else data == separator[0]
    # A piece is a word with the separator behind it: pieces lie one behind the other, so that none is copied.
    begins = np.zeros(data.size + 1, np.bool_)
    begins[1:] = ends
    begins[edges] = True
    bounds = np.flatnonzero(begins).astype(np.int32)
    pieces = pa.StringArray.from_buffers(max(bounds.size - 1, 0), pa.py_buffer(bounds), pa.py_buffer(data))
    encoded = pieces.dictionary_encode()
    trimmed = pc.utf8_rtrim(encoded.dictionary, (WHITESPACE if separator is None else separator).decode())
    distinct = pa.concat_arrays([trimmed, pa.array([""])]).dictionary_encode()
    words, places = _blank_last(distinct)
    codes = places[encoded.indices.to_numpy()]
    starts = np.searchsorted(bounds, edges)
    blank = np.int32(len(words) - 1)
    if separator is None:
        kept = codes != blank
        if kept.all():
            return Tokens(words, codes, np.diff(starts))
        sums = np.concatenate([[0], np.cumsum(kept)])
        return Tokens(words, codes[kept], np.diff(sums[starts]))
    counts = np.diff(starts)
    # Behind a separator at the end of a text there is one more word, an empty one.
    last = np.flatnonzero(counts)
    open_rows = last[ends[edges[1:][last] - 1]]
    if open_rows.size:
        codes = np.insert(codes, starts[1:][open_rows], blank)
        counts[open_rows] += 1
    return Tokens(words, codes, counts)


def _layout(texts: pa.StringArray) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        return np.zeros(len(texts) + 1, np.int32), np.empty(0, np.uint8)
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return edges - edges[0], np.frombuffer(data, np.uint8)[edges[0] : edges[-1]]


def _is_space(data: NDArray[np.uint8]) -> NDArray[np.bool_]:
    # Of unsigned numbers those below 9 become large ones.
    found: NDArray[np.bool_] = (data - np.uint8(9) < 5) | (data == ord(" "))
    return found


def _blank_last(encoded: pa.DictionaryArray) -> tuple[pa.StringArray, NDArray[np.int32]]:
    """Return distinct words with the array's last one behind the others, and the new place of each value."""
    places = encoded.indices.to_numpy()
    blank = int(places[-1])
    size = len(encoded.dictionary)
    order = np.concatenate([np.arange(blank), np.arange(blank + 1, size), [blank]])
    new = np.empty(size, np.int32)
    new[order] = np.arange(size, dtype=np.int32)
    return encoded.dictionary.take(pa.array(order)), new[places]
