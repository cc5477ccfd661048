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
    sample = np.random.default_rng(0).normal(size=2 * _FEW)
    return _seconds(_sort_coded, sample) < _seconds(np.ndarray.sort, sample)


def _seconds(way: Callable[[Numbers], Any], sample: Numbers) -> float:
    best = np.inf
    for _ in range(3):
        values = sample.copy()
        began = time.perf_counter()
        way(values)
        best = min(best, time.perf_counter() - began)
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
    keys = values.view(np.int64) if values.dtype.kind == "f" else values
    low, high = int(keys.min()), int(keys.max())
    if values.dtype.kind == "f" and low < 0:
        keys = _signed_keys(keys)
        low, high = int(keys.min()), int(keys.max())
    if high - low >= 1 << 63 and keys.dtype.kind == "i":
        return None
    shift = max((high - low).bit_length() - _BITS, 0)
    codes = ((keys - keys.dtype.type(low)) >> keys.dtype.type(shift)).astype(np.uint16)
    return None if np.bincount(codes).max() > _ROW // 2 else codes


def _signed_keys(bits: NDArray[np.int64]) -> NDArray[np.int32]:
    # The upper half of a float rises with its size, and holds more than codes can tell apart.
    upper = (bits >> 32).astype(np.int32)
    signs = upper >> 31
    upper &= np.int32(0x7FFF_FFFF)
    upper -= np.int32(max(int(upper.max()) - (_OCTAVES << _MANTISSA), 0))
    np.maximum(upper, 0, out=upper)
    upper ^= signs
    upper -= signs
    return upper
