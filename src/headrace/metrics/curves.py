"""Areas under curves, their intervals, and points to draw, all from counts by score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from headrace.metrics.base import MetricValue
from headrace.metrics.intervals import mean_interval, normal_quantile

if TYPE_CHECKING:
    import numpy.typing as npt

    from headrace.metrics.scores import ScoreTable

__all__ = ["average_precision", "pr_points", "roc_auc", "roc_points"]


def _one_class(table: ScoreTable, what: str) -> MetricValue | None:
    if table.total_positive > 0 and table.total_negative > 0:
        return None
    if table.total_positive == 0 and table.total_negative == 0:
        return MetricValue.undefined(f"{what} needs examples; there are none with a weight above zero")
    absent = "positive" if table.total_positive == 0 else "negative"
    return MetricValue.undefined(f"{what} needs both classes; there are no {absent} examples")


def roc_auc(table: ScoreTable, confidence: float = 0.95) -> MetricValue:
    """Return the area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    The interval is DeLong's, clipped to [0, 1]; with weights, its variances are those of weighted means.

    Notes
    -----
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson: Comparing the areas under two or more correlated receiver
    operating characteristic curves. Biometrics 44 (1988).
    """
    undefined = _one_class(table, "AUC")
    if undefined is not None:
        return undefined
    positive, negative = table.positives, table.negatives
    total_positive, total_negative = table.total_positive, table.total_negative
    # The share of negatives below each positive's score, and of positives above each negative's.
    below = (np.cumsum(negative) - negative / 2) / total_negative
    above = 1 - (np.cumsum(positive) - positive / 2) / total_positive
    area = float((positive * (np.cumsum(negative) - negative / 2)).sum() / (total_positive * total_negative))
    variances = []
    for total, squared, placement in (
        (total_positive, table.positives_squared, below),
        (total_negative, table.negatives_squared, above),
    ):
        effective = total * total / float(squared.sum())
        if effective > 1:
            spread = float((squared * (placement - area) ** 2).sum()) / (total * total)
            variances.append(spread * effective / (effective - 1))
    found = MetricValue(area)
    if not table.exact:
        # Positives and negatives that share a cell count half; in truth each pair counts 0 to 1.
        loss = float((positive * negative).sum()) / (2 * total_positive * total_negative)
        found = MetricValue(area, error_bound=loss)
    if len(variances) == 2:
        low, high = mean_interval(area, sum(variances), confidence)
        found = found.within(max(0.0, low), min(1.0, high))
    return found


def average_precision(table: ScoreTable, confidence: float = 0.95) -> MetricValue:
    """Return the average precision, scikit-learn's area under the precision-recall curve.

    The interval is the logit interval.

    Notes
    -----
    K. Boyd, K. H. Eng, C. D. Page: Area under the precision-recall curve: point estimates and confidence intervals.
    ECML PKDD (2013).
    """
    undefined = _one_class(table, "PR-AUC")
    if undefined is not None:
        return undefined
    positive = table.positives[::-1]
    hits = np.cumsum(positive)
    called = np.cumsum(positive + table.negatives[::-1])
    precision = np.divide(hits, called, out=np.ones_like(hits), where=called > 0)
    total = table.total_positive
    area = float((positive * precision).sum() / total)
    if not 0 < area < 1:
        return MetricValue(area)
    effective = total * total / float(table.positives_squared.sum())
    spread = normal_quantile(confidence) / math.sqrt(effective * area * (1 - area))
    logit = math.log(area / (1 - area))
    return MetricValue(area).within(_logistic(logit - spread), _logistic(logit + spread))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else 1 - 1 / (1 + math.exp(x))


def roc_points(table: ScoreTable, limit: int = 200) -> list[tuple[float, float, float]]:
    """Return at most ``limit`` points (false positive rate, true positive rate, threshold), from (0, 0) to (1, 1).

    An example is called positive where its score is at least the threshold; the first threshold is infinite.
    """
    if table.total_positive == 0 or table.total_negative == 0:
        return []
    x = np.concatenate([[0.0], np.cumsum(table.negatives[::-1])]) / table.total_negative
    y = np.concatenate([[0.0], np.cumsum(table.positives[::-1])]) / table.total_positive
    thresholds = np.concatenate([[math.inf], table.scores[::-1]])
    return _thin(x, y, thresholds, limit)


def pr_points(table: ScoreTable, limit: int = 200) -> list[tuple[float, float, float]]:
    """Return at most ``limit`` points (recall, precision, threshold), in the order of rising recall."""
    if table.total_positive == 0 or table.total_negative == 0:
        return []
    hits = np.cumsum(table.positives[::-1])
    called = hits + np.cumsum(table.negatives[::-1])
    some = called > 0
    return _thin(hits[some] / table.total_positive, hits[some] / called[some], table.scores[::-1][some], limit)


def _thin(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], thresholds: npt.NDArray[np.float64], limit: int
) -> list[tuple[float, float, float]]:
    if len(x) > limit:
        along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
        wanted = np.linspace(0.0, along[-1], limit)
        kept = np.unique(np.concatenate([[0], np.searchsorted(along, wanted[1:-1]), [len(x) - 1]]))
        x, y, thresholds = x[kept], y[kept], thresholds[kept]
    return list(zip(x.tolist(), y.tolist(), thresholds.tolist(), strict=True))
