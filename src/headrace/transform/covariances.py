"""Covariance of the places of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.transform.accumulators import ByRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.transform.accumulators import Part

__all__ = ["CovarianceAnalyzer", "principal_components"]


@dataclass(frozen=True)
class CovarianceAnalyzer(ByRow):
    """Count, means and population covariance of rows of numbers.

    Merged as moments are: the update of Chan, Golub and LeVeque (1979), with products in place of squares.
    """

    name: str = "covariance"

    def part(self) -> Part:
        """Return an empty state."""
        return _CovariancePart()


class _CovariancePart:
    def __init__(self) -> None:
        self.count = 0
        self.mean: NDArray[np.float64] = np.zeros(0)
        self.products: NDArray[np.float64] = np.zeros((0, 0))

    def update(self, rows: NDArray[Any]) -> None:
        if len(rows) == 0:
            return
        numbers = rows.astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = numbers.mean(axis=0)
            apart = numbers - mean
            rest = apart.sum(axis=0)
            # Not the @ operator: BLAS rounds by how many processors there are.
            products = np.einsum("ni,nj->ij", apart, apart, optimize=False) - np.outer(rest, rest) / len(rows)
            self._add(len(rows), mean, products)

    def merge(self, other: Self) -> None:
        if other.count:
            with np.errstate(over="ignore", invalid="ignore"):
                self._add(other.count, other.mean, other.products)

    def _add(self, count: int, mean: NDArray[np.float64], products: NDArray[np.float64]) -> None:
        if self.count == 0:
            self.count, self.mean, self.products = count, mean.copy(), products.copy()
            return
        total = self.count + count
        delta = mean - self.mean
        self.mean = self.mean + delta * (count / total)
        self.products = self.products + products + np.outer(delta, delta) * (self.count * (count / total))
        self.count = total

    def result(self) -> dict[str, Any] | None:
        if self.count == 0:
            return None
        covariance = self.products / self.count
        return {
            "count": self.count,
            "mean": self.mean.tolist(),
            "covariance": ((covariance + covariance.T) / 2).tolist(),
        }


def principal_components(
    covariance: NDArray[np.float64], number: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the eigenvectors of the largest eigenvalues as columns ``[k, number]``, and those eigenvalues.

    Of the two signs of a vector, the one whose largest place is positive is taken.
    """
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][:number]
    chosen = vectors[:, order]
    largest = chosen[np.argmax(np.abs(chosen), axis=0), np.arange(chosen.shape[1])]
    return chosen * np.where(largest < 0.0, -1.0, 1.0), values[order]
