"""Whether values are there, and how many in a row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headrace.schema import ValueCountRange
from headrace.validation.wording import percent, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.statistics import CommonStatistics, ValencyStatistics
    from headrace.validation.anomalies import Anomaly
    from headrace.validation.column import Column

__all__ = ["check_presence", "check_valency"]


def check_presence(column: Column) -> Iterator[Anomaly]:
    """Yield where too few rows have the feature."""
    feature = column.feature
    missing = column.rows - column.present
    share = column.present / column.rows
    none = "no row has one" if column.present == 0 else f"{rows_of(missing, column.rows)} have none"
    if share < feature.min_fraction:
        wanted = "in every row" if feature.required else f"in at least {percent(feature.min_fraction)}"
        lower = math.floor(share * 1000.0) / 1000.0
        yield column.anomaly(
            "missing_values",
            f"has a value {wanted}; {none}.",
            rows=missing,
            fraction=missing / column.rows,
            suggestion=f"Find out why values are missing, or lower min_fraction to {lower:g}",
            suggested=column.altered(min_fraction=lower),
        )
    if column.present < feature.min_count:
        yield column.anomaly(
            "few_present",
            f"has a value in at least {feature.min_count:,} rows; {column.present:,} have one.",
            rows=missing,
            fraction=missing / column.rows,
            suggestion=f"Find out why values are missing, or lower min_count to {column.present:,}",
            suggested=column.altered(min_count=column.present),
        )
    if feature.group_required and missing and len(column.path) > 1:
        yield column.anomaly(
            "group_missing",
            f"is in every {'.'.join(column.path[:-1])} that is there; {rows_of(missing, column.rows)} have none.",
            rows=missing,
            fraction=missing / column.rows,
            suggestion="Find out why the field is missing, or take group_required out of the schema",
            suggested=column.altered(group_required=False),
        )


def check_valency(column: Column) -> Iterator[Anomaly]:
    """Yield where a row has another number of values than it should, or lists are nested otherwise."""
    feature, common = column.feature, column.stats.common_stats
    if feature.shape is not None:
        yield from _shape(column, common)
        return
    levels: tuple[CommonStatistics | ValencyStatistics, ...] = common.levels
    if feature.embedding_dim is not None:
        yield from _embedding(column, levels[-1] if levels else common)
        return
    if len(feature.value_counts) == 1 and not levels:
        # A plain column has one value a row.
        levels = (common,)
    if len(levels) != len(feature.value_counts):
        wanted, depth = len(feature.value_counts), len(levels)
        yield column.anomaly(
            "nestedness",
            f"is {_nested(wanted)} by the schema; the data has {_nested(depth)}.",
            rows=column.present,
            fraction=column.present / column.rows,
            suggestion="Mend what writes the data, or change value_counts in the schema",
            suggested=column.altered(value_counts=tuple(ValueCountRange() for _ in levels)),
        )
        return
    for depth, (level, bounds) in enumerate(zip(levels, feature.value_counts, strict=True)):
        if level.num_non_missing == 0:
            continue
        where = "a row" if depth == 0 else f"a list of level {depth}"
        if bounds.min is not None and level.min_num_values < bounds.min:
            every = level.max_num_values < bounds.min
            yield column.anomaly(
                "few_values",
                f"has at least {bounds.min:,} values in {where}; the fewest are {level.min_num_values:,}.",
                rows=column.present if every else None,
                fraction=column.present / column.rows if every else None,
                suggestion=f"Find out why values are missing, or lower min to {level.min_num_values:,}",
                suggested=column.altered(value_counts=_bounds(feature.value_counts, depth, low=level.min_num_values)),
            )
        if bounds.max is not None and level.max_num_values > bounds.max:
            every = level.min_num_values > bounds.max
            yield column.anomaly(
                "many_values",
                f"has at most {bounds.max:,} values in {where}; the most are {level.max_num_values:,}.",
                rows=column.present if every else None,
                fraction=column.present / column.rows if every else None,
                suggestion=f"Find out where values come from, or raise max to {level.max_num_values:,}",
                suggested=column.altered(value_counts=_bounds(feature.value_counts, depth, high=level.max_num_values)),
            )


def _shape(column: Column, common: CommonStatistics) -> Iterator[Anomaly]:
    shape = column.feature.shape or ()
    sizes = [(level.min_num_values, level.max_num_values) for level in common.levels]
    whole = common.min_num_values, common.max_num_values
    size = math.prod(shape)
    if sizes == [(length, length) for length in shape] or (len(sizes) <= 1 and whole == (size, size)):
        return
    least, most = whole
    found = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    nested = f", {_nested(len(sizes))}" if len(sizes) > 1 else ""
    yield column.anomaly(
        "shape",
        f"has the shape {list(shape)}, {size:,} values in a row; rows have {found}{nested}.",
        rows=column.present if size < least or size > most else None,
        fraction=column.present / column.rows if size < least or size > most else None,
        suggestion="Mend the rows of another size, or take shape out of the schema",
        suggested=column.altered(shape=None, value_counts=tuple(ValueCountRange() for _ in sizes)),
    )


def _embedding(column: Column, level: CommonStatistics | ValencyStatistics) -> Iterator[Anomaly]:
    length = column.feature.embedding_dim
    least, most = level.min_num_values, level.max_num_values
    if (least, most) == (length, length):
        return
    found = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    yield column.anomaly(
        "embedding_dim",
        f"has vectors of {length:,} numbers; the data has {found}.",
        rows=column.present if least == most else None,
        fraction=column.present / column.rows if least == most else None,
        suggestion="Make all embeddings with one model, or change embedding_dim",
        suggested=column.altered(embedding_dim=least) if least == most else None,
    )


def _nested(depth: int) -> str:
    return "a plain column" if depth == 0 else "a list" if depth == 1 else f"lists nested {depth} deep"


def _bounds(
    ranges: tuple[ValueCountRange, ...], depth: int, *, low: int | None = None, high: int | None = None
) -> tuple[ValueCountRange, ...]:
    old = ranges[depth]
    new = ValueCountRange(old.min if low is None else low, old.max if high is None else high)
    return (*ranges[:depth], new, *ranges[depth + 1 :])
