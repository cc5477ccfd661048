"""What the accumulators of single columns are asked for, and how much they may keep."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ColumnSettings"]


@dataclass(frozen=True)
class ColumnSettings:
    """Sizes of results and of states.

    Parameters
    ----------
    num_top_values
        Values listed with their frequencies.
    num_histogram_buckets
        Buckets of equal width.
    num_quantiles_histogram_buckets
        Buckets of equal count.
    num_rank_histogram_buckets
        Buckets of the histogram of ranks.
    weighted
        Whether each update comes with weights, and the results have a weighted part.
    text_in_bytes
        Whether binary values are described as texts, those that are not UTF-8 being counted apart.
    exact_numbers, exact_strings
        Distinct values up to which every one is counted.
    heavy_strings
        Counters of strings that are kept beyond.
    """

    num_top_values: int = 1_000
    num_histogram_buckets: int = 10
    num_quantiles_histogram_buckets: int = 10
    num_rank_histogram_buckets: int = 1_000
    weighted: bool = False
    text_in_bytes: bool = False
    exact_numbers: int = 100_000
    exact_strings: int = 50_000
    heavy_strings: int = 10_000
