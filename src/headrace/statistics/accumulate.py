"""The accumulator of the statistics of a data set and of its slices."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.data import cleaning
from headrace.data.set_aside import SetAside
from headrace.errors import DataError, UsageError
from headrace.statistics.columns import ColumnSettings, feature_type
from headrace.statistics.nested import FeatureNode
from headrace.statistics.options import StatsOptions
from headrace.statistics.results import DatasetStatistics, Statistics
from headrace.statistics.sampling import RowNumbers, RowSample, chosen, row_hashes
from headrace.statistics.semantics import guesses
from headrace.statistics.slices import Sliced, slicers_for
from headrace.statistics.values import CustomStatistic, FeatureStatistics
from headrace.statistics.weights import weights_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.engines import Accumulator
    from headrace.engines.distinct import Hashes

__all__ = ["StatisticsAccumulator", "Thinning", "described"]

_SAMPLE_SEED = 1


class StatisticsAccumulator:
    """Statistics of record batches and of their slices; a monoid that can be pickled.

    Parameters
    ----------
    schema
        The columns to look at and their Arrow types; batches may have more.
    name
        Name of the data set in the result.
    options
        What is asked for; how features go together and with the label is left out, since it takes another pass.

    Raises
    ------
    DataError
        If there are no statistics of a column's type.
    """

    def __init__(self, schema: pa.Schema, name: str = "data", options: StatsOptions | None = None) -> None:
        options = options or StatsOptions()
        self.name = name
        self.options = options
        self.aside = SetAside()
        self._thinning = Thinning(options)
        slicers = slicers_for(options.slices, options.slice_sqls, options.slice_functions)
        self._sliced = Sliced(partial(_part, schema, options), slicers, options.max_slices)
        self._needs_rows = options.enable_semantic_domain_stats
        self._sample = RowSample() if options.enable_semantic_domain_stats else None

    @property
    def num_examples(self) -> int:
        """Rows that were looked at."""
        return self._sliced.whole.rows

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of one batch."""
        batch, hashes = self._thinning.apply(batch, hashed=self._sample is not None)
        self._sliced.update(batch)
        if self._sample is not None and hashes is not None:
            rate = self.options.semantic_domain_stats_sample_rate
            if rate is not None:
                kept = chosen(hashes, rate)
                batch, hashes = batch.filter(pa.array(kept)), hashes[kept]
            self._sample.update(batch.select(self._sliced.whole.columns), hashes)

    def merge(self, other: Self) -> None:
        """Take in what another accumulator of the same schema and options has seen."""
        self.aside += other.aside
        self._sliced.merge(other._sliced)
        if self._sample is not None and other._sample is not None:
            self._sample.merge(other._sample)

    def result(self) -> DatasetStatistics:
        """Return the statistics of all rows that were seen."""
        whole = self._sliced.whole.describe(self.name)
        if self._sample is not None:
            features = guesses(whole.features, self._sample.table())
            whole = msgspec.structs.replace(whole, features=features)
        first = tuple(str(row) for row in self.aside.first)
        return msgspec.structs.replace(whole, num_set_aside=self.aside.rows, set_aside=first)

    def statistics(self) -> Statistics:
        """Return the statistics of all rows, and of the slices in the order of their keys."""
        slices = sorted(self._sliced.slices.items())
        return Statistics((self.result(), *(part.describe(self.name, key) for key, part in slices)))


class Thinning:
    """The rows that are looked at, of each batch."""

    def __init__(self, options: StatsOptions) -> None:
        self._rate = options.sample_rate
        self._seed = options.seed
        self._numbers = RowNumbers()

    def apply(self, batch: pa.RecordBatch, *, hashed: bool) -> tuple[pa.RecordBatch, Hashes | None]:
        """Return the rows of the sample, with their hashes where wanted."""
        thinned = self._rate is not None and self._rate < 1.0
        if not (thinned or hashed):
            return batch, None
        first = self._numbers.first(batch)
        if thinned:
            kept = chosen(row_hashes(first, batch.num_rows, self._seed + 2), self._rate or 1.0)
            batch = batch.filter(pa.array(kept))
            # Of other hashes than those that chose, which are all small.
            return batch, row_hashes(first, kept.size, _SAMPLE_SEED)[kept] if hashed else None
        return batch, row_hashes(first, batch.num_rows, _SAMPLE_SEED)


class _Rows:
    """Statistics of some rows, with no slices."""

    def __init__(self, schema: pa.Schema, options: StatsOptions, *, custom: bool) -> None:
        self.rows = 0
        self._schema = schema
        self._options = options
        self._weight = 0.0
        self._casts = {field.name: kind for field in schema if (kind := described(field, options)) is not None}
        self._nodes = [(field.name, self._node(field), options.weight_of(field.name)) for field in schema]
        self._generators: list[Accumulator] = [make() for make in options.generators] if custom else []
        named = options.feature_generators.items() if custom else ()
        self._feature_generators = {name: [make() for make in makers] for name, makers in named}
        self._makers = [_named(make) for make in options.generators]
        self._weights = options.weights

    @property
    def columns(self) -> list[str]:
        return list(self._schema.names)

    def update(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        if not self._weights:
            for name, node, _ in self._nodes:
                node.update(self._column(batch, name))
        else:
            self._weighted(batch)
        for generator in self._generators:
            generator.update(batch)
        for name, generators in self._feature_generators.items():
            for generator in generators:
                generator.update(batch.select([name]))

    def merge(self, other: Self) -> None:
        self.rows += other.rows
        self._weight += other._weight
        for (_, node, _), (_, more, _) in zip(self._nodes, other._nodes, strict=True):
            node.merge(more)
        for generator, another in zip(self._generators, other._generators, strict=True):
            generator.merge(another)
        for name, generators in self._feature_generators.items():
            for generator, another in zip(generators, other._feature_generators[name], strict=True):
                generator.merge(another)

    def result(self) -> DatasetStatistics:
        return self.describe("data")

    def describe(self, name: str, key: str | None = None) -> DatasetStatistics:
        features: list[FeatureStatistics] = []
        for column, node, _ in self._nodes:
            features += self._features(column, node)
        custom = [one for made, of in zip(self._generators, self._makers, strict=False) for one in _custom(of, made)]
        return DatasetStatistics(
            name if key is None else f"{name}/{key}",
            self.rows,
            tuple(features),
            weighted_num_examples=self._weight if self._options.weight_feature is not None else None,
            slice_key=key,
            sample_rate=self._options.sample_rate or 1.0,
            custom_stats=tuple(custom),
        )

    def _weighted(self, batch: pa.RecordBatch) -> None:
        weights: dict[str, NDArray[Any]] = {name: weights_of(batch, name) for name in self._weights}
        if self._options.weight_feature is not None:
            self._weight += float(weights[self._options.weight_feature].sum())
        for name, node, weight in self._nodes:
            node.update(self._column(batch, name), None if weight is None else weights[weight])

    def _column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        column = batch.column(name)
        kind = self._casts.get(name)
        return column if kind is None else _cast(column, kind, name)

    def _features(self, column: str, node: FeatureNode) -> list[FeatureStatistics]:
        found = [_frequent(feature, self._options) for feature in node.features()]
        cleaned = cleaning(self._schema.field(column))
        makers = self._options.feature_generators.get(column, ())
        generators = self._feature_generators.get(column, [])
        custom = [one for make, made in zip(makers, generators, strict=False) for one in _custom(_named(make), made)]
        if cleaned or custom:
            found[0] = msgspec.structs.replace(
                found[0], strip=cleaned.strip, null_values=cleaned.null_values, custom_stats=tuple(custom)
            )
        return found

    def _node(self, field: pa.Field) -> FeatureNode:
        options = self._options
        weight = options.weight_of(field.name)
        settings = ColumnSettings(
            num_top_values=options.num_top_values,
            num_histogram_buckets=options.num_histogram_buckets,
            num_quantiles_histogram_buckets=options.num_quantiles_histogram_buckets,
            num_rank_histogram_buckets=options.num_rank_histogram_buckets,
            weighted=weight is not None,
        )
        kind = self._casts.get(field.name, field.type)
        return FeatureNode((field.name,), kind, settings, buckets=options.num_values_histogram_buckets)


def _part(schema: pa.Schema, options: StatsOptions, key: str | None) -> _Rows:
    return _Rows(schema, options, custom=key is None or bool(options.generators or options.feature_generators))


def described(field: pa.Field, options: StatsOptions) -> pa.DataType | None:
    """Return the type as which the options' schema has a column described; None where it is the column's own.

    Strings are read as the numbers that the schema says they are, and integers that are categories as strings.
    """
    if options.schema is None or field.name not in options.schema:
        return None
    wanted = options.schema[field.name]
    held = feature_type(field.type)
    if held == "STRING" and wanted.type in ("INT", "FLOAT"):
        return pa.int64() if wanted.type == "INT" else pa.float64()
    if held == "INT" and wanted.type == "INT" and wanted.is_categorical:
        return pa.string()
    return None


def _cast(column: pa.Array, kind: pa.DataType, name: str) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not pa.types.is_string(kind):
        column = pc.utf8_trim_whitespace(column)
    try:
        return column.cast(kind)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"The schema says that column {name!r} has numbers",
            got=str(error).splitlines()[0],
            fix="Make it STRING in the schema, or mend the data",
        ) from error


def _frequent(feature: FeatureStatistics, options: StatsOptions) -> FeatureStatistics:
    """Return the statistics with the values that occur often enough."""
    strings = feature.string_stats
    if strings is None:
        return feature
    if options.frequency_threshold > 1:
        kept = tuple(one for one in strings.top_values if one.frequency >= options.frequency_threshold)
        complete = strings.complete and len(kept) == len(strings.top_values)
        strings = msgspec.structs.replace(strings, top_values=kept, complete=complete)
    if options.weighted_frequency_threshold > 0.0 and strings.weighted is not None:
        least = options.weighted_frequency_threshold
        heavy = tuple(one for one in strings.weighted.top_values if one.frequency >= least)
        weighted = msgspec.structs.replace(strings.weighted, top_values=heavy)
        strings = msgspec.structs.replace(strings, weighted=weighted)
    return msgspec.structs.replace(feature, string_stats=strings)


def _named(make: Any) -> str:
    return getattr(make, "__name__", type(make).__name__)


def _custom(name: str, made: Accumulator) -> list[CustomStatistic]:
    """Return what an accumulator of the user's came to: one value, or each of a dict of them."""
    value = made.result()
    named = value.items() if isinstance(value, dict) else [(name, value)]
    found = []
    for key, one in named:
        try:
            plain = msgspec.to_builtins(one.item() if hasattr(one, "item") else one)
        except TypeError as error:
            raise UsageError(
                "An accumulator comes to a number, a text, or plain JSON", got=f"a {type(one).__name__}", where=name
            ) from error
        found.append(CustomStatistic(str(key), plain))
    return found
