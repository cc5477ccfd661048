"""Numbers in order, by the way of sorting that this processor is quicker with."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[Any]

__all__ = ["sort"]

# Fewer are sorted in no time in any way.
_FEW = 8_192
_BITS = 16
# Binary orders of magnitude below the largest number that codes tell apart where there are both signs.
_OCTAVES = 24
# Bits of the mantissa in the upper half of a float64.
_MANTISSA = 20
# Rows that NumPy sorts with networks, without splitting them any more.
_ROW = 256


def sort(values: Numbers) -> None:
    """Sort numbers in place.

    ``numpy.sort`` is the quickest on most processors. On some with AVX-512, storing chosen lanes costs them so much
    that a radix sort by a code of 16 bits, mended by sorting short rows, takes a third of the time. Which of the two
    is quicker here is tried once.

    Parameters
    ----------
    values
        float64, int64 or uint64 of shape (n,), contiguous, without NaN.
    """
    if values.size < _FEW or not _coded_is_quicker() or not _sort_coded(values):
        values.sort()


@cache
def _coded_is_quicker() -> bool:
    sample = np.random.default_rng(0).normal(size=4 * _FEW)
    return _seconds(_sort_coded, sample) < _seconds(np.ndarray.sort, sample)


def _seconds(way: Callable[[Numbers], Any], sample: Numbers) -> float:
    best = np.inf
    for _ in range(3):
        values = sample.copy()
        # Of this thread alone, whatever the others do.
        began = time.thread_time()
        way(values)
        best = min(best, time.thread_time() - began)
    return float(best)


def _sort_coded(values: Numbers) -> bool:
    """Sort, and return True; or return False where codes tell too few of the numbers apart."""
    codes = _codes(values)
    if codes is None:
        return False
    near = values.take(np.argsort(codes, kind="stable"))
    # Those that share a code stand together, and are fewer than half a row.
    _sort_rows(near)
    _sort_rows(near[_ROW // 2 :])
    values[:] = near
    return True


def _sort_rows(values: Numbers) -> None:
    whole = values.size - values.size % _ROW
    values[:whole].reshape(-1, _ROW).sort(axis=1)
    values[whole:].sort()


def _codes(values: Numbers) -> NDArray[np.uint16] | None:
    """Return codes of 16 bits that never fall where the numbers rise; None where too many would share one."""
    ways = (_bit_codes,) if values.dtype.kind != "f" or values.min() >= 0.0 else (_even_codes, _signed_codes)
    for way in ways:
        codes = way(values)
        if codes is not None and np.bincount(codes).max() <= _ROW // 2:
            return codes
    return None


def _bit_codes(values: Numbers) -> NDArray[np.uint16] | None:
    keys = values.view(np.int64) if values.dtype.kind == "f" else values
    low, high = int(keys.min()), int(keys.max())
    if high - low >= 1 << 63 and keys.dtype.kind == "i":
        return None
    shift = max((high - low).bit_length() - _BITS, 0)
    return ((keys - keys.dtype.type(low)) >> keys.dtype.type(shift)).astype(np.uint16)


def _even_codes(values: NDArray[np.float64]) -> NDArray[np.uint16] | None:
    low, high = float(values.min()), float(values.max())
    scale = ((1 << _BITS) - 1) / (high - low) if high > low else np.inf
    if not 0.0 < scale < np.inf:
        return None
    places = values - low
    places *= scale
    return places.astype(np.uint16)


def _signed_codes(values: NDArray[np.float64]) -> NDArray[np.uint16]:
    # The upper half of a float rises with its size, and holds more than codes can tell apart.
    upper = (values.view(np.int64) >> 32).astype(np.int32)
    signs = upper >> 31
    upper &= np.int32(0x7FFF_FFFF)
    upper -= np.int32(max(int(upper.max()) - (_OCTAVES << _MANTISSA), 0))
    np.maximum(upper, 0, out=upper)
    upper ^= signs
    upper -= signs
    low, high = int(upper.min()), int(upper.max())
    return ((upper - np.int32(low)) >> max((high - low).bit_length() - _BITS, 0)).astype(np.uint16)
