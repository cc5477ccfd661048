"""Statistics of data: mergeable accumulators and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.statistics.results import (
    BoolStatistics,
    Bucket,
    CommonStatistics,
    DatasetStatistics,
    FeatureStatistics,
    Histogram,
    NumericStatistics,
    Statistics,
    StringStatistics,
    TimestampStatistics,
    ValueCount,
)

if TYPE_CHECKING:
    from headrace.statistics.generate import StatisticsAccumulator, generate_statistics
    from headrace.statistics.view import visualize_statistics

# Homes of the names that need NumPy and Arrow, imported on first use.
_HOMES = {
    "StatisticsAccumulator": "headrace.statistics.generate",
    "generate_statistics": "headrace.statistics.generate",
    "visualize_statistics": "headrace.statistics.view",
}

__all__ = [
    "BoolStatistics",
    "Bucket",
    "CommonStatistics",
    "DatasetStatistics",
    "FeatureStatistics",
    "Histogram",
    "NumericStatistics",
    "Statistics",
    "StatisticsAccumulator",
    "StringStatistics",
    "TimestampStatistics",
    "ValueCount",
    "generate_statistics",
    "visualize_statistics",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
