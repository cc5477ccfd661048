"""Statistics of a whole data set, in one pass."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

import msgspec

from headrace.data import Dataset, warn_of_rows
from headrace.errors import DataError
from headrace.statistics.columns import accumulator_for, feature_type
from headrace.statistics.results import DatasetStatistics, Statistics
from headrace.statistics.values import (
    BoolStatistics,
    BytesStatistics,
    CommonStatistics,
    FeatureStatistics,
    NumericStatistics,
    StringStatistics,
    TimestampStatistics,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from headrace.engines import Engine
    from headrace.statistics.columns import ColumnAccumulator

__all__ = ["StatisticsAccumulator", "generate_statistics"]


def generate_statistics(
    source: Any, *, name: str = "data", engine: Engine | None = None, columns: Sequence[str] | None = None
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

    Returns
    -------
    Statistics
        Of one data set; ``train.merge(eval)`` puts several side by side. Rows that cannot be read are counted in
        ``num_set_aside``, and a RowsSetAsideWarning names the first.

    Raises
    ------
    DataError
        If the source cannot be read, a column is absent, or a column's type has no statistics.
    """
    from headrace.data.dictionaries import with_dictionaries
    from headrace.engines import LocalEngine, fold_counted

    dataset = source if isinstance(source, Dataset) else _opened(source)
    if columns is not None:
        dataset.check_columns(columns)
    schema = dataset.schema
    if columns is not None:
        import pyarrow as pa

        schema = pa.schema([schema.field(column) for column in columns])
    make = partial(StatisticsAccumulator, schema, name)
    total, aside = fold_counted(engine or LocalEngine(), with_dictionaries(dataset), make, columns=list(schema.names))
    result = total.result()
    warn_of_rows(aside, result.num_examples)
    first = tuple(str(row) for row in aside.first)
    return Statistics((msgspec.structs.replace(result, num_set_aside=aside.rows, set_aside=first),))


class StatisticsAccumulator:
    """Statistics of record batches; a monoid.

    Parameters
    ----------
    schema
        The columns to look at and their Arrow types; batches may have more.
    name
        Name of the data set in the result.

    Raises
    ------
    DataError
        If there are no statistics of a column's type.
    """

    def __init__(self, schema: pa.Schema, name: str = "data") -> None:
        self._schema = schema
        self._name = name
        self._rows = 0
        self._missing = dict.fromkeys(schema.names, 0)
        self._columns = {field.name: _accumulator(field) for field in schema}

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of one batch."""
        self._rows += batch.num_rows
        for name, accumulator in self._columns.items():
            column = batch.column(name)
            self._missing[name] += column.null_count
            accumulator.update(column)

    def merge(self, other: Self) -> None:
        """Take in what another accumulator of the same schema has seen."""
        self._rows += other._rows
        for name, accumulator in self._columns.items():
            self._missing[name] += other._missing[name]
            accumulator.merge(other._columns[name])

    def result(self) -> DatasetStatistics:
        """Return the statistics over all that was seen."""
        return DatasetStatistics(self._name, self._rows, tuple(self._feature(field) for field in self._schema))

    def _feature(self, field: pa.Field) -> FeatureStatistics:
        from headrace.data import cleaning

        kind = feature_type(field.type)
        assert kind is not None
        cleaned = cleaning(field)
        missing = self._missing[field.name]
        stats = self._columns[field.name].result(CommonStatistics(self._rows - missing, missing))
        return FeatureStatistics(
            field.name,
            kind,
            num_stats=stats if isinstance(stats, NumericStatistics) else None,
            string_stats=stats if isinstance(stats, StringStatistics) else None,
            bool_stats=stats if isinstance(stats, BoolStatistics) else None,
            timestamp_stats=stats if isinstance(stats, TimestampStatistics) else None,
            bytes_stats=stats if isinstance(stats, BytesStatistics) else None,
            strip=cleaned.strip,
            null_values=cleaned.null_values,
        )


def _accumulator(field: pa.Field) -> ColumnAccumulator:
    try:
        return accumulator_for(field.type)
    except DataError as error:
        raise DataError(error.rule, got=error.got, where=f"column {field.name!r}", fix=error.fix) from error


def _opened(source: Any) -> Dataset:
    from headrace.data import as_source

    return as_source(source).dataset()
