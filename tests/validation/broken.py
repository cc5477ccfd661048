"""Statistics of census data, whole and broken, and one column of any kind made by hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from headrace.data import dataset_from_table
from headrace.schema import Feature, Schema
from headrace.statistics import (
    BytesStatistics,
    CommonStatistics,
    DatasetStatistics,
    FeatureStatistics,
    Statistics,
    StringStatistics,
    StructStatistics,
    ValencyStatistics,
    ValueCount,
    generate_statistics,
)
from headrace.validation import Anomaly, validate_statistics


def described(columns: dict[str, Any] | pa.Table, name: str = "data") -> Statistics:
    return generate_statistics(dataset_from_table(pa.table(columns)), name=name)


def made(*features: FeatureStatistics, rows: int = 10, name: str = "data") -> Statistics:
    """Return statistics of columns that were made by hand."""
    return Statistics((DatasetStatistics(name, rows, features),))


def lists(low: int, high: int, rows: int = 10, total: int | None = None, missing: int = 0) -> CommonStatistics:
    """Return the common statistics of a column of lists."""
    whole = (low + high) * (rows - missing) // 2 if total is None else total
    level = ValencyStatistics(rows - missing, missing, low, high, whole / (rows - missing), whole)
    return CommonStatistics(rows - missing, missing, low, high, whole / (rows - missing), whole, levels=(level,))


def texts(common: CommonStatistics, *values: str) -> FeatureStatistics:
    """Return the statistics of a STRING column ``x`` whose values are all listed."""
    tops = tuple(ValueCount(value, values.count(value)) for value in dict.fromkeys(values))
    return FeatureStatistics("x", "STRING", string_stats=StringStatistics(common, len(tops), tops, 1.0, 1, 1))


def blob(common: CommonStatistics, least: int = 1, most: int = 10) -> FeatureStatistics:
    """Return the statistics of a BYTES column ``x``."""
    return FeatureStatistics("x", "BYTES", bytes_stats=BytesStatistics(common, 1, 5.0, least, most))


def struct(name: str, common: CommonStatistics) -> FeatureStatistics:
    """Return the statistics of a STRUCT column."""
    return FeatureStatistics(name, "STRUCT", struct_stats=StructStatistics(common))


def only(statistics: Statistics, schema: Schema | Feature, **options: Any) -> Anomaly:
    """Return the one anomaly, after checking that accepting its change, if it has one, makes the data fit."""
    whole = schema if isinstance(schema, Schema) else Schema((schema,))
    anomalies = validate_statistics(statistics, whole, **options)
    (anomaly,) = anomalies
    if anomaly.acceptable:
        assert list(validate_statistics(statistics, anomalies.accept(whole), **options)) == []
    assert anomaly.suggestion
    return anomaly


def fits(statistics: Statistics, schema: Schema | Feature, **options: Any) -> bool:
    """Return whether nothing at all is found."""
    whole = schema if isinstance(schema, Schema) else Schema((schema,))
    return list(validate_statistics(statistics, whole, **options)) == []
