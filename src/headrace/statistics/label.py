"""How features go with the label, and which of them may have been computed from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from headrace.statistics.values import LabelStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.statistics.bins import Bins, Codes, Floats

__all__ = ["LabelPair", "entropy", "mutual_information"]

_FEWEST_ROWS = 100
_FEWEST_IN_CLASS = 10
_AUC = 0.995
_ACCURACY = 0.99
_DETERMINED = 0.99
_KNOWN_TWO = 0.8
_KNOWN = 0.95


class LabelPair:
    """Joint counts of a feature's bins and the label's, for two halves of the rows; a monoid.

    What is learned from one half is tried on the other, so that a feature with many values does not look better than
    it is.

    Parameters
    ----------
    feature, label
        Their bins.
    """

    def __init__(self, feature: Bins, label: Bins) -> None:
        self._feature = feature
        self._label = label
        self._numeric = label.kind == "number" and not label.exact
        self._counts = np.zeros(2 * feature.size * label.size, np.int64)
        # Of a numeric label: sums in each bin of the feature, and over rows where the feature is a finite number.
        self._sums = np.zeros((2, feature.size))
        self._squares = np.zeros((2, feature.size))
        self._linear = np.zeros(6)

    def update(
        self, halves: Codes, codes: Codes, labels: Codes, numbers: Floats | None, label_numbers: Floats | None
    ) -> None:
        """Take in the half and the bins of each row, and the numbers where feature and label are numbers."""
        rows = halves * self._feature.size + codes
        self._counts += np.bincount(rows * self._label.size + labels, minlength=self._counts.size)
        if not self._numeric or label_numbers is None:
            return
        known = np.isfinite(label_numbers)
        values = np.where(known, label_numbers, 0.0)
        size = 2 * self._feature.size
        self._sums += np.bincount(rows, weights=values, minlength=size).reshape(2, -1)
        self._squares += np.bincount(rows, weights=np.square(values), minlength=size).reshape(2, -1)
        if numbers is not None:
            both = known & np.isfinite(numbers)
            x, y = numbers[both], values[both]
            self._linear += [x.size, x.sum(), y.sum(), np.square(x).sum(), np.square(y).sum(), (x * y).sum()]

    def merge(self, other: LabelPair) -> None:
        """Take in what another pair of the same features has seen."""
        self._counts += other._counts
        self._sums += other._sums
        self._squares += other._squares
        self._linear += other._linear

    def result(self) -> LabelStatistics:
        """Return the association, and whether it is too good."""
        halves = self._counts.reshape(2, self._feature.size, self._label.size)[:, :, :-1]
        counts = halves.sum(axis=0)
        information = mutual_information(counts)
        most = entropy(counts.sum(axis=0))
        normalized = min(information / most, 1.0) if most > 0.0 else 0.0
        score, kind = self._score(halves)
        reason = self._reason(counts, normalized, score, kind)
        return LabelStatistics(information, normalized, score, leakage=bool(reason), reason=reason)

    def _score(self, halves: NDArray[np.int64]) -> tuple[float | None, Literal["auc", "accuracy", "r2"]]:
        per_class = halves.sum(axis=(0, 1))
        present = np.flatnonzero(per_class)
        if self._numeric:
            return self._determination(halves), "r2"
        if present.size == 2:
            return _auc(halves[:, :, present]), "auc"
        if present.size < 2:
            return None, "accuracy"
        return _accuracy(halves[:, :, present]), "accuracy"

    def _determination(self, halves: NDArray[np.int64]) -> float | None:
        counts = halves.sum(axis=2).astype(np.float64)
        left = spread = 0.0
        for learned, tried in ((0, 1), (1, 0)):
            total = counts[learned].sum()
            rows = counts[tried].sum()
            if total == 0 or rows == 0:
                return None
            usual = self._sums[learned].sum() / total
            there = counts[learned] > 0
            means = np.where(there, self._sums[learned] / np.where(there, counts[learned], 1.0), usual)
            left += float(
                (self._squares[tried] - 2 * means * self._sums[tried] + counts[tried] * np.square(means)).sum()
            )
            spread += float(self._squares[tried].sum() - self._sums[tried].sum() ** 2 / rows)
        if spread <= 0.0:
            return None
        return float(np.clip(max(1.0 - left / spread, self._correlation_squared()), 0.0, 1.0))

    def _correlation_squared(self) -> float:
        rows, x, y, xx, yy, xy = self._linear.tolist()
        if rows < _FEWEST_ROWS or rows < 0.5 * self._counts.sum():
            return 0.0
        spread = (xx - x * x / rows) * (yy - y * y / rows)
        return float((xy - x * y / rows) ** 2 / spread) if spread > 0.0 else 0.0

    def _reason(self, counts: NDArray[np.int64], normalized: float, score: float | None, kind: str) -> str:
        """Return why the feature may have been computed from the label; empty where nothing says so."""
        per_class = counts.sum(axis=0)
        rows = int(per_class.sum())
        present = per_class[per_class > 0]
        if score is None or rows < _FEWEST_ROWS or present.size < 2:
            return ""
        if kind == "auc":
            found = score >= _AUC and normalized >= _KNOWN_TWO and int(present.min()) >= _FEWEST_IN_CLASS
            said = f"an area under the ROC curve of {score:.4f}"
        elif kind == "accuracy":
            usual = float(present.max() / rows)
            found = score >= max(_ACCURACY, 1.0 - 0.5 * (1.0 - usual)) and normalized >= _KNOWN
            said = f"an accuracy of {score:.4f}, where the most frequent class has {usual:.4f}"
        else:
            found = score >= _DETERMINED or normalized >= _KNOWN
            said = f"a coefficient of determination of {score:.4f}"
        if not found:
            return ""
        missing = np.stack([counts[:-1].sum(axis=0), counts[-1]])
        alone = mutual_information(missing) / max(entropy(per_class), 1e-300)
        how = "whether it is missing" if alone >= 0.9 * normalized else "its values"
        return (
            f"From {how} alone the label {self._label.name!r} is predicted with {said}; "
            f"it has {normalized:.1%} of the label's information. It may be computed from the label, or be known "
            "only after it"
        )


def _auc(halves: NDArray[np.int64]) -> float | None:
    """Return the area under the ROC curve of the second class's share in each bin, learned on the other half."""
    areas = []
    for learned, tried in ((0, 1), (1, 0)):
        shares = _shares(halves[learned])[:, 1]
        negatives, positives = halves[tried, :, 0].astype(np.float64), halves[tried, :, 1].astype(np.float64)
        pairs = negatives.sum() * positives.sum()
        if pairs == 0:
            return None
        levels, at = np.unique(shares, return_inverse=True)
        below = np.bincount(at, weights=negatives, minlength=levels.size)
        above = np.bincount(at, weights=positives, minlength=levels.size)
        before = np.cumsum(below) - below
        areas.append(float((above * (before + below / 2.0)).sum() / pairs))
    return (areas[0] + areas[1]) / 2.0


def _accuracy(halves: NDArray[np.int64]) -> float | None:
    right = rows = 0
    for learned, tried in ((0, 1), (1, 0)):
        best = np.argmax(_shares(halves[learned]), axis=1)
        right += int(halves[tried][np.arange(best.size), best].sum())
        rows += int(halves[tried].sum())
    return right / rows if rows else None


def _shares(counts: NDArray[np.int64]) -> Floats:
    """Return the share of each class in each bin, a little drawn towards that in all."""
    total = counts.sum(axis=0) / max(int(counts.sum()), 1)
    shares: Floats = (counts + total) / (counts.sum(axis=1, keepdims=True) + 1.0)
    return shares


def entropy(counts: NDArray[np.int64]) -> float:
    """Return the entropy in bits of what counts say, after the correction of Miller and Madow (1955)."""
    there = counts[counts > 0].astype(np.float64)
    total = there.sum()
    if there.size < 2:
        return 0.0
    shares = there / total
    return float((there.size - 1) / (2.0 * total * math.log(2.0)) - (shares * np.log2(shares)).sum())


def mutual_information(counts: NDArray[np.int64]) -> float:
    """Return the mutual information in bits of the two sides of a table, each entropy corrected; 0 at least."""
    found = entropy(counts.sum(axis=1)) + entropy(counts.sum(axis=0)) - entropy(counts.ravel())
    return max(found, 0.0)
