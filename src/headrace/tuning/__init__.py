"""Tuning: a search for the parameters that do best."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace.tuning.domains import Choice, Domain, Integer, Uniform, choice, integer, uniform

if TYPE_CHECKING:
    from headrace.tuning.result import SearchResult, Trial
    from headrace.tuning.searching import TrialContext, search

_HOMES = {"SearchResult": "result", "Trial": "result", "TrialContext": "searching", "search": "searching"}

__all__ = [
    "Choice",
    "Domain",
    "Integer",
    "SearchResult",
    "Trial",
    "TrialContext",
    "Uniform",
    "choice",
    "integer",
    "search",
    "uniform",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"headrace.tuning.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
