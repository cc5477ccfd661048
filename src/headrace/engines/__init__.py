"""Engines: ``fold`` and ``map``, the only two ways in which work is run over data, and sketches to fold with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.engines.base import Accumulator, Engine, Sink, Writer
from headrace.engines.counted import Counting, fold_counted
from headrace.engines.local import LocalEngine

if TYPE_CHECKING:
    from headrace.engines.distinct import DistinctSketch
    from headrace.engines.moments import Moments
    from headrace.engines.quantiles import QuantileSketch

# Homes of the names that need NumPy, imported on first use.
_HOMES = {
    "DistinctSketch": "headrace.engines.distinct",
    "Moments": "headrace.engines.moments",
    "QuantileSketch": "headrace.engines.quantiles",
}

__all__ = [
    "Accumulator",
    "Counting",
    "DistinctSketch",
    "Engine",
    "LocalEngine",
    "Moments",
    "QuantileSketch",
    "Sink",
    "Writer",
    "fold_counted",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
