"""A schema as JSON Schema, for those who send rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.schema.feature import Feature
    from headrace.schema.schema import Schema

__all__ = ["json_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: dict[str, dict[str, Any]] = {
    "INT": {"type": "integer"},
    "FLOAT": {"type": "number"},
    "STRING": {"type": "string"},
    "BOOL": {"type": "boolean"},
    "TIMESTAMP": {"type": "string", "format": "date-time"},
    "BYTES": {"type": "string", "contentEncoding": "base64"},
    "STRUCT": {"type": "object"},
}
_FORMATS = {"url": "uri", "email": "email", "time_of_day": "time"}


def json_schema(schema: Schema) -> dict[str, Any]:
    """Return JSON Schema of one row; see :meth:`Schema.to_json_schema`."""
    found = {"$schema": _DIALECT, **_fields(schema.features, schema)}
    if schema.annotation is not None and schema.annotation.comments:
        found["$comment"] = "\n".join(schema.annotation.comments)
    return found


def _fields(features: tuple[Feature, ...], schema: Schema) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "object",
        "properties": {feature.name: _property(feature, schema) for feature in features},
    }
    required = [feature.name for feature in features if feature.required and feature.is_validated]
    return found | {"required": required} if required else found


def _property(feature: Feature, schema: Schema) -> dict[str, Any]:
    notes: dict[str, Any] = {}
    if feature.annotation is not None and feature.annotation.comments:
        notes["description"] = "\n".join(feature.annotation.comments)
    if feature.lifecycle_stage == "DEPRECATED":
        notes["deprecated"] = True
    if not feature.is_validated:
        return notes
    found = _value(feature, schema)
    for level in reversed(range(feature.list_levels)):
        found = {"type": "array", "items": found} | _size(feature, level)
    if not feature.required:
        # A row without the value may say null.
        found = {**found, "type": [found["type"], "null"]}
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    return found | notes


def _value(feature: Feature, schema: Schema) -> dict[str, Any]:
    if feature.type == "STRUCT":
        return _fields(feature.features, schema) if feature.features else {"type": "object"}
    found = dict(_TYPES[feature.type])
    values = feature.values if feature.domain is None else schema.string_domains[feature.domain]
    if values is not None and feature.min_domain_mass == 1.0:
        found["enum"] = list(values)
    if feature.bool_domain is not None and feature.type == "STRING":
        domain = (feature.bool_domain.true_value, feature.bool_domain.false_value)
        found["enum"] = [text for text in domain if text is not None]
    bounds = (("minimum", feature.min), ("maximum", feature.max))
    found |= {key: bound for key, bound in bounds if bound is not None and not math.isinf(bound)}
    if feature.type == "STRING" and feature.semantic_domain in _FORMATS:
        found["format"] = _FORMATS[feature.semantic_domain]
    return found


def _size(feature: Feature, level: int) -> dict[str, int]:
    if feature.shape is not None:
        return {"minItems": feature.shape[level], "maxItems": feature.shape[level]}
    counts = feature.value_counts[level]
    sizes = (("minItems", counts.min), ("maxItems", counts.max))
    return {key: size for key, size in sizes if size is not None}
