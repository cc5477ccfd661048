"""Statistics of a whole data set, in one pass, or two where features are looked at together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.data import Dataset, warn_of_rows
from headrace.data.dictionaries import dictionary_encoded
from headrace.errors import UsageError
from headrace.statistics.accumulate import StatisticsAccumulator
from headrace.statistics.columns import feature_type
from headrace.statistics.composed import composed_columns
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
    dataset = _opened(source)
    total = _folded(dataset, name, options, engine)
    statistics = total.statistics()
    if total.num_examples and (options.cross_features or options.label_feature is not None):
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
    total = _folded(_opened(source), name, options, engine)
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

    schema, _ = _columns(dataset, options)
    plan = plan_joint(statistics.datasets[0], schema, options)
    if not plan.columns:
        return statistics
    read = _read(dataset, [*plan.columns], options)
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
    names = list(
        dict.fromkeys(dataset.schema.names if options.feature_allowlist is None else options.feature_allowlist)
    )
    dataset.check_columns(names)
    label = [] if options.label_feature is None else [options.label_feature]
    named = [*options.weights, *label, *options.per_feature_weight_override, *options.feature_generators]
    dataset.check_columns([*named, *_sliced_by(options)])
    for name in options.weights:
        check_weights(dataset.schema, name)
    for name in _sliced_by(options):
        if feature_type(dataset.schema.field(name).type) is None:
            kind = str(dataset.schema.field(name).type)
            raise UsageError("Slices are by columns with one value a row", got=kind, where=f"column {name!r}")
    for name in (*label, *options.feature_generators):
        if name not in names:
            raise UsageError("The label, and features with generators, are among the columns", got=name)
    schema = pa.schema([dataset.schema.field(name) for name in names])
    composed = [] if options.schema is None else composed_columns(options.schema, dataset.schema)
    return schema, _read(dataset, [*names, *options.weights, *composed], options)


def _read(dataset: Dataset, columns: list[str], options: StatsOptions) -> list[str]:
    """Return the columns to read where some are needed: those of slices too, or all that functions may look at."""
    if options.needs_every_column:
        return list(dataset.schema.names)
    return list(dict.fromkeys([*columns, *_sliced_by(options)]))


def _sliced_by(options: StatsOptions) -> list[str]:
    sliced: list[str] = []
    for spec in options.slices:
        sliced += [spec] if isinstance(spec, str) else [str(name) for name in spec]
    return sliced


def _opened(source: Any) -> Dataset:
    from headrace.data import as_source
    from headrace.data.normal_types import normalise_dataset

    if not isinstance(source, Dataset):
        return as_source(source).dataset()
    # Arrow cannot gather views, nor runs; sources have none.
    awkward = any(_is_awkward(field.type) for field in source.schema)
    return normalise_dataset(source) if awkward else source


def _is_awkward(kind: pa.DataType) -> bool:
    types = pa.types
    return (
        kind in (pa.string_view(), pa.binary_view())
        or isinstance(kind, pa.BaseExtensionType)
        or types.is_run_end_encoded(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
        or any(_is_awkward(kind.field(at).type) for at in range(kind.num_fields))
    )
