"""The accumulators of single columns: which there is for which type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

import pyarrow as pa

from headrace.errors import DataError
from headrace.statistics.binary import BinaryAccumulator
from headrace.statistics.bools import BoolAccumulator
from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.numeric import NumericAccumulator
from headrace.statistics.strings import StringAccumulator
from headrace.statistics.times import TimestampAccumulator
from headrace.statistics.values import (
    BoolStatistics,
    BytesStatistics,
    CommonStatistics,
    NumericStatistics,
    StatisticsType,
    StringStatistics,
    TimestampStatistics,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ColumnAccumulator", "ColumnSettings", "ColumnStatistics", "accumulator_for", "feature_type"]

ColumnStatistics: TypeAlias = (
    NumericStatistics | StringStatistics | BoolStatistics | TimestampStatistics | BytesStatistics
)
DEFAULTS = ColumnSettings()


class ColumnAccumulator(Protocol):
    """Statistics of the values of one column; a monoid."""

    def update(self, values: pa.Array, weights: NDArray[np.float64] | None = None) -> None:
        """Take in values, plain or dictionary-encoded; nulls are passed over.

        Parameters
        ----------
        values
            Any number of them, of the type that the accumulator was made for.
        weights
            One for each of the values; where the settings say ``weighted``.
        """
        ...

    def merge(self, other: Self) -> None:
        """Take in what another accumulator of the same type and settings has seen; the other stays as it is."""
        ...

    def result(self, common: CommonStatistics) -> ColumnStatistics:
        """Return the statistics over all that was seen, with the presence that was counted outside."""
        ...


def feature_type(kind: pa.DataType) -> StatisticsType | None:
    """Return the feature type of an Arrow type; None where there is none, as for lists."""
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_integer(kind):
        return "INT"
    if types.is_floating(kind) or types.is_decimal(kind):
        return "FLOAT"
    if types.is_boolean(kind):
        return "BOOL"
    if types.is_timestamp(kind) or types.is_date(kind):
        return "TIMESTAMP"
    if (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    ):
        return "BYTES"
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return "STRING" if text or types.is_null(kind) else None


def accumulator_for(kind: pa.DataType, settings: ColumnSettings = DEFAULTS) -> ColumnAccumulator:
    """Return an empty accumulator for the values of an Arrow type.

    Raises
    ------
    DataError
        If there are no statistics of the type, as of lists.
    """
    makers: dict[StatisticsType, Any] = {
        "INT": NumericAccumulator,
        "FLOAT": NumericAccumulator,
        "STRING": StringAccumulator,
        "BYTES": StringAccumulator if settings.text_in_bytes else BinaryAccumulator,
        "BOOL": BoolAccumulator,
        "TIMESTAMP": TimestampAccumulator,
    }
    feature = feature_type(kind)
    if feature is None:
        raise DataError(
            "Statistics are of numbers, strings, bytes, truth values, timestamps and dates",
            got=str(kind),
            fix="Leave the column out with columns=[...], or turn it into one of these",
        )
    maker = makers[feature]
    made: ColumnAccumulator = maker(settings, kind) if feature in {"INT", "FLOAT"} else maker(settings)
    return made
