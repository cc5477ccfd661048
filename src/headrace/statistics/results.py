"""Statistics of data sets: plain values, in the words of TensorFlow Metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from headrace.errors import DataError, UsageError, did_you_mean
from headrace.storage import from_json, read_json, to_json, to_plain, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "BoolStatistics",
    "Bucket",
    "CommonStatistics",
    "DatasetStatistics",
    "FeatureStatistics",
    "Histogram",
    "NumericStatistics",
    "Statistics",
    "StringStatistics",
    "TimestampStatistics",
    "ValueCount",
]

_RULE = "Statistics are a JSON file that headrace wrote"


class CommonStatistics(msgspec.Struct, frozen=True):
    """How many rows have a value and how many have none."""

    num_non_missing: int
    num_missing: int


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
    """How often a string occurs."""

    value: str
    frequency: int


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
        One of ten buckets of equal width, one of deciles; counts of the first are exact where ``rank_error`` is zero.
    rank_error
        The most that a quantile's rank, and a share in the histogram, can be off, as a share of the values.
    unique
        Distinct values; an estimate (standard error 0.8 %) where ``unique_exact`` is False.
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
    rank_error: float = 0.0


class StringStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of a STRING column.

    Parameters
    ----------
    unique
        Distinct values; an estimate (standard error 0.8 %) where ``unique_exact`` is False.
    top_values
        The most frequent values, most frequent first, ties in the order of the strings.
    complete
        Whether ``top_values`` has every value there is.
    avg_length, min_length, max_length
        In characters; None where there is no value.
    frequency_error
        The most by which a frequency in ``top_values`` can be too low.
    """

    common_stats: CommonStatistics
    unique: int
    top_values: tuple[ValueCount, ...]
    avg_length: float | None
    min_length: int | None
    max_length: int | None
    complete: bool = True
    unique_exact: bool = True
    frequency_error: int = 0


class BoolStatistics(msgspec.Struct, frozen=True):
    """Statistics of a BOOL column."""

    common_stats: CommonStatistics
    num_true: int
    num_false: int


class TimestampStatistics(msgspec.Struct, frozen=True):
    """Statistics of a TIMESTAMP column; the ends in ISO 8601 to the microsecond, in UTC where the column has a zone."""

    common_stats: CommonStatistics
    min: str | None
    max: str | None


class FeatureStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of one column; exactly one of the ``…_stats`` is there, by its type.

    ``strip`` and ``null_values`` say how the source cleaned its strings.
    """

    name: str
    type: Literal["INT", "FLOAT", "STRING", "BOOL", "TIMESTAMP"]
    num_stats: NumericStatistics | None = None
    string_stats: StringStatistics | None = None
    bool_stats: BoolStatistics | None = None
    timestamp_stats: TimestampStatistics | None = None
    strip: bool = False
    null_values: tuple[str, ...] = ()

    @property
    def common_stats(self) -> CommonStatistics:
        """How many rows have a value."""
        stats = self.num_stats or self.string_stats or self.bool_stats or self.timestamp_stats
        assert stats is not None
        return stats.common_stats


class DatasetStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of one data set, as a split; ``statistics["train"]["age"]`` is a feature of it.

    Parameters
    ----------
    num_examples
        Rows that were read.
    num_set_aside
        Rows that could not be read, and are in no other number.
    set_aside
        The first three of them: file, row and reason.
    """

    name: str
    num_examples: int
    features: tuple[FeatureStatistics, ...]
    num_set_aside: int = 0
    set_aside: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> FeatureStatistics:
        for feature in self.features:
            if feature.name == name:
                return feature
        raise DataError(
            "A column that the statistics have is wanted",
            got=name,
            where=f"data set {self.name!r}",
            fix=did_you_mean(name, self.names),
        )


class Statistics(msgspec.Struct, frozen=True):
    """Statistics of data sets side by side, as the splits of the examples.

    Raises
    ------
    UsageError
        If two data sets have the same name.
    """

    datasets: tuple[DatasetStatistics, ...]

    def __post_init__(self) -> None:
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise UsageError(
                    "Data sets side by side have different names",
                    got=f"{name!r} twice",
                    fix="Give generate_statistics a name for each",
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the data sets, in order."""
        return tuple(dataset.name for dataset in self.datasets)

    def __iter__(self) -> Iterator[DatasetStatistics]:
        return iter(self.datasets)

    def __len__(self) -> int:
        return len(self.datasets)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> DatasetStatistics:
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        raise DataError("A data set that the statistics have is wanted", got=name, fix=did_you_mean(name, self.names))

    def only(self, *names: str) -> Statistics:
        """Return the statistics of some data sets alone.

        Raises
        ------
        UsageError
            If there is no such data set.
        """
        return Statistics(tuple(self[name] for name in names))

    def merge(self, *others: Statistics) -> Statistics:
        """Return the data sets of all of them side by side."""
        return Statistics((*self.datasets, *(dataset for other in others for dataset in other.datasets)))

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts and lists, in TensorFlow Metadata's field names in snake_case."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def to_json(self) -> str:
        """Return the JSON form, indented."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes, *, file: str | None = None) -> Statistics:
        """Read the JSON form.

        Raises
        ------
        DataError
            If it is not the JSON of statistics.
        """
        return from_json(cls, text, rule=_RULE, where=file)

    def save(self, path: str | Path) -> None:
        """Write the JSON form; the file is there whole or not at all (StorageError)."""
        write_json(path, self)

    @classmethod
    def load(cls, path: str | Path) -> Statistics:
        """Read a JSON file.

        Raises
        ------
        DataError
            If there is no such file, or it is not the JSON of statistics.
        """
        return read_json(cls, path, rule=_RULE)

    def _repr_html_(self) -> str:
        from headrace.statistics.view import statistics_view
        from headrace.viz import embed

        return embed(statistics_view(self))
