"""A first schema, read off the statistics, to be reviewed and curated by people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import UsageError
from headrace.schema import Feature, FeatureType, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.statistics import FeatureStatistics, Statistics

__all__ = ["infer_schema"]

_WHITESPACE = " \t\n\v\f\r"


def infer_schema(statistics: Statistics, *, max_string_domain: int = 100, ranges: bool = False) -> Schema:
    """Infer a schema that the data satisfies.

    It is conservative: a column is required only where no value was ever missing, and optional otherwise; strings
    get a domain only where there are few values, all of them known; NaN and infinities are allowed only where they
    were seen. How the source cleaned strings goes into the schema too.

    Parameters
    ----------
    statistics
        Of one data set, or several whose union the schema describes.
    max_string_domain
        The most distinct strings that make a domain; 0 for no domains.
    ranges
        Whether numbers get the range that was seen, which is narrower than what may come.

    Raises
    ------
    UsageError
        If a column is a string in one data set and a number in another.
    """
    seen: dict[str, list[FeatureStatistics]] = {}
    for dataset in statistics.datasets:
        for feature in dataset.features:
            seen.setdefault(feature.name, []).append(feature)
    features = []
    for name, columns in seen.items():
        whole = len(columns) == len(statistics.datasets)
        features.append(_feature(name, columns, whole, max_string_domain, ranges))
    return Schema(tuple(features))


def _feature(
    name: str, columns: Sequence[FeatureStatistics], whole: bool, max_string_domain: int, ranges: bool
) -> Feature:
    kind = _type(name, columns)
    common = [column.common_stats for column in columns]
    never_missing = whole and all(part.num_missing == 0 for part in common) and any(p.num_non_missing for p in common)
    extra: dict[str, Any] = {}
    if kind == "STRING":
        strip = any(column.strip for column in columns)
        nulls = tuple(dict.fromkeys(value for column in columns for value in column.null_values))
        domain = _domain(columns, max_string_domain, strip, nulls)
        extra = {"values": domain, "strip": strip, "null_values": nulls}
    numbers = [column.num_stats for column in columns if column.num_stats is not None]
    if kind == "FLOAT":
        extra["allow_nan"] = any(stats.num_nan for stats in numbers)
        extra["allow_infinity"] = any(stats.num_infinite for stats in numbers)
    if ranges and kind in ("INT", "FLOAT"):
        extra["min"] = min((stats.min for stats in numbers if stats.min is not None), default=None)
        extra["max"] = max((stats.max for stats in numbers if stats.max is not None), default=None)
    return Feature(name, kind, 1.0 if never_missing else 0.0, **extra)


def _type(name: str, columns: Sequence[FeatureStatistics]) -> FeatureType:
    # A column without a single value says nothing of its type where another data set knows better.
    telling = [column for column in columns if column.common_stats.num_non_missing] or columns
    kinds = {column.type for column in telling}
    if kinds == {"INT", "FLOAT"}:
        return "FLOAT"
    if len(kinds) > 1:
        raise UsageError(
            "A column has one type in all data sets that a schema is inferred from",
            got=" and ".join(sorted(kinds)),
            where=f"column {name!r}",
            fix="Give the source the column's type with types=",
        )
    return telling[0].type


def _domain(
    columns: Sequence[FeatureStatistics], most: int, strip: bool, nulls: Sequence[str]
) -> tuple[str, ...] | None:
    values: set[str] = set()
    for column in columns:
        if column.string_stats is None:
            continue
        if not column.string_stats.complete:
            return None
        for entry in column.string_stats.top_values:
            values.add(entry.value.strip(_WHITESPACE) if strip else entry.value)
    values.difference_update(nulls)
    return tuple(sorted(values)) if 0 < len(values) <= most else None
