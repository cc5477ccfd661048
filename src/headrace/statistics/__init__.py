"""Statistics of data: mergeable accumulators and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.statistics.options import StatsOptions
from headrace.statistics.results import DatasetStatistics, Statistics
from headrace.statistics.values import (
    BoolStatistics,
    Bucket,
    BytesStatistics,
    CommonStatistics,
    CrossFeatureStatistics,
    CustomStatistic,
    FeatureStatistics,
    Histogram,
    LabelStatistics,
    NumericStatistics,
    RankBucket,
    SemanticGuess,
    StatisticsType,
    StringStatistics,
    StructStatistics,
    TimestampStatistics,
    ValencyStatistics,
    ValueCount,
    WeightedCommonStatistics,
    WeightedNumericStatistics,
    WeightedStringStatistics,
)

if TYPE_CHECKING:
    from headrace.statistics.accumulate import StatisticsAccumulator
    from headrace.statistics.generate import accumulate_statistics, generate_statistics
    from headrace.statistics.states import load_state, merge_states, save_state
    from headrace.statistics.view import visualize_statistics

# Homes of the names that need NumPy and Arrow, imported on first use.
_HOMES = {
    "StatisticsAccumulator": "headrace.statistics.accumulate",
    "accumulate_statistics": "headrace.statistics.generate",
    "generate_statistics": "headrace.statistics.generate",
    "load_state": "headrace.statistics.states",
    "merge_states": "headrace.statistics.states",
    "save_state": "headrace.statistics.states",
    "visualize_statistics": "headrace.statistics.view",
}

__all__ = [
    "BoolStatistics",
    "Bucket",
    "BytesStatistics",
    "CommonStatistics",
    "CrossFeatureStatistics",
    "CustomStatistic",
    "DatasetStatistics",
    "FeatureStatistics",
    "Histogram",
    "LabelStatistics",
    "NumericStatistics",
    "RankBucket",
    "SemanticGuess",
    "Statistics",
    "StatisticsAccumulator",
    "StatisticsType",
    "StatsOptions",
    "StringStatistics",
    "StructStatistics",
    "TimestampStatistics",
    "ValencyStatistics",
    "ValueCount",
    "WeightedCommonStatistics",
    "WeightedNumericStatistics",
    "WeightedStringStatistics",
    "accumulate_statistics",
    "generate_statistics",
    "load_state",
    "merge_states",
    "save_state",
    "visualize_statistics",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
