"""Hashes of numbers and strings, many at once: the same on every machine, so that states can be kept and merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes: TypeAlias = NDArray[np.uint64]

__all__ = ["byte_lengths", "hash_numbers", "hash_strings"]

# Strings at a time, so that what is worked on stays in the processor's cache.
_BLOCK = 8_192
_ODD = np.uint64(0x9E3779B97F4A7C15)
_LENGTH = np.uint64(0xD6E8FEB86659FD93)
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(8)] + [2**64 - 1], np.uint64)
# More than so many words, and putting strings of one length together pays.
_FEW_WORDS = 3
# More than so many, and the words of the string are taken in side by side.
_MANY_WORDS = 512


def hash_numbers(values: NDArray[Any]) -> Hashes:
    """Hash numbers of 64 bits: float64, int64 or uint64; both zeros of float64 hash alike."""
    if values.dtype == np.float64:
        values = values + 0.0
    return _mixed(values.view(np.uint64))


def hash_strings(values: pa.Array) -> Hashes:
    """Hash strings or byte strings without nulls, of any of Arrow's plain layouts; a string hashes as its bytes.

    The words of 8 bytes are taken in one after the other, ``hash = (hash ^ word) * odd; hash ^= hash >> 32``, from
    the length on; the last word is that of the last 8 bytes, and shorter strings are one word. Where there are more
    than 512 words before the last, the sum of their mixed values takes their place. Two strings have the same hash with
    a probability of about ``2**-64``.
    """
    offsets, data = _layout(values)
    found = np.empty(len(values), np.uint64)
    for start in range(0, len(values), _BLOCK):
        ends = offsets[start : start + _BLOCK + 1].astype(np.int64)
        first, last = int(ends[0]), int(ends[-1])
        if last + 8 <= data.size:
            block = data[first : last + 8]
        else:
            block = np.zeros(last - first + 8, np.uint8)
            block[: last - first] = data[first:last]
        ends -= first
        _hash_block(block, ends[:-1], np.diff(ends), found[start : start + _BLOCK])
    return found


def byte_lengths(values: pa.Array) -> tuple[NDArray[np.int64], bool]:
    """Return the lengths in bytes of strings or byte strings without nulls, and whether all bytes are ASCII."""
    offsets, data = _layout(values)
    if not len(values):
        return np.empty(0, np.int64), True
    used = data[int(offsets[0]) : int(offsets[-1])]
    whole = used.size // 8 * 8
    ascii_only = not int(np.bitwise_or.reduce(used[:whole].view(np.uint64), initial=np.uint64(0))) & 0x8080808080808080
    ascii_only = ascii_only and bool((used[whole:] < 0x80).all())
    return np.diff(offsets).astype(np.int64), ascii_only


def _layout(values: pa.Array) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    kind = values.type
    types = pa.types
    if not (
        types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind) or types.is_large_binary(kind)
    ):
        values = values.cast(pa.large_binary())
        kind = values.type
    if not len(values):
        return np.zeros(1, np.int64), np.empty(0, np.uint8)
    width = np.dtype(np.int64 if types.is_large_string(kind) or types.is_large_binary(kind) else np.int32)
    _, offsets, data = values.buffers()
    edges = np.frombuffer(offsets, width)[values.offset : values.offset + len(values) + 1]
    return edges, np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)


def _hash_block(block: NDArray[np.uint8], starts: Any, lengths: Any, found: Hashes) -> None:
    words = np.ndarray((block.size - 7,), "<u8", block, strides=(1,))
    np.multiply(lengths.view(np.uint64), _LENGTH, out=found)
    # Whole words before the last one, which may overlap them.
    before = np.maximum(lengths - 1, 0) >> 3
    for row in np.flatnonzero(before > _MANY_WORDS).tolist():
        found[row] ^= _hash_long(words[starts[row] : starts[row] + 8 * before[row] : 8])
        before[row] = 0
    most = int(before.max())
    if most <= _FEW_WORDS:
        _take_words(words, starts, before, most, found)
    else:
        order = np.argsort(before.astype(np.uint16), kind="stable")
        hashes, begins, counts = found[order], starts[order], before[order]
        bounds = np.searchsorted(counts, np.arange(most), side="right")
        for word, bound in enumerate(bounds.tolist()):
            hashes[bound:] = _step(hashes[bound:], words[begins[bound:] + 8 * word])
        found[order] = hashes
    last = words[np.maximum(starts + lengths - 8, starts)]
    if int(lengths.min()) < 8:
        last &= _MASKS[np.minimum(lengths, 8)]
    found[:] = _mixed(_step(found, last))


def _hash_long(words: Hashes) -> np.uint64:
    places = np.arange(1, words.size + 1, dtype=np.uint64) * _ODD
    return np.uint64(np.add.reduce(_mixed(words ^ places)))


def _take_words(words: Hashes, starts: Any, before: Any, most: int, found: Hashes) -> None:
    for word in range(most):
        longer = before > word
        if longer.all():
            found[:] = _step(found, words[starts + 8 * word])
        else:
            chosen = np.flatnonzero(longer)
            found[chosen] = _step(found[chosen], words[starts[chosen] + 8 * word])


def _step(hashes: Hashes, words: Hashes) -> Hashes:
    words = words ^ hashes
    words *= _ODD
    words ^= words >> np.uint64(32)
    return words


def _mixed(values: Hashes) -> Hashes:
    # The finalizer of splitmix64 (Steele, Lea and Flood 2014).
    values = values + _ODD
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values
