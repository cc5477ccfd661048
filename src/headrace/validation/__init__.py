"""Anomalies, drift and skew: whether data fits its schema, and how to mend it; and a first schema to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.validation.anomalies import Anomalies, Anomaly, Rule

if TYPE_CHECKING:
    from headrace.validation.comparison import Comparison, FeatureComparison, compare_slices, compare_statistics
    from headrace.validation.distance import (
        ChiSquared,
        Distances,
        chi_squared,
        distances,
        hellinger,
        jensen_shannon,
        kolmogorov_smirnov,
        linf,
        normalized_abs_difference,
        population_stability_index,
        wasserstein,
    )
    from headrace.validation.examples import anomaly_statistics, validate_examples
    from headrace.validation.infer import infer_schema
    from headrace.validation.repair_policy import FeaturePolicy, RepairChange, RepairPolicy, RepairReport, RowsAside
    from headrace.validation.repairing import repair
    from headrace.validation.skew import detect_feature_skew
    from headrace.validation.skew_result import Confusion, FeatureSkew, KeyCounts, SkewPair, SkewResult
    from headrace.validation.suggest import Suggestion, suggest_schema
    from headrace.validation.update import suggest_environments, update_schema
    from headrace.validation.validate import validate_corresponding_slices, validate_statistics
    from headrace.validation.view import display_anomalies

_NAMES = {
    "comparison": ("Comparison", "FeatureComparison", "compare_slices", "compare_statistics"),
    "distance": (
        "ChiSquared",
        "Distances",
        "chi_squared",
        "distances",
        "hellinger",
        "jensen_shannon",
        "kolmogorov_smirnov",
        "linf",
        "normalized_abs_difference",
        "population_stability_index",
        "wasserstein",
    ),
    "examples": ("anomaly_statistics", "validate_examples"),
    "infer": ("infer_schema",),
    "suggest": ("Suggestion", "suggest_schema"),
    "update": ("suggest_environments", "update_schema"),
    "repairing": ("repair",),
    "repair_policy": ("FeaturePolicy", "RepairChange", "RepairPolicy", "RepairReport", "RowsAside"),
    "skew": ("detect_feature_skew",),
    "skew_result": ("Confusion", "FeatureSkew", "KeyCounts", "SkewPair", "SkewResult"),
    "validate": ("validate_corresponding_slices", "validate_statistics"),
    "view": ("display_anomalies",),
}
_HOMES = {name: f"headrace.validation.{home}" for home, names in _NAMES.items() for name in names}

__all__ = [
    "Anomalies",
    "Anomaly",
    "ChiSquared",
    "Comparison",
    "Confusion",
    "Distances",
    "FeatureComparison",
    "FeaturePolicy",
    "FeatureSkew",
    "KeyCounts",
    "RepairChange",
    "RepairPolicy",
    "RepairReport",
    "RowsAside",
    "Rule",
    "SkewPair",
    "SkewResult",
    "Suggestion",
    "anomaly_statistics",
    "chi_squared",
    "compare_slices",
    "compare_statistics",
    "detect_feature_skew",
    "display_anomalies",
    "distances",
    "hellinger",
    "infer_schema",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "linf",
    "normalized_abs_difference",
    "population_stability_index",
    "repair",
    "suggest_environments",
    "suggest_schema",
    "update_schema",
    "validate_corresponding_slices",
    "validate_examples",
    "validate_statistics",
    "wasserstein",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
