"""Whether a column is of its type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from headrace.schema import Feature
from headrace.validation.wording import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.statistics import FeatureStatistics
    from headrace.validation.anomalies import Anomaly
    from headrace.validation.column import Column

__all__ = ["INTEGER_TEXT", "NUMBER_TEXT", "check_type", "fits_type"]

# What Python, Arrow and SQL all read as a number; no separators of thousands and no words.
INTEGER_TEXT = r"[+-]?[0-9]+"
NUMBER_TEXT = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"


def fits_type(data: str, schema: str) -> bool:
    """Return whether data of a type is welcome in a feature of another: integers are floats."""
    return data == schema or (data, schema) == ("INT", "FLOAT")


def check_type(column: Column) -> Iterator[Anomaly]:
    """Yield where the data is of another type."""
    stats, feature = column.stats, column.feature
    if fits_type(stats.type, feature.type):
        return
    examples = () if stats.string_stats is None else tuple(entry.value for entry in stats.string_stats.top_values)
    suggested = Feature(feature.name, stats.type, feature.min_fraction, not_in_environment=feature.not_in_environment)
    if stats.type == "FLOAT" and feature.type == "INT":
        suggested = msgspec.structs.replace(
            suggested, type="FLOAT", min=feature.min, max=feature.max, drift=feature.drift, skew=feature.skew
        )
    if feature.type in ("INT", "FLOAT") and _is_all_numbers(stats, whole=feature.type == "INT"):
        yield column.anomaly(
            "number_in_text",
            f"is {feature.type} by the schema; the data has numbers written as text.",
            rows=column.present,
            fraction=column.present / column.rows,
            examples=examples[:EXAMPLES],
            suggestion=f"Give the source the type with types=, or let repair cast it, or make it {stats.type}",
            suggested=suggested,
        )
        return
    yield column.anomaly(
        "type",
        f"is {feature.type} by the schema; the data has {stats.type}.",
        rows=column.present,
        fraction=column.present / column.rows,
        examples=examples[:EXAMPLES],
        suggestion="Give the source the column's type with types=, or change the type in the schema",
        suggested=suggested,
    )


def _is_all_numbers(stats: FeatureStatistics, *, whole: bool) -> bool:
    text = stats.string_stats
    if text is None:
        return False
    kinds = ("integer_text",) if whole else ("integer_text", "number_text")
    if any(guess.kind in kinds and guess.fraction == 1.0 for guess in stats.semantics):
        return True
    pattern = re.compile(INTEGER_TEXT if whole else NUMBER_TEXT)
    return text.complete and all(pattern.fullmatch(entry.value.strip()) for entry in text.top_values)
