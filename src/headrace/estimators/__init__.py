"""Estimators: canned networks and trees, and an adapter for scikit-learn; each gives its predictions as ONNX."""

from __future__ import annotations

from headrace.estimators.base import Estimator, Monitor
from headrace.estimators.neural import (
    DNNClassifier,
    DNNLinearCombinedClassifier,
    DNNLinearCombinedRegressor,
    DNNRegressor,
    LinearClassifier,
    LinearRegressor,
)
from headrace.estimators.sklearn_adapter import SklearnClassifier, SklearnRegressor, sklearn
from headrace.estimators.trees import BoostedTreesClassifier, BoostedTreesRegressor

__all__ = [
    "KINDS",
    "BoostedTreesClassifier",
    "BoostedTreesRegressor",
    "DNNClassifier",
    "DNNLinearCombinedClassifier",
    "DNNLinearCombinedRegressor",
    "DNNRegressor",
    "Estimator",
    "LinearClassifier",
    "LinearRegressor",
    "Monitor",
    "SklearnClassifier",
    "SklearnRegressor",
    "sklearn",
]

KINDS: dict[str, type[Estimator]] = {
    kind.__name__: kind
    for kind in (
        DNNLinearCombinedClassifier,
        DNNLinearCombinedRegressor,
        DNNClassifier,
        DNNRegressor,
        LinearClassifier,
        LinearRegressor,
        BoostedTreesClassifier,
        BoostedTreesRegressor,
        SklearnClassifier,
        SklearnRegressor,
    )
}
