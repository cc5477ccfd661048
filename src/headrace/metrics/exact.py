"""Sums of float64 numbers without rounding, so that no order of adding or merging changes a bit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["ExactSums", "ratio", "two_product"]

# A float64 is an integer of 53 bits times 2**(e - 53) with e >= -1073, so every one is a whole multiple of 2**-1126.
_SCALE = 1126
_MANTISSA = 53
_LOW_BITS = 27
# Halves of mantissas are summed in float64, which holds whole numbers below 2**53.
_MAX_CHUNK = 1 << 22


class ExactSums:
    """A table of sums, each an integer multiple of 2**-1126, as Kulisch's long accumulator.

    Parameters
    ----------
    columns
        How many quantities are summed.
    cells
        Into how many cells each quantity is divided.

    Notes
    -----
    U. Kulisch, W. Miranker: The arithmetic of the digital computer: a new approach. SIAM Review 28 (1986).
    """

    def __init__(self, columns: int, cells: int = 1) -> None:
        self.columns = columns
        self.cells = cells
        self._totals = [0] * (columns * cells)
        self._special = np.zeros(columns * cells)

    def add(
        self,
        values: npt.NDArray[np.float64],
        cells: npt.NDArray[np.intp] | None = None,
        into: Sequence[Sequence[int]] | None = None,
    ) -> None:
        """Add values.

        Parameters
        ----------
        values
            Shape (k, N).
        cells
            Shape (N,): the cell of each value; all go into cell 0 where absent.
        into
            The columns that each of the k rows is added to; row i goes into column i where absent.
        """
        for start in range(0, values.shape[1], _MAX_CHUNK):
            rows = slice(start, start + _MAX_CHUNK)
            self._add_chunk(values[:, rows], None if cells is None else cells[rows], into)

    def _add_chunk(
        self,
        values: npt.NDArray[np.float64],
        cells: npt.NDArray[np.intp] | None,
        into: Sequence[Sequence[int]] | None,
    ) -> None:
        count = values.shape[0]
        targets = into if into is not None else [(row,) for row in range(count)]
        base = np.arange(count)[:, None] * self.cells + (0 if cells is None else cells[None, :])
        base = np.broadcast_to(base, values.shape)
        finite = np.isfinite(values)
        if not finite.all():
            with np.errstate(invalid="ignore"):
                odd = np.bincount(base[~finite], weights=values[~finite], minlength=count * self.cells)
                for row, columns in enumerate(targets):
                    for column in columns:
                        self._special[column * self.cells : (column + 1) * self.cells] += odd[
                            row * self.cells : (row + 1) * self.cells
                        ]
            values = np.where(finite, values, 0.0)
        mantissa, exponent = np.frexp(values)
        whole = np.ldexp(mantissa, _MANTISSA).astype(np.int64)
        lowest = int(exponent.min())
        width = int(exponent.max()) - lowest + 1
        index = (base * width + (exponent - lowest)).ravel()
        size = count * self.cells * width
        high = np.bincount(index, weights=(whole >> _LOW_BITS).ravel(), minlength=size)
        low = np.bincount(index, weights=(whole & ((1 << _LOW_BITS) - 1)).ravel(), minlength=size)
        for position in np.flatnonzero((high != 0) | (low != 0)).tolist():
            place, offset = divmod(position, width)
            row, cell = divmod(place, self.cells)
            amount = ((int(high[position]) << _LOW_BITS) + int(low[position])) << (lowest + offset - _MANTISSA + _SCALE)
            for column in targets[row]:
                self._totals[column * self.cells + cell] += amount

    def merge(self, other: Self) -> None:
        """Add the sums of another table of the same shape."""
        self._totals = [mine + theirs for mine, theirs in zip(self._totals, other._totals, strict=True)]
        with np.errstate(invalid="ignore"):
            self._special = self._special + other._special

    def value(self, column: int, cell: int | None = None) -> float:
        """Return one sum, rounded once; over all cells where ``cell`` is None."""
        cells = range(self.cells) if cell is None else (cell,)
        special = math.fsum(0.0 if math.isfinite(x) else x for x in self._specials(column, cells))
        if special != 0:
            return special
        return ratio(sum(self._totals[column * self.cells + at] for at in cells), 1 << _SCALE)

    def _specials(self, column: int, cells: Sequence[int]) -> list[float]:
        found = [float(self._special[column * self.cells + at]) for at in cells]
        infinite = [x for x in found if not math.isfinite(x)]
        # math.fsum refuses opposite infinities, whose sum is NaN.
        return [math.nan] if len(set(infinite)) > 1 else infinite

    def whole(self, column: int) -> int:
        """Return one sum over all cells as a multiple of 2**-1126, for arithmetic without rounding."""
        return sum(self._totals[column * self.cells : (column + 1) * self.cells])


def ratio(numerator: int, denominator: int) -> float:
    """Return the nearest float64 to a quotient of whole numbers; infinite beyond the range of float64."""
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def two_product(
    a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the rounded product and its rounding error, whose sum is the exact product.

    Parameters
    ----------
    a, b
        Of one shape, and not so large (beyond 1e150) or small (below 1e-140) that their product leaves float64.

    Notes
    -----
    T. J. Dekker: A floating-point technique for extending the available precision. Numerische Mathematik 18 (1971).
    """
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _split(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    scaled = values * 134_217_729.0
    high = scaled - (scaled - values)
    return high, values - high
