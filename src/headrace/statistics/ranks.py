"""The histogram of values by rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.statistics.values import RankBucket, ValueCount

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["rank_histogram"]


def rank_histogram(ranked: Sequence[ValueCount], buckets: int) -> tuple[RankBucket, ...]:
    """Return the histogram of ranked values: a bucket for each of the first, the last takes in what is left."""
    alone = ranked if len(ranked) <= buckets else ranked[: max(buckets - 1, 0)]
    histogram = [RankBucket(rank, rank, float(entry.frequency), label=entry.value) for rank, entry in enumerate(alone)]
    rest = ranked[len(alone) :]
    if rest and buckets > 0:
        histogram.append(RankBucket(len(alone), len(ranked) - 1, float(sum(entry.frequency for entry in rest))))
    return tuple(histogram)
