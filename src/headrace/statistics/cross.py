"""How two features go together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from headrace.statistics.values import CrossFeatureStatistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from headrace.statistics.bins import Bins, Codes, Floats

__all__ = ["CategoryPair", "MixedPair", "Number", "NumberPairs", "cramers_v"]

_LIFTS = 10
_LEAST_LIFTED = 5


class Number:
    """The numbers of one feature in a batch.

    Parameters
    ----------
    scaled
        In units of standard deviations from the mean, of any value.

    Attributes
    ----------
    values
        0 where a number is not finite.
    finite
        Which are finite; None where all are.
    squares
        The sum of their squares.
    """

    def __init__(self, scaled: Floats) -> None:
        finite = np.isfinite(scaled)
        complete = bool(finite.all())
        self.finite: NDArray[np.bool_] | None = None if complete else finite
        self.values: Floats = scaled if complete else np.where(finite, scaled, 0.0)
        self.squares = float(np.square(self.values).sum())


class NumberPairs:
    """Sums of products of numbers, over the rows in which both are finite; a monoid.

    Numbers come in units of standard deviations from the mean of a first pass, so that plain sums lose no digits.

    Parameters
    ----------
    count
        Features.
    """

    def __init__(self, count: int) -> None:
        self._rows = np.zeros((count, count))
        self._sums = np.zeros((count, count))
        self._squares = np.zeros((count, count))
        self._products = np.zeros((count, count))

    def update(self, numbers: Sequence[Number]) -> None:
        """Take in the numbers of each feature, all of as many rows."""
        values = np.stack([number.values for number in numbers])
        squares = np.square(values)
        # einsum rather than matmul: BLAS splits it by the number of processors, and bits would depend on that.
        self._products += np.einsum("in,jn->ij", values, values)
        count = np.full(self._rows.shape, float(values.shape[1]))
        sums = np.repeat(values.sum(axis=1)[:, None], values.shape[0], axis=1)
        every = np.repeat(squares.sum(axis=1)[:, None], values.shape[0], axis=1)
        some = [at for at, number in enumerate(numbers) if number.finite is not None]
        if some:
            masks = np.stack([number.finite for number in numbers if number.finite is not None]).astype(np.float64)
            sums[:, some] = np.einsum("in,jn->ij", values, masks)
            every[:, some] = np.einsum("in,jn->ij", squares, masks)
            count[some, :] = masks.sum(axis=1)[:, None]
            count[:, some] = masks.sum(axis=1)[None, :]
            count[np.ix_(some, some)] = np.einsum("in,jn->ij", masks, masks)
        self._rows += count
        self._sums += sums
        self._squares += every

    def merge(self, other: NumberPairs) -> None:
        """Take in what another one of the same features has seen."""
        self._rows += other._rows
        self._sums += other._sums
        self._squares += other._squares
        self._products += other._products

    def moments(self, x: int, y: int) -> tuple[int, float, float]:
        """Return how many rows have both, their covariance, and their correlation; NaN where there is none."""
        rows = self._rows[x, y]
        if rows < 2:
            return int(rows), math.nan, math.nan
        mean_x, mean_y = self._sums[x, y] / rows, self._sums[y, x] / rows
        covariance = self._products[x, y] / rows - mean_x * mean_y
        spread_x = self._squares[x, y] / rows - mean_x * mean_x
        spread_y = self._squares[y, x] / rows - mean_y * mean_y
        # What rounding leaves of no spread at all is no spread.
        if min(spread_x, spread_y) < 1e-14:
            return int(rows), float(covariance), math.nan
        return int(rows), float(covariance), float(np.clip(covariance / math.sqrt(spread_x * spread_y), -1.0, 1.0))

    def result(self, x: int, y: int, first: Bins, second: Bins) -> CrossFeatureStatistics:
        """Return what two features come to, in their own units."""
        rows, covariance, correlation = self.moments(x, y)
        covariance *= first.scale * second.scale
        return CrossFeatureStatistics(
            first.name,
            second.name,
            rows,
            correlation=correlation if math.isfinite(correlation) else None,
            covariance=covariance if math.isfinite(covariance) else None,
        )


class CategoryPair:
    """Joint counts of the categories of two features; a monoid."""

    def __init__(self, first: Bins, second: Bins) -> None:
        self._first = first
        self._second = second
        self._counts = np.zeros(first.size * second.size, np.int64)

    def update(self, first: Codes, second: Codes) -> None:
        """Take in the codes of both."""
        self._counts += np.bincount(first * self._second.size + second, minlength=self._counts.size)

    def merge(self, other: CategoryPair) -> None:
        """Take in what another pair of the same features has seen."""
        self._counts += other._counts

    def result(self) -> CrossFeatureStatistics:
        """Return their association, and the pairs that stand out."""
        counts = self._counts.reshape(self._first.size, self._second.size)[:-1, :-1]
        total = int(counts.sum())
        return CrossFeatureStatistics(
            self._first.name, self._second.name, total, cramers_v=cramers_v(counts), lift=self._lift(counts, total)
        )

    def _lift(self, counts: NDArray[np.int64], total: int) -> tuple[tuple[str, str, float], ...]:
        known = counts[:-1, :-1] if total else np.zeros((0, 0), np.int64)
        if not known.size:
            return ()
        expected = counts.sum(axis=1)[: known.shape[0], None] * counts.sum(axis=0)[None, : known.shape[1]] / total
        with np.errstate(divide="ignore", invalid="ignore"):
            lift = np.where((known >= _LEAST_LIFTED) & (expected > 0), known / expected, 0.0)
        found = []
        for at in np.argsort(-lift, axis=None, kind="stable")[:_LIFTS].tolist():
            x, y = divmod(at, known.shape[1])
            if lift[x, y] > 1.0:
                found.append((self._first.words[x], self._second.words[y], float(lift[x, y])))
        return tuple(found)


class MixedPair:
    """Counts and sums of a number for each category; a monoid."""

    def __init__(self, category: Bins, number: Bins, *, swapped: bool) -> None:
        self._category = category
        self._number = number
        self._swapped = swapped
        self._counts = np.zeros(category.size)
        self._sums = np.zeros(category.size)
        self._squares = 0.0

    def update(self, codes: Codes, per_code: NDArray[np.int64], number: Number) -> None:
        """Take in codes, how often each occurs, and the numbers beside them."""
        size = self._category.size
        self._sums += np.bincount(codes, weights=number.values, minlength=size)
        if number.finite is None:
            self._counts += per_code
        else:
            self._counts += np.bincount(codes, weights=number.finite, minlength=size)
        self._squares += number.squares
        if per_code[-1]:
            self._squares -= float(np.square(number.values[codes == size - 1]).sum())

    def merge(self, other: MixedPair) -> None:
        """Take in what another pair of the same features has seen."""
        self._counts += other._counts
        self._sums += other._sums
        self._squares += other._squares

    def result(self) -> CrossFeatureStatistics:
        """Return the correlation ratio: the share of the variance between categories, its root taken."""
        counts, sums = self._counts[:-1], self._sums[:-1]
        rows = float(counts.sum())
        ratio = None
        if rows >= 2:
            mean = sums.sum() / rows
            spread = self._squares - rows * mean * mean
            there = counts > 0
            between = float((counts[there] * np.square(sums[there] / counts[there] - mean)).sum())
            if spread > 1e-12 * rows:
                ratio = math.sqrt(min(max(between / spread, 0.0), 1.0))
        names = (self._category.name, self._number.name)
        path_x, path_y = reversed(names) if self._swapped else names
        return CrossFeatureStatistics(path_x, path_y, int(rows), correlation_ratio=ratio)


def cramers_v(counts: NDArray[np.int64]) -> float | None:
    """Return Cramér's V of a table of counts, after the correction of Bergsma (2013).

    Returns
    -------
    float or None
        In [0, 1]; None where a side has fewer than two categories.
    """
    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0].astype(np.float64)
    rows, columns = table.shape
    if min(rows, columns) < 2:
        return None
    total = table.sum()
    expected = table.sum(axis=1)[:, None] * table.sum(axis=0)[None, :] / total
    phi = float((np.square(table - expected) / expected).sum()) / total
    corrected = max(0.0, phi - (rows - 1) * (columns - 1) / (total - 1))
    least = min(rows - (rows - 1) ** 2 / (total - 1), columns - (columns - 1) ** 2 / (total - 1)) - 1
    return math.sqrt(min(corrected / least, 1.0)) if least > 0 else None
