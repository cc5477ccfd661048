"""Anomalies, drift and skew: whether data fits its schema, and a first schema to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.validation.anomalies import Anomalies, Anomaly, Rule

if TYPE_CHECKING:
    from headrace.validation.distance import jensen_shannon, linf
    from headrace.validation.infer import infer_schema
    from headrace.validation.suggest import Suggestion, suggest_schema
    from headrace.validation.update import suggest_environments, update_schema
    from headrace.validation.validate import validate_statistics
    from headrace.validation.view import display_anomalies

_HOMES = {
    "Suggestion": "headrace.validation.suggest",
    "display_anomalies": "headrace.validation.view",
    "infer_schema": "headrace.validation.infer",
    "jensen_shannon": "headrace.validation.distance",
    "linf": "headrace.validation.distance",
    "suggest_environments": "headrace.validation.update",
    "suggest_schema": "headrace.validation.suggest",
    "update_schema": "headrace.validation.update",
    "validate_statistics": "headrace.validation.validate",
}

__all__ = [
    "Anomalies",
    "Anomaly",
    "Rule",
    "Suggestion",
    "display_anomalies",
    "infer_schema",
    "jensen_shannon",
    "linf",
    "suggest_environments",
    "suggest_schema",
    "update_schema",
    "validate_statistics",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
