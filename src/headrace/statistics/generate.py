"""Statistics of a whole data set, in one pass, or two where features are looked at together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.data import Dataset, warn_of_rows
from headrace.data.dictionaries import dictionary_encoded
from headrace.errors import UsageError
from headrace.statistics.accumulate import StatisticsAccumulator
from headrace.statistics.options import StatsOptions, with_keywords
from headrace.statistics.sampling import numbered
from headrace.statistics.weights import check_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.engines import Engine
    from headrace.schema import Schema
    from headrace.statistics.results import Statistics
    from headrace.statistics.slices import SliceSpec

__all__ = ["accumulate_statistics", "generate_statistics"]


def generate_statistics(
    source: Any,
    *,
    name: str = "data",
    engine: Engine | None = None,
    columns: Sequence[str] | None = None,
    options: StatsOptions | None = None,
    schema: Schema | None = None,
    weight_feature: str | None = None,
    label_feature: str | None = None,
    slices: Sequence[SliceSpec] | None = None,
    cross_features: bool | Sequence[tuple[str, str]] | None = None,
    sample_rate: float | None = None,
) -> Statistics:
    """Compute statistics of every column.

    Parameters
    ----------
    source
        A :class:`headrace.data.Dataset`, or anything that ``headrace.data.as_source`` takes: a path, a glob, a
        source, an Arrow table, a data frame, a dict of lists.
    name
        Name of the data set in the result, as ``train``.
    engine
        Where the work runs; on this machine's threads when None.
    columns
        The columns wanted, in that order; all when None.
    options
        What is asked for; the other parameters are the common ones of :class:`StatsOptions`, and go before it.

    Returns
    -------
    Statistics
        Of one data set, and then of its slices, each a data set of its own named ``<name>/<slice key>``;
        ``train.merge(eval)`` puts several side by side. Rows that cannot be read are counted in ``num_set_aside``,
        and a RowsSetAsideWarning names the first.

    Raises
    ------
    DataError
        If the source cannot be read, a column is absent, a column's type has no statistics, or a weight is not a
        finite number from 0.
    UsageError
        If the options contradict each other or the data.
    """
    options = with_keywords(
        options,
        feature_allowlist=columns,
        schema=schema,
        weight_feature=weight_feature,
        label_feature=label_feature,
        slices=slices,
        cross_features=cross_features,
        sample_rate=sample_rate,
    )
    dataset = source if isinstance(source, Dataset) else _opened(source)
    total = _folded(dataset, name, options, engine)
    statistics = total.statistics()
    if options.cross_features or options.label_feature is not None:
        statistics = _joined(dataset, statistics, options, engine)
    warn_of_rows(total.aside, total.num_examples)
    return statistics


def accumulate_statistics(
    source: Any, *, name: str = "data", engine: Engine | None = None, options: StatsOptions | None = None
) -> StatisticsAccumulator:
    """Return the accumulator of the statistics of a source, to be saved, or merged with that of another day.

    Parameters
    ----------
    source, name, engine, options
        As in :func:`generate_statistics`.

    Raises
    ------
    UsageError
        If the options ask for cross features or a label, which need all rows at once.
    """
    options = options or StatsOptions()
    if options.cross_features or options.label_feature is not None:
        raise UsageError(
            "How features go together, and with the label, is computed over all rows at once",
            got="cross_features or label_feature for an accumulator",
            fix="Use generate_statistics for it",
        )
    total = _folded(source if isinstance(source, Dataset) else _opened(source), name, options, engine)
    warn_of_rows(total.aside, total.num_examples)
    return total


def _folded(dataset: Dataset, name: str, options: StatsOptions, engine: Engine | None) -> StatisticsAccumulator:
    from headrace.engines import LocalEngine, fold_counted

    schema, read = _columns(dataset, options)
    make = partial(StatisticsAccumulator, schema, name, options)
    total, aside = fold_counted(engine or LocalEngine(), _prepared(dataset, options), make, columns=read)
    total.aside += aside
    return total


def _joined(dataset: Dataset, statistics: Statistics, options: StatsOptions, engine: Engine | None) -> Statistics:
    from headrace.engines import LocalEngine
    from headrace.statistics.joint import JointAccumulator, plan_joint

    schema, read = _columns(dataset, options)
    plan = plan_joint(statistics.datasets[0], schema, options)
    make = partial(JointAccumulator, schema, plan, options)
    total = (engine or LocalEngine()).fold(_prepared(dataset, options).shards, make, columns=read)
    return total.complete(statistics)


def _prepared(dataset: Dataset, options: StatsOptions) -> Dataset:
    """Return the dataset with rows that are numbered, and texts as dictionaries unless someone else looks at them."""
    if not (options.slice_functions or options.generators or options.feature_generators):
        dataset = dictionary_encoded(dataset)
    return numbered(dataset)


def _columns(dataset: Dataset, options: StatsOptions) -> tuple[pa.Schema, list[str]]:
    """Return the columns to describe, and the names of those to read."""
    names = list(dataset.schema.names if options.feature_allowlist is None else options.feature_allowlist)
    dataset.check_columns(names)
    sliced: list[str] = []
    for spec in options.slices:
        sliced += [spec] if isinstance(spec, str) else [str(name) for name in spec]
    label = [] if options.label_feature is None else [options.label_feature]
    others = [*options.weights, *sliced, *label, *options.per_feature_weight_override, *options.feature_generators]
    dataset.check_columns(others)
    for name in options.weights:
        check_weights(dataset.schema, name)
    for name in (*label, *options.feature_generators):
        if name not in names:
            raise UsageError("The label, and features with generators, are among the columns", got=name)
    schema = pa.schema([dataset.schema.field(name) for name in names])
    if options.needs_every_column:
        return schema, list(dataset.schema.names)
    return schema, list(dict.fromkeys([*names, *options.weights, *sliced]))


def _opened(source: Any) -> Dataset:
    from headrace.data import as_source

    return as_source(source).dataset()
