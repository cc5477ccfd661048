"""Counts of positive and negative examples for every distinct score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from headrace.metrics.base import Examples, MetricSettings

__all__ = ["ScoreCounts", "ScoreTable"]

# Bits of the 52-bit mantissa that each step of the ladder forgets. Float32 scores lose nothing until the third.
_LADDER = (0, 20, 29, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52)


class ScoreTable:
    """The finished counts.

    Parameters
    ----------
    scores
        Float64, shape (D,), rising.
    positives, negatives
        Float64, shape (D,): summed weights of the examples with that score.
    positives_squared, negatives_squared
        Float64, shape (D,): summed squared weights.
    exact
        False where nearby scores were counted as one.
    """

    def __init__(self, scores: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], *, exact: bool) -> None:
        self.scores = scores
        self.positives = counts[:, 0]
        self.negatives = counts[:, 1]
        self.positives_squared = counts[:, 2]
        self.negatives_squared = counts[:, 3]
        self.exact = exact

    @property
    def total_positive(self) -> float:
        """Weight of all positive examples."""
        return float(self.positives.sum())

    @property
    def total_negative(self) -> float:
        """Weight of all negative examples."""
        return float(self.negatives.sum())


class ScoreCounts:
    """Counts examples by score, exactly while there are few enough distinct scores.

    With more distinct scores than ``settings.max_distinct_scores``, the low bits of every score are forgotten, as
    few as bring the number down; sign and exponent, some 4,000 values at the very most, always stay. Which bits are
    forgotten depends on the set of scores only, so any sharding and any order of merging ends in the same counts
    (weights that are not whole numbers add up to rounding).
    """

    def __init__(self, settings: MetricSettings) -> None:
        self._bound = settings.max_distinct_scores
        self.confidence = settings.confidence
        self._rung = 0
        self._scores = np.empty(0)
        self._counts = np.empty((0, 4))
        self._pending: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = []
        self._pending_rows = 0

    def update(self, examples: Examples) -> None:
        """Add examples with labels 0 and 1."""
        weight = np.ones(len(examples)) if examples.weight is None else examples.weight
        positive = examples.label == 1
        counts = np.zeros((len(examples), 4))
        counts[:, 0] = np.where(positive, weight, 0.0)
        counts[:, 1] = np.where(positive, 0.0, weight)
        counts[:, 2] = counts[:, 0] * weight
        counts[:, 3] = counts[:, 1] * weight
        # Adding zero makes one of the two zeros.
        self._append(_truncate(examples.prediction + 0.0, _LADDER[self._rung]), counts)

    def merge(self, other: Self) -> None:
        """Add the counts of another."""
        other._consolidate()
        self._climb(other._rung)
        self._append(_truncate(other._scores, _LADDER[self._rung]), other._counts)

    def table(self) -> ScoreTable:
        """Return the counts in the order of the scores."""
        self._consolidate()
        return ScoreTable(self._scores, self._counts, exact=self._rung == 0)

    def _append(self, scores: npt.NDArray[np.float64], counts: npt.NDArray[np.float64]) -> None:
        self._pending.append((scores, counts))
        self._pending_rows += len(scores)
        if self._pending_rows > max(262_144, len(self._scores)):
            self._consolidate()

    def _climb(self, rung: int) -> None:
        if rung <= self._rung:
            return
        self._rung = rung
        bits = _LADDER[rung]
        self._scores = _truncate(self._scores, bits)
        self._pending = [(_truncate(scores, bits), counts) for scores, counts in self._pending]

    def _consolidate(self) -> None:
        if self._pending:
            self._scores = np.concatenate([self._scores, *(scores for scores, _ in self._pending)])
            self._counts = np.concatenate([self._counts, *(counts for _, counts in self._pending)])
            self._pending, self._pending_rows = [], 0
            self._combine()
        while len(self._scores) > self._bound and self._rung + 1 < len(_LADDER):
            self._climb(self._rung + 1)
            self._combine()

    def _combine(self) -> None:
        order = np.argsort(self._scores, kind="stable")
        scores = self._scores[order]
        starts = np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1]])) if len(scores) else order
        self._scores = scores[starts]
        if len(scores):
            self._counts = np.add.reduceat(self._counts[order], starts, axis=0)

    def __getstate__(self) -> dict[str, Any]:
        self._consolidate()
        return self.__dict__


def _truncate(scores: npt.NDArray[np.float64], bits: int) -> npt.NDArray[np.float64]:
    if bits == 0:
        return scores
    kept = (scores.view(np.int64) >> bits) << bits
    # A negative number that is cut down to nothing is minus zero.
    return kept.view(np.float64) + 0.0
