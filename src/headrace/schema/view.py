"""A schema as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headrace.viz import Cell, Column, Markup, badge, code, details, join, key_values, percent, table, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.schema.diff import Change
    from headrace.schema.domains import Comparator
    from headrace.schema.feature import Feature
    from headrace.schema.schema import Schema

__all__ = ["diff_view", "schema_view"]

_SHOWN = 8
_OPTIONAL = ("values in a row", "environments", "watched", "notes")
_DISTANCES = {
    "linf": "L∞",
    "jensen_shannon": "Jensen-Shannon",
    "normalized_abs_difference": "normalized difference",
    "psi": "PSI",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov",
    "wasserstein": "Wasserstein",
    "hellinger": "Hellinger",
}
_MEANINGS = {"url": "URLs", "mid": "machine ids", "email": "e-mail addresses", "time_of_day": "times of day"}


def schema_view(schema: Schema) -> Markup:
    """Return a fragment: one row a feature, fields of structs below them, then what is said of features together."""
    walked = list(schema.walk())
    rows: list[list[Any]] = []
    for steps, feature in walked:
        depth = len(steps) - 1
        name = join([tag("span", "\u2003" * depth + "└ ", class_="hr-muted"), feature.name]) if depth else feature.name
        rows.append(
            [
                Cell(name, ".".join(steps)),
                feature.type,
                _presence(feature),
                _lengths(feature),
                _domain(feature, schema),
                _environments(feature),
                _watched(feature),
                _notes(feature),
            ]
        )
    columns = [
        Column("feature", "markup"),
        Column("type"),
        Column("presence", "markup"),
        Column("values in a row", "markup", help="Lengths of lists, level by level"),
        Column("domain or range", "markup"),
        Column("environments", "markup", help="Where the column is absent, or the only ones where it is present"),
        Column("watched", "markup", help="Thresholds of drift and skew"),
        Column("notes", "markup"),
    ]
    # Columns that say nothing of any feature take no room.
    told = [
        place
        for place, column in enumerate(columns)
        if column.title not in _OPTIONAL or any(row[place] for row in rows)
    ]
    parts = [
        table(
            [columns[place] for place in told],
            [[row[place] for place in told] for row in rows],
            caption=f"Schema of {len(schema.features)} features",
            empty="a schema without features",
        )
    ]
    parts += _together(schema)
    return join(parts)


def diff_view(changes: Sequence[Change]) -> Markup:
    """Return a fragment: what changed between two schemas."""
    kinds = {"added": "good", "removed": "bad", "changed": "warn"}
    rows = [
        [
            change.feature,
            change.part.replace("_", " "),
            badge(change.kind, kinds[change.kind]),  # type: ignore[arg-type]
            str(change).partition(": ")[2] if change.key is not None else "",
        ]
        for change in changes
    ]
    columns = [Column("name"), Column("part"), Column("change", "markup"), Column("what")]
    if all(change.part == "feature" for change in changes):
        columns = [Column("feature"), *columns[2:]]
        rows = [[row[0], *row[2:]] for row in rows]
    return table(columns, rows, caption="Changes of the schema", empty="no change")


def _presence(feature: Feature) -> Markup:
    parts = []
    if not feature.is_validated and feature.lifecycle_stage is not None:
        parts.append(badge(feature.lifecycle_stage.lower().replace("_", " "), "muted", title="not validated"))
    elif feature.required:
        parts.append(badge("required", "info"))
    elif feature.min_fraction == 0.0 and not feature.min_count:
        parts.append(badge("optional", "muted"))
    if 0.0 < feature.min_fraction < 1.0:
        parts.append(badge(f"in {percent(feature.min_fraction)} of rows", "info"))
    if feature.min_count:
        parts.append(badge(f"in {feature.min_count:,} rows", "info"))
    return join(parts, " ")


def _lengths(feature: Feature) -> Markup:
    if feature.shape is not None:
        return join([" by ".join(map(str, feature.shape)) or "one"])
    return join([_bounds(counts.min, counts.max) for counts in feature.value_counts], ", each ")


def _bounds(low: float | None, high: float | None) -> str:
    if low == high and low is not None:
        return f"{low:,}"
    if high is None:
        return "any number" if not low else f"{low:,} or more"
    return f"up to {high:,}" if low is None else f"{low:,} to {high:,}"


def _domain(feature: Feature, schema: Schema) -> Markup:
    if feature.domain is not None:
        return join([code(feature.domain), ": ", _values(schema.string_domains[feature.domain])])
    if feature.values is not None:
        return _values(feature.values)
    if feature.min is not None or feature.max is not None:
        low = "-∞" if feature.min is None else f"{feature.min:,}"
        high = "∞" if feature.max is None else f"{feature.max:,}"
        return join([f"{low} to {high}"])
    if feature.features:
        return join([f"{len(feature.features)} fields" if len(feature.features) > 1 else "1 field"])
    meaning = _meaning(feature)
    return join([meaning]) if meaning else tag("span", "any", class_="hr-muted")


def _values(values: Sequence[str]) -> Markup:
    shown = ", ".join(values[:_SHOWN])
    if len(values) <= _SHOWN:
        return join([shown])
    return details(f"{shown} and {len(values) - _SHOWN} more", ", ".join(values[_SHOWN:]))


def _meaning(feature: Feature) -> str:
    truth, time, image = feature.bool_domain, feature.time_domain, feature.image_domain
    language = feature.natural_language_domain
    if truth is not None:
        pairs = (("true", truth.true_value or "1"), ("false", truth.false_value or "0"))
        return ", ".join(f"{word} is {text}" for word, text in pairs)
    if time is not None:
        form = time.string_format or (time.integer_format or "").replace("_", " ")
        return f"times as {form}" if form else "times"
    if image is not None:
        parts = ["images"]
        if image.minimum_supported_image_fraction is not None:
            parts.append(f"{percent(image.minimum_supported_image_fraction)} of a known kind")
        if image.max_image_byte_size is not None:
            parts.append(f"up to {image.max_image_byte_size:,} bytes")
        return ", ".join(parts)
    if language is not None:
        parts = ["text"]
        if language.vocabulary is not None:
            share = "" if language.min_coverage is None else f"{percent(language.min_coverage)} "
            parts.append(f"{share}in the words of {language.vocabulary}")
        return ", ".join(parts)
    if feature.semantic_domain is not None:
        return _MEANINGS[feature.semantic_domain]
    if feature.embedding_dim is not None:
        return f"embeddings of length {feature.embedding_dim}"
    return "categories" if feature.is_categorical else ""


def _environments(feature: Feature) -> Markup:
    parts = [f"not in {', '.join(feature.not_in_environment)}"] * bool(feature.not_in_environment)
    parts += [f"in {', '.join(feature.in_environment)}"] * bool(feature.in_environment)
    return join(parts, "; ")


def _watched(feature: Feature) -> Markup:
    parts = []
    for key, comparator in (("drift", feature.drift), ("skew", feature.skew)):
        if comparator is not None:
            parts.append(f"{key}: {_thresholds(comparator)}")
    return join(parts, "; ")


def _thresholds(comparator: Comparator) -> str:
    given = ((name, getattr(comparator, key)) for key, name in _DISTANCES.items())
    parts = [f"{name} ≤ {threshold:g}" for name, threshold in given if threshold is not None]
    if comparator.chi_squared is not None:
        parts.append(f"χ² p ≥ {comparator.chi_squared:g}")
    return ", ".join(parts)


def _notes(feature: Feature) -> Markup:
    notes: list[str] = []
    if feature.is_validated and feature.lifecycle_stage is not None:
        notes.append(feature.lifecycle_stage.lower().replace("_", " "))
    notes += ["unique"] * feature.unique
    if feature.unique_constraints is not None:
        limits = feature.unique_constraints
        notes.append(f"{_bounds(limits.min, limits.max)} distinct values")
    notes += ["NaN allowed"] * feature.allow_nan
    notes += ["infinities allowed"] * feature.allow_infinity
    notes += ["stripped"] * feature.strip
    notes += [f"missing: {', '.join(map(repr, feature.null_values))}"] * bool(feature.null_values)
    if feature.min_domain_mass != 1.0:
        notes.append(f"{percent(feature.min_domain_mass)} in the domain")
    notes += [f"derived from {', '.join(feature.derived_from)}"] * bool(feature.derived_from)
    if feature.annotation is not None:
        notes += [f"tagged {', '.join(feature.annotation.tags)}"] * bool(feature.annotation.tags)
        notes += feature.annotation.comments
    notes += ["more of TFX, not checked"] * bool(feature.tfx)
    return join(notes, "; ")


def _together(schema: Schema) -> list[Markup]:
    """Return what is said of features together, and of the whole."""
    parts = []
    if schema.rules:
        columns = [Column("rule"), Column("holds", "markup"), Column("for"), Column("severity"), Column("notes")]
        rows = [
            [
                rule.name,
                code(rule.sql),
                f"each of {', '.join(rule.features) or 'the features'}" if rule.over == "statistics" else "each row",
                rule.severity,
                "; ".join(
                    part
                    for part in (
                        rule.description,
                        f"{percent(rule.max_fraction)} of the rows may break it" if rule.max_fraction else "",
                        f"in {', '.join(rule.environments)}" if rule.environments else "",
                    )
                    if part
                ),
            ]
            for rule in schema.rules
        ]
        parts.append(table(columns, rows, caption="Rules"))
    if schema.string_domains:
        users: dict[str, list[str]] = {}
        for steps, feature in schema.walk():
            language = feature.natural_language_domain
            for domain in (feature.domain, None if language is None else language.vocabulary):
                if domain is not None:
                    users.setdefault(domain, []).append(".".join(steps))
        columns = [Column("domain"), Column("values", "markup"), Column("used by")]
        domains = [
            [name, _values(values), ", ".join(users.get(name, ()))] for name, values in schema.string_domains.items()
        ]
        parts.append(table(columns, domains, caption="Shared domains"))
    made = [
        [one.name, "sparse", f"{one.value_feature} at {', '.join(one.index_features)}", one.lifecycle_stage or ""]
        for one in schema.sparse_features
    ]
    made += [
        [one.name, "weighted", f"{one.feature} by {one.weight_feature}", one.lifecycle_stage or ""]
        for one in schema.weighted_features
    ]
    if made:
        columns = [Column("feature"), Column("kind"), Column("made of"), Column("stage")]
        parts.append(table(columns, made, caption="Sparse and weighted features"))
    facts = _facts(schema)
    return [*parts, key_values(facts)] if facts else parts


def _facts(schema: Schema) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if schema.default_environments:
        facts["Default environments"] = ", ".join(schema.default_environments)
    limits = schema.dataset_constraints
    if limits is not None:
        if limits.min_examples_count is not None or limits.max_examples_count is not None:
            facts["Rows"] = _bounds(limits.min_examples_count, limits.max_examples_count)
        for name, comparator in (("span", limits.num_examples_drift), ("version", limits.num_examples_version)):
            if comparator is not None:
                share = {
                    key: percent(threshold)
                    for key, threshold in msgspec.structs.asdict(comparator).items()
                    if threshold is not None
                }
                low, high = share.get("min_fraction_threshold"), share.get("max_fraction_threshold")
                text = f"{low or '0'} to {high}" if high is not None else f"at least {low or '0'}"
                facts[f"Rows against the previous {name}"] = text
    if schema.annotation is not None:
        if schema.annotation.tags:
            facts["Tags"] = ", ".join(schema.annotation.tags)
        if schema.annotation.comments:
            facts["Comments"] = "; ".join(schema.annotation.comments)
    if schema.tfx:
        facts["More of TFX, not checked"] = code(schema.tfx)
    return facts
