"""Statistics of every split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.components.artifacts import Examples, ExampleStatistics
from headrace.pipeline import component

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["statistics_gen"]


@component
def statistics_gen(examples: Examples, *, splits: Sequence[str] | None = None) -> ExampleStatistics:
    """Compute the statistics of every feature in one pass over each split.

    Parameters
    ----------
    examples
        A snapshot.
    splits
        All of them by default.
    """
    from headrace.statistics import generate_statistics

    parts = [generate_statistics(examples.split(split), name=split) for split in splits or examples.splits]
    statistics = ExampleStatistics.create()
    parts[0].merge(*parts[1:]).save(statistics.path / "statistics.json")
    return statistics
