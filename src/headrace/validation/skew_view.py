"""Rows of the same key in two data sets, feature by feature, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.viz import Column, Markup, details, join, note, percent, table

if TYPE_CHECKING:
    from headrace.validation.skew_result import FeatureSkew, KeyCounts, SkewResult

__all__ = ["skew_view"]


def skew_view(result: SkewResult) -> Markup:
    """Return a fragment: the verdict, the rows of both sides, and one row a feature."""
    skewed = result.skewed
    count = f"{len(skewed)} of {len(result)} features differ" if skewed else "No feature differs"
    verdict = note(
        f"{count} in {result.pairs:,} pairs of rows by {', '.join(result.keys)}.", "warn" if skewed else "good"
    )
    sides = table(
        [
            Column("side"),
            *(Column(name, "number") for name in ("rows", "alone", "no key", "key repeats", "key repeats elsewhere")),
            Column("keys that repeat"),
        ],
        [_side("baseline", result.base), _side("test", result.test)],
        caption="Rows",
    )
    columns = [
        Column("feature"),
        *(Column(name, "number") for name in ("agree", "differ", "baseline only", "test only", "share that differs")),
        Column("examples", "markup"),
        Column("pairs of values", "markup"),
    ]
    rows = [_row(one, result.pairs) for one in result]
    return join([verdict, sides, table(columns, rows, caption="Features, those that differ most first")])


def _side(name: str, counts: KeyCounts) -> list[object]:
    keys = "; ".join(", ".join(key) for key in counts.duplicate_keys)
    return [name, counts.rows, counts.alone, counts.missing, counts.duplicates, counts.skipped, keys]


def _row(one: FeatureSkew, pairs: int) -> list[object]:
    return [
        one.feature,
        one.match_count,
        one.mismatch_count,
        one.base_only_count,
        one.test_only_count,
        percent(one.diff_count / pairs if pairs else 0.0),
        _shown([f"{', '.join(pair.key)}: {pair.base!r} → {pair.test!r}" for pair in one.examples]),
        _shown([f"{cell.base!r} → {cell.test!r}: {cell.count:,}" for cell in one.confusion if cell.base != cell.test]),
    ]


def _shown(lines: list[str]) -> Markup:
    if not lines:
        return join([])
    return join([lines[0]]) if len(lines) == 1 else details(lines[0], "; ".join(lines[1:]))
