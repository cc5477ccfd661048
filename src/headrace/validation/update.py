"""Relaxing a schema until it allows new data, without losing what people curated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headrace.schema import Feature, Schema, UniqueConstraints, ValueCountRange
from headrace.validation.infer import Node, Options, feature_of, lengths_of, nodes_of, share_down, type_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.statistics import Statistics

__all__ = ["suggest_environments", "update_schema"]

_WHITESPACE = " \t\n\v\f\r"
# What an INT feature may say and a FLOAT feature may not.
_WHOLE_ONLY: dict[str, Any] = {"is_categorical": False, "unique": False, "time_domain": None, "semantic_domain": None}


def update_schema(
    schema: Schema, statistics: Statistics, *, max_string_domain: int = 100, infer_feature_shape: bool = True
) -> Schema:
    """Return the schema as it would allow the data.

    New columns and fields are taken in as :func:`infer_schema` would have them. What the schema says is relaxed as
    far as the data asks for and no further: presence, values, ranges, lengths, uniqueness, and whole numbers that are
    no longer whole. Everything else stays as people wrote it, and so do columns that are absent from the data or not
    validated, and columns whose type is another kind of thing now, which is for people to decide.

    Parameters
    ----------
    schema
        The schema.
    statistics
        Of one data set, or several that the schema is to allow.
    max_string_domain
        The most distinct strings that make a domain of a new column.
    infer_feature_shape
        Whether lists of one length in a new column get a shape.
    """
    options = Options(max_string_domain=max_string_domain, infer_feature_shape=infer_feature_shape)
    domains = dict(schema.string_domains)
    features = _updated(schema.features, nodes_of(statistics), options, domains, nested=False)
    limits = schema.dataset_constraints
    rows = [dataset.num_examples for dataset in statistics.datasets if dataset.slice_key is None]
    if limits is not None and rows:
        bounds = {"min_examples_count": min, "max_examples_count": max}
        limits = msgspec.structs.replace(
            limits,
            **{
                key: widest(getattr(limits, key), *rows)
                for key, widest in bounds.items()
                if getattr(limits, key) is not None
            },
        )
    changed: Schema = msgspec.structs.replace(
        schema, features=features, string_domains=domains, dataset_constraints=limits
    )
    return changed


def suggest_environments(schema: Schema, **environments: Statistics) -> Schema:
    """Return the schema in which columns that an environment has no values of are said to be absent there.

    As ``suggest_environments(schema, training=train, serving=requests)``: the label is ``not_in_environment:
    [serving]``.

    Parameters
    ----------
    schema
        The schema.
    environments
        Statistics of the data of each environment. A column that none of them has stays as it is.
    """
    there = {
        name: {
            node.name: any(column.common_stats.num_non_missing for column in node.columns)
            for node in nodes_of(statistics)
        }
        for name, statistics in environments.items()
    }
    features = []
    for feature in schema.features:
        seen = [name for name, columns in there.items() if columns.get(feature.name)]
        absent = [
            name for name in there if seen and name not in seen and feature.is_in(name, schema.default_environments)
        ]
        if absent:
            feature = msgspec.structs.replace(  # noqa: PLW2901
                feature,
                not_in_environment=(*feature.not_in_environment, *absent),
                in_environment=tuple(name for name in feature.in_environment if name not in absent),
            )
        features.append(feature)
    changed: Schema = msgspec.structs.replace(schema, features=tuple(features))
    return changed


def _updated(
    features: Iterable[Feature],
    nodes: Iterable[Node],
    options: Options,
    domains: dict[str, tuple[str, ...]],
    *,
    nested: bool,
) -> tuple[Feature, ...]:
    seen = {node.name: node for node in nodes}
    found = []
    for feature in features:
        node = seen.pop(feature.name, None)
        if node is None or not node.columns or not feature.is_validated:
            found.append(feature)
        else:
            found.append(_relaxed(feature, node, options, domains))
    found += [feature_of(node, options, nested=nested) for node in seen.values()]
    return tuple(found)


def _relaxed(feature: Feature, node: Node, options: Options, domains: dict[str, tuple[str, ...]]) -> Feature:
    kinds = {column.type for column in node.telling}
    if not any(column.common_stats.num_non_missing for column in node.columns):
        # Without a single value the column says nothing but that.
        kind = feature.type
    elif kinds <= {"INT", "FLOAT"} and feature.type in ("INT", "FLOAT"):
        kind = "FLOAT" if feature.type == "FLOAT" else type_of(node)
    elif kinds == {feature.type}:
        kind = feature.type
    else:
        return feature
    change: dict[str, Any] = {"type": kind} | _presence(feature, node) | _lengths(feature, node)
    if kind in ("INT", "FLOAT"):
        change |= _range(feature, node)
    elif kind == "STRING":
        change |= _values(feature, node, domains)
    elif kind == "STRUCT":
        change["features"] = _updated(feature.features, node.fields.values(), options, domains, nested=True)
    change |= _uniqueness(feature, node)
    if kind != feature.type:
        change |= _WHOLE_ONLY
        change["drift"], change["skew"] = (_for_numbers(feature, key) for key in ("drift", "skew"))
    relaxed: Feature = msgspec.structs.replace(feature, **change)
    return relaxed


def _for_numbers(feature: Feature, key: str) -> Any:
    """Return a comparator without the distance that is for categories."""
    comparator = getattr(feature, key)
    if comparator is None or comparator.linf is None or feature.bool_domain is not None:
        return comparator
    rest = {name: getattr(comparator, name) for name in comparator.__struct_fields__ if name != "linf"}
    return type(comparator)(**rest) if any(threshold is not None for threshold in rest.values()) else None


def _presence(feature: Feature, node: Node) -> dict[str, Any]:
    share = node.share
    change: dict[str, Any] = {}
    if share < feature.min_fraction:
        change["min_fraction"] = share_down(share)
    counts = [column.common_stats.num_non_missing for column in node.columns]
    least = min(counts) if len(counts) == node.sets else 0
    if least < feature.min_count:
        change["min_count"] = least
    if feature.group_required and share < 1.0:
        change["group_required"] = False
    return change


def _lengths(feature: Feature, node: Node) -> dict[str, Any]:
    levels = lengths_of(node)
    if feature.shape is not None:
        sizes = feature.shape if levels else ()
        if len(sizes) == len(levels) and all(
            low == high == size and not gaps for (low, high, gaps), size in zip(levels, sizes, strict=True)
        ):
            return {}
        if not levels and feature.shape in ((), (1,)):
            return {}
        loose = tuple(ValueCountRange(min=1 if low > 0 else None) for low, _, _ in levels)
        return {"shape": None, "value_counts": loose}
    if not feature.value_counts or not levels:
        return {}
    if len(levels) != len(feature.value_counts):
        return {"value_counts": tuple(ValueCountRange(min=1 if low > 0 else None) for low, _, _ in levels)}
    widened = tuple(
        ValueCountRange(
            None if counts.min is None else min(counts.min, low), None if counts.max is None else max(counts.max, high)
        )
        for counts, (low, high, _) in zip(feature.value_counts, levels, strict=True)
    )
    return {"value_counts": widened}


def _range(feature: Feature, node: Node) -> dict[str, Any]:
    numbers = [column.num_stats for column in node.columns if column.num_stats is not None]
    change: dict[str, Any] = {}
    for key, widest in (("min", min), ("max", max)):
        bound = getattr(feature, key)
        seen = [getattr(stats, key) for stats in numbers if getattr(stats, key) is not None]
        if bound is not None and seen:
            change[key] = widest(bound, *seen)
    if any(stats.num_nan for stats in numbers):
        change["allow_nan"] = True
    if any(stats.num_infinite for stats in numbers):
        change["allow_infinity"] = True
    return change


def _values(feature: Feature, node: Node, domains: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    values = feature.values if feature.domain is None else domains[feature.domain]
    if values is None:
        return {}
    known = set(values) | set(feature.null_values)
    new: set[str] = set()
    masses = []
    complete = True
    for column in node.columns:
        if column.string_stats is None:
            continue
        complete = complete and column.string_stats.complete
        counts: dict[str, float] = {}
        for entry in column.string_stats.top_values:
            text = entry.value.strip(_WHITESPACE) if feature.strip else entry.value
            counts[text] = counts.get(text, 0) + entry.frequency
        new |= counts.keys() - known
        inside = sum(count for text, count in counts.items() if text in known)
        total = column.common_stats.num_values
        masses.append(min(1.0, inside / total) if total else 1.0)
    mass = min(masses, default=1.0)
    if mass >= feature.min_domain_mass:
        return {}
    if not complete:
        # Not all values are known, so the domain stays and less of the data has to lie in it.
        return {"min_domain_mass": share_down(mass)}
    if feature.domain is None:
        return {"values": (*values, *sorted(new))}
    domains[feature.domain] = (*values, *sorted(new))
    return {}


def _uniqueness(feature: Feature, node: Node) -> dict[str, Any]:
    change: dict[str, Any] = {}
    distinct = []
    for column in node.columns:
        stats = column.num_stats or column.string_stats or column.bytes_stats
        if stats is None or not stats.unique_exact:
            continue
        distinct.append(stats.unique)
        if feature.unique and stats.unique < column.common_stats.num_values:
            change["unique"] = False
    limits = feature.unique_constraints
    if limits is not None and distinct:
        change["unique_constraints"] = UniqueConstraints(
            None if limits.min is None else min(limits.min, *distinct),
            None if limits.max is None else max(limits.max, *distinct),
        )
    return change
