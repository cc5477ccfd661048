"""Sums of float64 numbers that do not depend on their order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["as_float", "exact_total", "exact_totals"]

# A total is an integer in units of 2**-1126: the smallest float64 is 2**-1074, and a mantissa has 53 bits more than
# its exponent says.
_UNIT = 1126
_HALF = 26


def exact_totals(codes: NDArray[np.int64], values: NDArray[Any], count: int) -> list[int]:
    """Return the sum of the values of each code, as integers in units of 2**-1126.

    A number is an integer of 53 bits times a power of two. Numbers of one power are added in two halves, each of which
    fits into float64 without rounding; the powers are added as Python's integers.

    Parameters
    ----------
    codes
        The group of each value, in ``[0, count)``.
    values
        Finite numbers, as many.
    count
        How many groups there are.
    """
    totals = [0] * count
    if values.size == 0:
        return totals
    share, power = np.frexp(values.astype(np.float64, copy=False))
    whole = (share * 2.0**53).astype(np.int64)
    least = int(power.min())
    span = int(power.max()) - least + 1
    cells = codes * span + (power - least)
    if count * span > max(4 * values.size, 1 << 16):
        used, cells = np.unique(cells, return_inverse=True)
    else:
        used = np.arange(count * span)
    high = np.bincount(cells, weights=whole >> _HALF, minlength=used.size)
    low = np.bincount(cells, weights=whole & ((1 << _HALF) - 1), minlength=used.size)
    some = np.flatnonzero((high != 0.0) | (low != 0.0))
    for cell, upper, lower in zip(used[some].tolist(), high[some].tolist(), low[some].tolist(), strict=True):
        code, above = divmod(cell, span)
        totals[code] += ((int(upper) << _HALF) + int(lower)) << (least + above + _UNIT - 53)
    return totals


def exact_total(values: NDArray[Any]) -> int:
    """Return the sum of finite numbers, as an integer in units of 2**-1126."""
    return exact_totals(np.zeros(values.size, np.int64), values, 1)[0]


def as_float(total: int) -> float:
    """Return the float64 that is nearest to a total."""
    try:
        return total / (1 << _UNIT)
    except OverflowError:
        return math.copysign(math.inf, total)
