"""What is worth a second look about a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.statistics.values import FeatureStatistics

__all__ = ["FLAGS", "distinct", "flags"]

# Flag: what a badge says, what it means, and its tone; the gravest first.
FLAGS: dict[str, tuple[str, str, Literal["bad", "warn", "info"]]] = {
    "anomaly": ("anomaly", "does not fit the schema", "bad"),
    "leak": ("leak?", "predicts the label so well that it may have been computed from it", "bad"),
    "absent": ("absent", "is not in every data set", "warn"),
    "empty": ("empty", "has no value at all", "warn"),
    "missing": ("missing", "is missing in some rows", "info"),
    "constant": ("constant", "has one value only", "warn"),
    "cardinality": ("many values", "has a value of its own in more than half of the rows", "info"),
    "duplicate": ("duplicate", "says nearly the same as another feature", "warn"),
    "nonfinite": ("NaN or ∞", "has values that are not numbers, or infinite", "warn"),
    "zeros": ("zeros", "is zero in more than half of the rows", "info"),
    "utf8": ("bad UTF-8", "has bytes that are not text", "warn"),
}
_MANY = 50


def flags(columns: Sequence[FeatureStatistics | None], *, anomalous: bool = False) -> tuple[str, ...]:
    """Return the flags of one feature, the gravest first.

    Parameters
    ----------
    columns
        Its statistics in each data set; None where it is absent.
    anomalous
        Whether it has anomalies.
    """
    found = {flag for column in columns if column is not None for flag in _flags(column)}
    if anomalous:
        found.add("anomaly")
    if any(column is None for column in columns):
        found.add("absent")
    return tuple(flag for flag in FLAGS if flag in found)


def distinct(column: FeatureStatistics) -> tuple[int, bool, float] | None:
    """Return how many distinct values there are, whether that is exact, and its relative standard error."""
    stats = column.num_stats or column.string_stats or column.bytes_stats
    if stats is not None:
        return stats.unique, stats.unique_exact, stats.unique_error
    if column.bool_stats is not None:
        return (column.bool_stats.num_true > 0) + (column.bool_stats.num_false > 0), True, 0.0
    stamps = column.timestamp_stats
    return None if stamps is None or stamps.unique is None else (stamps.unique, stamps.unique_exact, 0.0)


def _flags(column: FeatureStatistics) -> set[str]:
    common, found = column.common_stats, set[str]()
    kinds = {guess.kind for guess in column.semantics}
    values = common.num_values
    if common.num_missing:
        found.add("missing")
    if values == 0 and column.struct_stats is None and common.num_missing + common.num_non_missing > 0:
        found.add("empty")
    many = distinct(column)
    numbers, strings = column.num_stats, column.string_stats
    odd = 0 if numbers is None else numbers.num_nan + numbers.num_infinite
    if "constant" in kinds or (many is not None and many[0] == 1 and values > 1 and not odd):
        found.add("constant")
    if "identifier" in kinds or (strings is not None and strings.unique > max(_MANY, values / 2)):
        found.add("cardinality")
    if "duplicate" in kinds:
        found.add("duplicate")
    if column.label is not None and column.label.leakage:
        found.add("leak")
    if odd:
        found.add("nonfinite")
    if numbers is not None and numbers.num_zeros > values / 2:
        found.add("zeros")
    if strings is not None and strings.invalid_utf8_count:
        found.add("utf8")
    return found
