"""headrace takes a machine-learning model from raw data to served, watched and retrained production.

Public names are imported when they are first used, so that ``import headrace`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace._version import __version__

if TYPE_CHECKING:
    from headrace.data import arrow, avro, bigquery, csv, json_lines, orc, parquet, rolling, sql, tfrecord
    from headrace.estimators import (
        BoostedTreesClassifier,
        BoostedTreesRegressor,
        DNNClassifier,
        DNNLinearCombinedClassifier,
        DNNLinearCombinedRegressor,
        DNNRegressor,
        LinearClassifier,
        LinearRegressor,
        sklearn,
    )
    from headrace.evaluation import EvalConfig, EvalResult, analyze_raw_data, run_model_analysis
    from headrace.model import LoadedModel, load_model
    from headrace.pipeline import Artifact, component, current_step, pipeline, run_pipeline
    from headrace.registry import Registry
    from headrace.schema import Feature, Schema
    from headrace.serving import ModelClient, verify
    from headrace.statistics import (
        Statistics,
        StatsOptions,
        generate_statistics,
        get_statistics_html,
        visualize_statistics,
    )
    from headrace.tuning import choice, integer, uniform
    from headrace.validation import (
        Anomalies,
        Comparison,
        FeaturePolicy,
        RepairPolicy,
        RepairReport,
        SkewResult,
        compare_slices,
        compare_statistics,
        detect_feature_skew,
        display_anomalies,
        infer_schema,
        repair,
        suggest_environments,
        suggest_schema,
        update_schema,
        validate_corresponding_slices,
        validate_examples,
        validate_statistics,
    )

_HOMES = {
    "data": ("arrow", "avro", "bigquery", "csv", "json_lines", "orc", "parquet", "rolling", "sql", "tfrecord"),
    "estimators": (
        "BoostedTreesClassifier",
        "BoostedTreesRegressor",
        "DNNClassifier",
        "DNNLinearCombinedClassifier",
        "DNNLinearCombinedRegressor",
        "DNNRegressor",
        "LinearClassifier",
        "LinearRegressor",
        "sklearn",
    ),
    "evaluation": ("EvalConfig", "EvalResult", "analyze_raw_data", "run_model_analysis"),
    "model": ("LoadedModel", "load_model"),
    "pipeline": ("Artifact", "component", "current_step", "run_pipeline"),
    "pipeline.pipelines": ("pipeline",),
    "registry": ("Registry",),
    "schema": ("Feature", "Schema"),
    "serving": ("ModelClient", "verify"),
    "statistics": (
        "Statistics",
        "StatsOptions",
        "generate_statistics",
        "get_statistics_html",
        "visualize_statistics",
    ),
    "tuning": ("choice", "integer", "uniform"),
    "validation": (
        "Anomalies",
        "Comparison",
        "FeaturePolicy",
        "RepairPolicy",
        "RepairReport",
        "SkewResult",
        "compare_slices",
        "compare_statistics",
        "detect_feature_skew",
        "display_anomalies",
        "infer_schema",
        "repair",
        "suggest_environments",
        "suggest_schema",
        "update_schema",
        "validate_corresponding_slices",
        "validate_examples",
        "validate_statistics",
    ),
}
_HOME_OF = {name: f"headrace.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "Anomalies",
    "Artifact",
    "BoostedTreesClassifier",
    "BoostedTreesRegressor",
    "Comparison",
    "DNNClassifier",
    "DNNLinearCombinedClassifier",
    "DNNLinearCombinedRegressor",
    "DNNRegressor",
    "EvalConfig",
    "EvalResult",
    "Feature",
    "FeaturePolicy",
    "LinearClassifier",
    "LinearRegressor",
    "LoadedModel",
    "ModelClient",
    "Registry",
    "RepairPolicy",
    "RepairReport",
    "Schema",
    "SkewResult",
    "Statistics",
    "StatsOptions",
    "__version__",
    "analyze_raw_data",
    "arrow",
    "avro",
    "bigquery",
    "choice",
    "compare_slices",
    "compare_statistics",
    "component",
    "csv",
    "current_step",
    "detect_feature_skew",
    "display_anomalies",
    "generate_statistics",
    "get_statistics_html",
    "infer_schema",
    "integer",
    "json_lines",
    "load_model",
    "orc",
    "parquet",
    "pipeline",
    "repair",
    "rolling",
    "run_model_analysis",
    "run_pipeline",
    "sklearn",
    "sql",
    "suggest_environments",
    "suggest_schema",
    "tfrecord",
    "uniform",
    "update_schema",
    "validate_corresponding_slices",
    "validate_examples",
    "validate_statistics",
    "verify",
    "visualize_statistics",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    from headrace.errors import did_you_mean

    raise AttributeError(f"headrace has no {name!r}. {did_you_mean(name, __all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
