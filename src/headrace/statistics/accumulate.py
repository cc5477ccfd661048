"""The accumulator of the statistics of a data set and of its slices."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

import msgspec
import pyarrow as pa

from headrace.data import cleaning
from headrace.data.set_aside import SetAside
from headrace.errors import UsageError
from headrace.statistics.columns import ColumnSettings
from headrace.statistics.composed import ComposedAccumulator
from headrace.statistics.nested import FeatureNode
from headrace.statistics.options import StatsOptions
from headrace.statistics.results import DatasetStatistics, Statistics
from headrace.statistics.sampling import RowSample, chosen
from headrace.statistics.semantics import guesses
from headrace.statistics.slices import Sliced, slicers_for
from headrace.statistics.thinning import Thinning, cast_column, cast_types
from headrace.statistics.values import CustomStatistic, FeatureStatistics
from headrace.statistics.weights import weights_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.engines import Accumulator

__all__ = ["StatisticsAccumulator"]


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
        self._schema = schema
        self._thinning = Thinning(options)
        slicers = slicers_for(options.slices, options.slice_sqls, options.slice_functions)
        self._sliced = Sliced(partial(_part, schema, options), slicers, options.max_slices)
        self._needs_rows = options.enable_semantic_domain_stats
        self._sample = RowSample() if options.enable_semantic_domain_stats else None

    @property
    def columns(self) -> pa.Schema:
        """The columns that are looked at."""
        return self._schema

    def state(self) -> dict[str, Any]:
        """Return what was seen, for ``restore`` of another accumulator of the same schema and options."""
        slices = {key: part.state() for key, part in self._sliced.slices.items()}
        sample = None if self._sample is None else self._sample.to_state()
        return {"whole": self._sliced.whole.state(), "slices": slices, "sample": sample}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what another accumulator had seen, in place of what this one has."""
        self._sliced.restore(state["whole"], state["slices"], _Rows.restore)
        if self._sample is not None:
            self._sample.restore(state["sample"])

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


class _Rows:
    """Statistics of some rows, with no slices."""

    def __init__(self, schema: pa.Schema, options: StatsOptions, *, custom: bool) -> None:
        self.rows = 0
        self._schema = schema
        self._options = options
        self._weight = 0.0
        self._casts = cast_types(schema, options)
        self._nodes = [(field.name, self._node(field), options.weight_of(field.name)) for field in schema]
        self._generators: list[Accumulator] = [make() for make in options.generators] if custom else []
        named = options.feature_generators.items() if custom else ()
        self._feature_generators = {name: [make() for make in makers] for name, makers in named}
        composed = options.schema is not None and (options.schema.sparse_features or options.schema.weighted_features)
        self._composed = ComposedAccumulator(options.schema) if options.schema is not None and composed else None
        self._makers = [_named(make) for make in options.generators]
        self._weights = options.weights

    @property
    def columns(self) -> list[str]:
        return list(self._schema.names)

    def update(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        if not self._weights:
            for name, node, _ in self._nodes:
                node.update(cast_column(batch, name, self._casts))
        else:
            self._weighted(batch)
        if self._composed is not None:
            self._composed.update(batch)
        for generator in self._generators:
            generator.update(batch)
        for name, generators in self._feature_generators.items():
            for generator in generators:
                generator.update(batch.select([name]))

    def state(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "weight": self._weight,
            "nodes": [node.to_state() for _, node, _ in self._nodes],
            "composed": None if self._composed is None else self._composed.to_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.rows, self._weight = state["rows"], state["weight"]
        for (_, node, _), kept in zip(self._nodes, state["nodes"], strict=True):
            node.restore(kept)
        if self._composed is not None:
            self._composed.restore(state["composed"])

    def merge(self, other: Self) -> None:
        self.rows += other.rows
        self._weight += other._weight
        for (_, node, _), (_, more, _) in zip(self._nodes, other._nodes, strict=True):
            node.merge(more)
        if self._composed is not None and other._composed is not None:
            self._composed.merge(other._composed)
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
        composed = () if self._composed is None else self._composed.result()
        custom = [one for made, of in zip(self._generators, self._makers, strict=False) for one in _custom(of, made)]
        return DatasetStatistics(
            name if key is None else f"{name}/{key}",
            self.rows,
            tuple(features),
            weighted_num_examples=self._weight if self._options.weight_feature is not None else None,
            slice_key=key,
            sample_rate=self._options.sample_rate or 1.0,
            custom_stats=(*composed, *custom),
        )

    def _weighted(self, batch: pa.RecordBatch) -> None:
        weights: dict[str, NDArray[Any]] = {name: weights_of(batch, name) for name in self._weights}
        if self._options.weight_feature is not None:
            self._weight += float(weights[self._options.weight_feature].sum())
        for name, node, weight in self._nodes:
            node.update(cast_column(batch, name, self._casts), None if weight is None else weights[weight])

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
            text_in_bytes=_is_text(field, options),
        )
        kind = self._casts.get(field.name, field.type)
        return FeatureNode((field.name,), kind, settings, buckets=options.num_values_histogram_buckets)


def _is_text(field: pa.Field, options: StatsOptions) -> bool:
    """Tell whether the options' schema has a column of bytes as text."""
    schema = options.schema
    return schema is not None and field.name in schema and schema[field.name].type == "STRING"


def _part(schema: pa.Schema, options: StatsOptions, key: str | None) -> _Rows:
    return _Rows(schema, options, custom=key is None or bool(options.generators or options.feature_generators))


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
