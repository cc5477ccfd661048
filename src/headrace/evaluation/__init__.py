"""How good a model is, over all rows and by slice, and whether that is good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.evaluation.config import EvalConfig, Threshold
from headrace.evaluation.result import Check, Curves, Difference, EvalResult, SliceResult

if TYPE_CHECKING:
    from headrace.evaluation.analyze import analyze_raw_data, run_model_analysis
    from headrace.evaluation.verdict import compare_results
    from headrace.evaluation.view import evaluation_sections, evaluation_view

__all__ = [
    "Check",
    "Curves",
    "Difference",
    "EvalConfig",
    "EvalResult",
    "SliceResult",
    "Threshold",
    "analyze_raw_data",
    "compare_results",
    "evaluation_sections",
    "evaluation_view",
    "run_model_analysis",
]

_HOMES = {
    "analyze_raw_data": "analyze",
    "compare_results": "verdict",
    "evaluation_sections": "view",
    "evaluation_view": "view",
    "run_model_analysis": "analyze",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"headrace.evaluation.{_HOMES[name]}"), name)
    raise AttributeError(f"headrace.evaluation has no {name!r}")
