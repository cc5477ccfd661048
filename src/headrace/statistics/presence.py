"""Presence and number of values, counted apart from the values."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.engines.quantiles import QuantileSketch
from headrace.statistics.values import (
    Bucket,
    CommonStatistics,
    Histogram,
    ValencyStatistics,
    WeightedCommonStatistics,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Presence"]

# Lengths of lists are few and small; beyond, the deciles are within the sketch's bound.
_LENGTHS = 10_000


class _Weights:
    """Sums of the weights of what is there, of what is not, and of the values."""

    def __init__(self, present: float = 0.0, missing: float = 0.0, values: float = 0.0) -> None:
        self.present = present
        self.missing = missing
        self.values = values

    def add(self, present: NDArray[np.float64], missing: float, values: NDArray[np.int64] | None) -> None:
        self.present += float(present.sum())
        self.missing += missing
        self.values += float(present.sum() if values is None else (present * values).sum())

    def merge(self, other: Self) -> None:
        self.present += other.present
        self.missing += other.missing
        self.values += other.values

    def to_state(self) -> list[float]:
        return [self.present, self.missing, self.values]

    def result(self) -> WeightedCommonStatistics:
        average = self.values / self.present if self.present else 0.0
        return WeightedCommonStatistics(self.present, self.missing, average, self.values)


class _Level:
    """Lists that are there, and how long they are."""

    def __init__(self) -> None:
        self.present = 0
        self.missing = 0
        self.total = 0
        self.lengths = QuantileSketch(_LENGTHS)
        # None where a part that was merged comes from a state of before there were any.
        self.weights: _Weights | None = _Weights()

    def add(self, lengths: NDArray[np.int64], missing: int) -> None:
        self.present += int(lengths.size)
        self.missing += missing
        self.total += int(lengths.sum())
        self.lengths.update(lengths)

    def merge(self, other: Self) -> None:
        self.present += other.present
        self.missing += other.missing
        self.total += other.total
        self.lengths.merge(other.lengths)
        if self.weights is None or other.weights is None:
            self.weights = None
        else:
            self.weights.merge(other.weights)

    def to_state(self) -> dict[str, Any]:
        return {
            "present": self.present,
            "missing": self.missing,
            "total": self.total,
            "lengths": self.lengths.to_state(),
            "weights": None if self.weights is None else self.weights.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        made = cls()
        made.present, made.missing, made.total = state["present"], state["missing"], state["total"]
        made.lengths = QuantileSketch.from_state(state["lengths"])
        weights = state.get("weights")
        made.weights = None if weights is None else _Weights(*weights)
        return made

    @property
    def ends(self) -> tuple[int, int]:
        return (int(self.lengths.minimum), int(self.lengths.maximum)) if self.present else (0, 0)

    @property
    def average(self) -> float:
        return self.total / self.present if self.present else 0.0

    def histogram(self, buckets: int) -> Histogram | None:
        if not self.present:
            return None
        edges = self.lengths.quantiles(np.linspace(0.0, 1.0, buckets + 1)).tolist()
        count = self.present / buckets
        return Histogram("QUANTILES", tuple(Bucket(low, high, count) for low, high in itertools.pairwise(edges)))

    def result(self, buckets: int, weights: _Weights | None) -> ValencyStatistics:
        low, high = self.ends
        return ValencyStatistics(
            self.present,
            self.missing,
            low,
            high,
            self.average,
            self.total,
            self.histogram(buckets),
            None if weights is None else weights.result(),
        )


class Presence:
    """How many rows have a value, and how many values they have; a monoid.

    Parameters
    ----------
    depth
        Levels of lists; 0 for a plain column.
    weighted
        Whether rows have weights.
    buckets
        Of the histogram of the numbers of values.
    """

    def __init__(self, depth: int, *, weighted: bool = False, buckets: int = 10) -> None:
        self._weighted = weighted
        self._buckets = buckets
        self._present = 0
        self._missing = 0
        self._null_values = 0
        self._levels = [_Level() for _ in range(depth)]
        # Values of a row over all levels; with one level its lengths are those.
        self._values = _Level() if depth > 1 else None
        self._weights = _Weights()

    def plain(self, rows: int, missing: int) -> None:
        """Count the rows of a column without lists or weights."""
        self._present += rows - missing
        self._missing += missing

    def weigh(self, present: NDArray[np.float64], missing: float, values: NDArray[np.int64] | None = None) -> None:
        """Sum the weights of rows that are there and of those that are not.

        Parameters
        ----------
        values
            How many values each row that is there has; one when None.
        """
        self._weights.add(present, missing, values)

    def weigh_level(self, level: int, present: NDArray[np.float64], missing: float, lengths: NDArray[np.int64]) -> None:
        """Sum the weights of the lists of one level that are there, and of those that are not.

        With one level they are those of the rows.
        """
        weights = self._levels[level].weights
        if weights is not None and self._values is not None:
            weights.add(present, missing, lengths)

    def level(self, level: int, lengths: NDArray[np.int64], missing: int) -> None:
        """Count the lists of one level: the lengths of those that are there, and how many are not."""
        self._levels[level].add(lengths, missing)

    def values(self, per_row: NDArray[np.int64], null_values: int) -> None:
        """Count the values of each row that is there, over all levels, and the nulls among them."""
        self._null_values += null_values
        if self._values is not None:
            self._values.add(per_row, 0)

    def merge(self, other: Self) -> None:
        """Take in what another one of the same depth has seen."""
        self._present += other._present
        self._missing += other._missing
        self._null_values += other._null_values
        for level, more in zip(self._levels, other._levels, strict=True):
            level.merge(more)
        if self._values is not None and other._values is not None:
            self._values.merge(other._values)
        self._weights.merge(other._weights)

    def to_state(self) -> dict[str, Any]:
        """Return what was seen as plain values and arrays."""
        return {
            "present": self._present,
            "missing": self._missing,
            "null_values": self._null_values,
            "levels": [level.to_state() for level in self._levels],
            "values": None if self._values is None else self._values.to_state(),
            "weights": self._weights.to_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same depth, in place of what was seen."""
        self._present, self._missing = state["present"], state["missing"]
        self._null_values = state["null_values"]
        self._levels = [_Level.from_state(level) for level in state["levels"]]
        self._values = None if state["values"] is None else _Level.from_state(state["values"])
        self._weights = _Weights(*state["weights"])

    def result(self) -> CommonStatistics:
        """Return the presence over all that was seen."""
        weighted = self._weights.result() if self._weighted else None
        if not self._levels:
            return CommonStatistics(self._present, self._missing, weighted=weighted)
        rows = self._values or self._levels[0]
        weights = [level.weights for level in self._levels] if self._values is not None else [self._weights]
        low, high = rows.ends
        return CommonStatistics(
            num_non_missing=self._present,
            num_missing=self._missing,
            min_num_values=low,
            max_num_values=high,
            avg_num_values=rows.average,
            tot_num_values=rows.total,
            num_null_values=self._null_values,
            num_values_histogram=rows.histogram(self._buckets),
            levels=tuple(
                level.result(self._buckets, sums if self._weighted else None)
                for level, sums in zip(self._levels, weights, strict=True)
            ),
            weighted=weighted,
        )
