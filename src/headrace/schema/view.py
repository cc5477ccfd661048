"""A schema as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.viz import Column, Markup, badge, details, join, percent, table, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.schema.diff import Change
    from headrace.schema.domains import Comparator
    from headrace.schema.feature import Feature
    from headrace.schema.schema import Schema

__all__ = ["diff_view", "schema_view"]

_SHOWN = 8


def schema_view(schema: Schema) -> Markup:
    """Return a fragment: one row a feature."""
    columns = [
        Column("feature"),
        Column("type"),
        Column("presence", "markup"),
        Column("domain or range", "markup"),
        Column("watched", "markup"),
        Column("notes", "markup"),
    ]
    rows = [
        [feature.name, feature.type, _presence(feature), _domain(feature), _watched(feature), _notes(feature)]
        for feature in schema.features
    ]
    return table(columns, rows, caption=f"Schema of {len(rows)} features", empty="a schema without features")


def diff_view(changes: Sequence[Change]) -> Markup:
    """Return a fragment: what changed between two schemas."""
    kinds = {"added": "good", "removed": "bad", "changed": "warn"}
    rows = [
        [change.feature, badge(change.kind, kinds[change.kind]), str(change).partition(": ")[2]]  # type: ignore[arg-type]
        for change in changes
    ]
    columns = [Column("feature"), Column("change", "markup"), Column("what")]
    return table(columns, rows, caption="Changes of the schema", empty="no change")


def _presence(feature: Feature) -> Markup:
    if feature.required:
        return badge("required", "info")
    if feature.min_fraction == 0.0:
        return badge("optional", "muted")
    return badge(f"in {percent(feature.min_fraction)} of rows", "info")


def _domain(feature: Feature) -> Markup:
    if feature.values is not None:
        values = feature.values
        shown = ", ".join(values[:_SHOWN])
        if len(values) <= _SHOWN:
            return join([shown])
        return details(f"{shown} and {len(values) - _SHOWN} more", ", ".join(values[_SHOWN:]))
    if feature.min is not None or feature.max is not None:
        low = "-∞" if feature.min is None else f"{feature.min:,}"
        high = "∞" if feature.max is None else f"{feature.max:,}"
        return join([f"{low} to {high}"])
    return tag("span", "any", class_="hr-muted")


def _watched(feature: Feature) -> Markup:
    parts = []
    for key, comparator in (("drift", feature.drift), ("skew", feature.skew)):
        if comparator is not None:
            parts.append(f"{key}: {_thresholds(comparator)}")
    return join(parts, "; ")


def _thresholds(comparator: Comparator) -> str:
    pairs = (("L∞", comparator.linf), ("Jensen-Shannon", comparator.jensen_shannon))
    return ", ".join(f"{name} ≤ {threshold:g}" for name, threshold in pairs if threshold is not None)


def _notes(feature: Feature) -> Markup:
    notes = [f"not in {', '.join(feature.not_in_environment)}"] * bool(feature.not_in_environment)
    notes += ["unique"] * feature.unique
    notes += ["NaN allowed"] * feature.allow_nan
    notes += ["infinities allowed"] * feature.allow_infinity
    notes += ["stripped"] * feature.strip
    notes += [f"missing: {', '.join(map(repr, feature.null_values))}"] * bool(feature.null_values)
    if feature.min_domain_mass != 1.0:
        notes.append(f"{percent(feature.min_domain_mass)} in the domain")
    return join(notes, "; ")
