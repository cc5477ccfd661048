"""Statistics of data sets: plain values, in the words of TensorFlow Metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headrace.errors import DataError, UsageError, did_you_mean
from headrace.statistics.values import CrossFeatureStatistics, CustomStatistic, FeatureStatistics
from headrace.storage import from_json, read_json, to_json, to_plain, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["DatasetStatistics", "Statistics"]

_RULE = "Statistics are a JSON file that headrace wrote"


class DatasetStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """Statistics of one data set, as a split or a slice of one; ``statistics["train"]["age"]`` is a feature of it.

    Parameters
    ----------
    num_examples
        Rows that were read.
    num_set_aside
        Rows that could not be read, and are in no other number.
    set_aside
        The first three of them: file, row and reason.
    weighted_num_examples
        The sum of the rows' weights; None where the data has none.
    cross_features
        How features go together, where that was asked for.
    slice_key
        What the rows of a slice have in common, as ``sex=Female``; None where this is a whole data set. The name of
        a slice's data set is ``<data set>/<slice_key>``.
    sample_rate
        The share of the rows that was looked at.
    custom_stats
        Of the user's accumulators over whole rows.
    """

    name: str
    num_examples: int
    features: tuple[FeatureStatistics, ...]
    num_set_aside: int = 0
    set_aside: tuple[str, ...] = ()
    weighted_num_examples: float | None = None
    cross_features: tuple[CrossFeatureStatistics, ...] = ()
    slice_key: str | None = None
    sample_rate: float = 1.0
    custom_stats: tuple[CustomStatistic, ...] = ()

    @property
    def dataset(self) -> str:
        """The name of the data set of which this is a slice; its own where it is whole."""
        return self.name if self.slice_key is None else self.name.removesuffix(f"/{self.slice_key}")

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

    def get_slice(self, key: str, *, dataset: str | None = None) -> DatasetStatistics:
        """Return the statistics of a slice.

        Parameters
        ----------
        key
            What its rows have in common, as ``sex=Female``.
        dataset
            The data set that it is a slice of; the first that has such a slice when None.

        Raises
        ------
        DataError
            If there is no such slice.
        """
        known = [one for one in self.datasets if one.slice_key is not None]
        for one in known:
            if one.slice_key == key and dataset in (None, one.dataset):
                return one
        keys = [one.slice_key for one in known if one.slice_key is not None and dataset in (None, one.dataset)]
        raise DataError("A slice that the statistics have is wanted", got=key, fix=did_you_mean(key, keys))

    def whole(self) -> Statistics:
        """Return the statistics of whole data sets, without their slices."""
        return Statistics(tuple(one for one in self.datasets if one.slice_key is None))

    def slices(self, dataset: str | None = None) -> Statistics:
        """Return the statistics of the slices alone, of one data set or of all."""
        return Statistics(
            tuple(one for one in self.datasets if one.slice_key is not None and dataset in (None, one.dataset))
        )

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
