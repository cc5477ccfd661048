"""Statistics of one column: plain values, in the words of TensorFlow Metadata."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

__all__ = [
    "BoolStatistics",
    "Bucket",
    "BytesStatistics",
    "CommonStatistics",
    "CrossFeatureStatistics",
    "CustomStatistic",
    "FeatureStatistics",
    "Histogram",
    "LabelStatistics",
    "NumericStatistics",
    "RankBucket",
    "SemanticGuess",
    "StatisticsType",
    "StringStatistics",
    "StructStatistics",
    "TimestampStatistics",
    "ValencyStatistics",
    "ValueCount",
    "WeightedCommonStatistics",
    "WeightedNumericStatistics",
    "WeightedStringStatistics",
]

StatisticsType: TypeAlias = Literal["INT", "FLOAT", "STRING", "BYTES", "BOOL", "TIMESTAMP", "STRUCT"]


class Bucket(msgspec.Struct, frozen=True):
    """How many values lie from ``low_value`` to below ``high_value`` (the last bucket includes its high value)."""

    low_value: float
    high_value: float
    sample_count: float


class Histogram(msgspec.Struct, frozen=True):
    """Buckets of equal width (STANDARD) or of equal count (QUANTILES) over the finite values."""

    type: Literal["STANDARD", "QUANTILES"]
    buckets: tuple[Bucket, ...]


class ValueCount(msgspec.Struct, frozen=True):
    """How often a string occurs; a sum of weights where the frequencies are weighted."""

    value: str
    frequency: int | float


class RankBucket(msgspec.Struct, frozen=True):
    """The values of ranks ``low_rank`` to ``high_rank``, both included, the most frequent having rank 0.

    ``label`` is the value where the bucket is of one rank.
    """

    low_rank: int
    high_rank: int
    sample_count: float
    label: str | None = None


class WeightedCommonStatistics(msgspec.Struct, frozen=True):
    """Sums of row weights in place of numbers of rows, and of values."""

    num_non_missing: float
    num_missing: float
    avg_num_values: float
    tot_num_values: float


class ValencyStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Presence and number of values at one level of nesting: the rows at level 0, their lists' items at level 1, ….

    Parameters
    ----------
    num_non_missing, num_missing
        Lists of this level that are there, and nulls.
    min_num_values, max_num_values, avg_num_values, tot_num_values
        Length of the lists that are there.
    num_values_histogram
        Deciles of the lengths.
    weighted
        The same, in which each list counts by the weight of its row; None where the data has none.
    """

    num_non_missing: int
    num_missing: int
    min_num_values: int
    max_num_values: int
    avg_num_values: float
    tot_num_values: int
    num_values_histogram: Histogram | None = None
    weighted: WeightedCommonStatistics | None = None


class CommonStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many rows have a value and how many have none, and how many values a row that has some.

    Parameters
    ----------
    num_non_missing, num_missing
        Rows; a null and a list that is absent are missing, an empty list is there. Within a struct, of its rows that
        are there.
    min_num_values, max_num_values, avg_num_values, tot_num_values
        Values in a row that is there: 1 for plain columns, the length for lists, the values in all lists for lists of
        lists.
    num_null_values
        Nulls among the items of lists: they count as values here, and in no other statistic.
    num_values_histogram
        Deciles of the number of values; None for plain columns.
    levels
        One entry a level of lists, from the rows inwards; empty for plain columns.
    weighted
        The same with the weights of the rows; None where the data has none.
    """

    num_non_missing: int
    num_missing: int
    min_num_values: int = 1
    max_num_values: int = 1
    avg_num_values: float = 1.0
    tot_num_values: int | None = None
    num_null_values: int = 0
    num_values_histogram: Histogram | None = None
    levels: tuple[ValencyStatistics, ...] = ()
    weighted: WeightedCommonStatistics | None = None

    @property
    def num_values(self) -> int:
        """Values in all rows that are not null; for plain columns as many as rows that have one."""
        return self.num_non_missing if self.tot_num_values is None else self.tot_num_values - self.num_null_values


class WeightedNumericStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Moments, median and histograms in which each value counts by its row's weight."""

    mean: float | None
    std_dev: float | None
    median: float | None
    histograms: tuple[Histogram, ...] = ()


class NumericStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of an INT or FLOAT column.

    ``num_nan`` and ``num_infinite`` values are counted apart: everything else is of the finite values, and is None
    where there are none.

    Parameters
    ----------
    mean, std_dev
        Population moments.
    num_zeros
        Zeros of either sign.
    min, max
        Exact; whole numbers for INT columns.
    median, quantiles
        Linear interpolation between order statistics, as ``numpy.quantile`` has it; ``quantiles`` are the 101
        percentiles from 0 to 100. Exact where ``rank_error`` is zero.
    histograms
        One of buckets of equal width, one of quantiles; counts of the first are exact where ``rank_error`` is zero.
    rank_error
        The most that a quantile's rank, and a share in the histogram, can be off, as a share of the values.
    unique
        Distinct values; an estimate of relative standard error ``unique_error`` where ``unique_exact`` is False.
    weighted
        The same with the weights of the rows; None where the data has none.
    top_values
        For INT columns the most frequent values, as text, while they are counted exactly; otherwise empty.
    """

    common_stats: CommonStatistics
    mean: float | None
    std_dev: float | None
    num_zeros: int
    num_nan: int
    num_infinite: int
    min: int | float | None
    median: float | None
    max: int | float | None
    quantiles: tuple[float, ...]
    histograms: tuple[Histogram, ...]
    unique: int
    unique_exact: bool = True
    unique_error: float = 0.0
    rank_error: float = 0.0
    weighted: WeightedNumericStatistics | None = None
    top_values: tuple[ValueCount, ...] = ()


class WeightedStringStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Top values and ranks in which each value counts by its row's weight."""

    top_values: tuple[ValueCount, ...]
    rank_histogram: tuple[RankBucket, ...] = ()


class StringStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of a STRING column.

    Parameters
    ----------
    unique
        Distinct values; an estimate of relative standard error ``unique_error`` where ``unique_exact`` is False.
    top_values
        The most frequent values, most frequent first, ties in the order of the strings.
    complete
        Whether ``top_values`` has every value there is.
    avg_length, min_length, max_length
        In characters; None where there is no value.
    frequency_error
        The most by which a frequency in ``top_values`` can be too low. No frequency is ever too high.
    rank_histogram
        The values by rank, the most frequent first.
    invalid_utf8_count
        Values whose bytes are not UTF-8; they are in no other number but the counts of presence.
    weighted
        The same with the weights of the rows; None where the data has none.
    """

    common_stats: CommonStatistics
    unique: int
    top_values: tuple[ValueCount, ...]
    avg_length: float | None
    min_length: int | None
    max_length: int | None
    complete: bool = True
    unique_exact: bool = True
    unique_error: float = 0.0
    frequency_error: int = 0
    rank_histogram: tuple[RankBucket, ...] = ()
    invalid_utf8_count: int = 0
    weighted: WeightedStringStatistics | None = None


class BytesStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of a BYTES column; lengths in bytes, None where there is no value."""

    common_stats: CommonStatistics
    unique: int
    avg_num_bytes: float | None
    min_num_bytes: int | None
    max_num_bytes: int | None
    unique_exact: bool = True
    unique_error: float = 0.0


class BoolStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of a BOOL column."""

    common_stats: CommonStatistics
    num_true: int
    num_false: int
    weighted_true: float | None = None
    weighted_false: float | None = None


class TimestampStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of a TIMESTAMP column; moments in ISO 8601 to the microsecond, in UTC where the column has a zone.

    Parameters
    ----------
    min, median, max
        The first, the middle and the last moment; None where there is none.
    histograms
        Of equal width, in seconds since 1970.
    ordered
        Whether each moment is at or after the one in the row before, in the order of the data; None where unknown.
    unique, unique_exact
        Distinct moments; an estimate where ``unique_exact`` is False.
    largest_gap, gap_after
        The longest time in seconds without a moment between two neighbours of the sorted moments, and where it
        begins; exact where ``unique_exact``, otherwise None.
    median_gap
        The median time in seconds between two neighbours of the sorted distinct moments; likewise.
    """

    common_stats: CommonStatistics
    min: str | None
    max: str | None
    median: str | None = None
    histograms: tuple[Histogram, ...] = ()
    ordered: bool | None = None
    unique: int | None = None
    unique_exact: bool = True
    largest_gap: float | None = None
    gap_after: str | None = None
    median_gap: float | None = None


class StructStatistics(msgspec.Struct, frozen=True):
    """Presence and valency of a STRUCT column; its fields are features of their own, with longer paths."""

    common_stats: CommonStatistics


_LOOKS = {
    "integer_text": "whole numbers as text",
    "number_text": "numbers as text",
    "date_text": "dates as text",
    "url": "URLs",
    "email": "e-mail addresses",
    "natural_language": "natural language",
    "image": "images",
    "identifier": "an identifier",
    "constant": "a constant",
    "duplicate": "nearly the same as",
    "categorical_integer": "categories as numbers",
    "zip_like": "codes of digits with leading zeros",
}


class SemanticGuess(msgspec.Struct, frozen=True):
    """What the values of a column look like, beyond their type.

    Parameters
    ----------
    kind
        ``integer_text``, ``number_text``, ``date_text``, ``url``, ``email``, ``natural_language``, ``image``,
        ``identifier``, ``constant``, ``duplicate`` (of the column ``of``), ``categorical_integer``, ``zip_like``
        (digits with leading zeros, which a number would lose).
    fraction
        The share of the looked-at values that look so.
    of
        The other column, for ``duplicate``.
    detail
        More, as the format of a date or of an image.
    """

    kind: str
    fraction: float
    of: str | None = None
    detail: str | None = None

    def __str__(self) -> str:
        """Say it in words, as the end of "looks like …"."""
        words = _LOOKS.get(self.kind, self.kind.replace("_", " "))
        return words + ("" if self.of is None else f" {self.of}") + ("" if self.detail is None else f" ({self.detail})")


class LabelStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a feature goes with the label.

    Parameters
    ----------
    mutual_information
        In bits.
    normalized
        Mutual information as a share of the label's entropy, after Miller and Madow's correction; in [0, 1].
    score
        How well the feature alone predicts the label: area under the ROC curve for two classes, accuracy for more,
        the coefficient of determination for a numeric label, of the best prediction per value or decile.
    leakage
        Whether it predicts the label so well that it may have been computed from it.
    reason
        Why, in words; empty where ``leakage`` is False.
    """

    mutual_information: float
    normalized: float
    score: float | None = None
    leakage: bool = False
    reason: str = ""


class CustomStatistic(msgspec.Struct, frozen=True):
    """What an accumulator of the user's came to: a number, a text, or plain JSON."""

    name: str
    value: Any


class CrossFeatureStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """How two features go together, over the rows that have both.

    Parameters
    ----------
    path_x, path_y
        The two features.
    count
        Rows that have both.
    correlation, covariance
        Pearson's and the population covariance, of two numbers; None otherwise.
    cramers_v
        Association of two categories, in [0, 1], after Bergsma's correction; None otherwise.
    correlation_ratio
        Association of a category and a number, in [0, 1]; None otherwise.
    lift
        For two categories, the pairs of values that stand together more often than by chance, the strongest first.
    """

    path_x: str
    path_y: str
    count: int
    correlation: float | None = None
    covariance: float | None = None
    cramers_v: float | None = None
    correlation_ratio: float | None = None
    lift: tuple[tuple[str, str, float], ...] = ()


class FeatureStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of one feature; exactly one of the ``…_stats`` is there, by its type.

    Parameters
    ----------
    name
        The column, or the steps of the path to a field of a struct joined by dots.
    path
        The steps; empty where the feature is a column of its own.
    strip, null_values
        How the source cleaned its strings.
    semantics
        What the values look like beyond their type, the surest first.
    label
        How the feature goes with the label; None where no label was named, or where this is the label.
    custom_stats
        Of the user's accumulators.
    """

    name: str
    type: StatisticsType
    num_stats: NumericStatistics | None = None
    string_stats: StringStatistics | None = None
    bool_stats: BoolStatistics | None = None
    timestamp_stats: TimestampStatistics | None = None
    bytes_stats: BytesStatistics | None = None
    struct_stats: StructStatistics | None = None
    strip: bool = False
    null_values: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    semantics: tuple[SemanticGuess, ...] = ()
    label: LabelStatistics | None = None
    custom_stats: tuple[CustomStatistic, ...] = ()

    @property
    def common_stats(self) -> CommonStatistics:
        """How many rows have a value."""
        stats = (
            self.num_stats
            or self.string_stats
            or self.bool_stats
            or self.timestamp_stats
            or self.bytes_stats
            or self.struct_stats
        )
        assert stats is not None
        return stats.common_stats

    @property
    def steps(self) -> tuple[str, ...]:
        """The path to the feature: its column, and the fields of structs below."""
        return self.path or (self.name,)
