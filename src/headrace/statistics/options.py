"""What statistics are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.engines import Accumulator
    from headrace.schema import Schema
    from headrace.statistics.slices import SliceFunction, SliceSpec

__all__ = ["StatsOptions"]


@dataclass(frozen=True, kw_only=True)
class StatsOptions:
    """What statistics are asked for, in the words of TensorFlow Data Validation.

    Parameters
    ----------
    feature_allowlist
        The columns wanted, in that order; all when None.
    schema
        Where it says that a column is INT or FLOAT and the data has strings, they are read as numbers; where it says
        that integers are categories, or that bytes are STRING, they are described as strings.
        Its sparse and weighted features get counts of rows in which their columns do not go together, in
        ``custom_stats``.
    weight_feature
        A column with the weight of each row, a finite number from 0: results have a weighted part beside the other.
    per_feature_weight_override
        For some columns, the column with their weights.
    label_feature
        The column that models are to predict: other features get :class:`LabelStatistics`, with a warning where one
        alone predicts it. Reads the data once more.
    slices
        Each is a column (one slice a value), a list of columns (one a combination of values), or a dict of columns to
        None (every value), a list of values, or a list of ranges ``(low, high)`` of numbers, low end included.
    slice_sqls
        Predicates of SQL over the columns, or a dict of names to predicates; needs the extra ``sql``.
    slice_functions
        Functions of a record batch that return a mask, one key a row, or pairs of a key and a record batch.
    max_slices
        More slices than that are an error.
    cross_features
        Whether to describe how each two features go together, or the pairs of interest. Reads the data once more.
    sample_rate
        The share of the rows that is looked at, in (0, 1]. Which rows depends on their place in the data and on
        ``seed``, not on threads.
    seed
        Of the sample.
    num_top_values
        Values that are listed with their frequencies.
    frequency_threshold, weighted_frequency_threshold
        Values that occur less often are not listed.
    num_rank_histogram_buckets, num_values_histogram_buckets, num_histogram_buckets, num_quantiles_histogram_buckets
        Buckets of the histograms.
    enable_semantic_domain_stats
        Whether to guess what values mean beyond their type, from a sample of 2,048 rows.
    semantic_domain_stats_sample_rate
        The share of the rows that may come into that sample.
    generators
        Accumulators of the user's, as classes or functions without arguments: each is given all rows, and what it
        comes to is in ``custom_stats``. See :class:`headrace.engines.Accumulator`.
    feature_generators
        The same for single columns: batches have that column alone, and results are with the feature.

    Raises
    ------
    UsageError
        If a value cannot be used.
    """

    feature_allowlist: Sequence[str] | None = None
    schema: Schema | None = None
    weight_feature: str | None = None
    per_feature_weight_override: Mapping[str, str] = field(default_factory=dict)
    label_feature: str | None = None
    slices: Sequence[SliceSpec] = ()
    slice_sqls: Sequence[str] | Mapping[str, str] = ()
    slice_functions: Sequence[SliceFunction] = ()
    max_slices: int = 1_000
    cross_features: bool | Sequence[tuple[str, str]] = False
    sample_rate: float | None = None
    seed: int = 0
    num_top_values: int = 1_000
    frequency_threshold: int = 1
    weighted_frequency_threshold: float = 0.0
    num_rank_histogram_buckets: int = 1_000
    num_values_histogram_buckets: int = 10
    num_histogram_buckets: int = 10
    num_quantiles_histogram_buckets: int = 10
    enable_semantic_domain_stats: bool = True
    semantic_domain_stats_sample_rate: float | None = None
    generators: Sequence[Callable[[], Accumulator]] = ()
    feature_generators: Mapping[str, Sequence[Callable[[], Accumulator]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("sample_rate", "semantic_domain_stats_sample_rate"):
            rate = getattr(self, name)
            if rate is not None and not 0.0 < rate <= 1.0:
                raise UsageError(f"{name} lies above 0 and is at most 1", got=rate)
        for name in (
            *("num_top_values", "num_rank_histogram_buckets", "num_values_histogram_buckets"),
            *("num_histogram_buckets", "num_quantiles_histogram_buckets", "max_slices"),
        ):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is 1 or more", got=getattr(self, name))
        for name in ("feature_allowlist", "slices", "slice_sqls", "cross_features"):
            if isinstance(getattr(self, name), str):
                raise UsageError(f"{name} is a list", got=getattr(self, name), fix="Put it in brackets")

    @property
    def weights(self) -> tuple[str, ...]:
        """The columns that hold weights."""
        named = (self.weight_feature, *self.per_feature_weight_override.values())
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def weight_of(self, column: str) -> str | None:
        """Return the column with a column's weights; None where it has none."""
        return self.per_feature_weight_override.get(column, self.weight_feature)

    @property
    def needs_every_column(self) -> bool:
        """Whether something that the user wrote may look at any column."""
        return bool(self.slice_sqls or self.slice_functions or self.generators)


def with_keywords(options: StatsOptions | None, **given: Any) -> StatsOptions:
    """Return options with those keywords that are not None in place of theirs."""
    from dataclasses import replace

    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(options or StatsOptions(), **chosen)
