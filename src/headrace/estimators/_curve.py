"""The metrics of a learning curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from headrace.estimators._inputs import Examples

__all__ = ["area_under_curve", "validation_metrics"]


def validation_metrics(raw: np.ndarray, examples: Examples) -> dict[str, float]:
    """Return what a learning curve shows besides the loss.

    Parameters
    ----------
    raw
        Logits ``[N, 1]`` or ``[N, C]``, or predictions ``[N, 1]``.
    """
    labels, weights = examples.labels, examples.weights
    if not examples.classes:
        error = float(np.average((raw[:, 0] - labels) ** 2, weights=weights))
        return {"validation_rmse": error**0.5}
    found = (raw[:, 0] > 0) if raw.shape[1] == 1 else raw.argmax(axis=1)
    metrics = {"validation_accuracy": float(np.average(found == labels, weights=weights))}
    if raw.shape[1] == 1:
        auc = area_under_curve(raw[:, 0], labels, weights)
        if auc is not None:
            metrics["validation_auc"] = auc
    return metrics


def area_under_curve(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float | None:
    """Return the weighted area under the ROC curve, ties counting half; None where one class is absent."""
    _, ranks = np.unique(scores, return_inverse=True)
    positive = np.bincount(ranks, weights * (labels == 1))
    negative = np.bincount(ranks, weights * (labels == 0))
    total = positive.sum() * negative.sum()
    if total == 0:
        return None
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / total)
