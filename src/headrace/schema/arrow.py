"""The types of Arrow that a schema's features have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from headrace.data import Cleaning, with_cleaning

if TYPE_CHECKING:
    from headrace.schema.feature import Feature
    from headrace.schema.schema import Schema

__all__ = ["ARROW_TYPES", "arrow_schema"]

ARROW_TYPES = {
    "INT": pa.int64(),
    "FLOAT": pa.float64(),
    "STRING": pa.string(),
    "BOOL": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
    "BYTES": pa.binary(),
}


def arrow_schema(schema: Schema) -> pa.Schema:
    """Return Arrow fields; see :meth:`Schema.arrow_schema`."""
    return pa.schema([_field(feature) for feature in schema.features])


def _field(feature: Feature) -> pa.Field:
    if feature.type == "STRUCT":
        kind = pa.struct([_field(field) for field in feature.features])
    else:
        kind = ARROW_TYPES[feature.type]
    levels = feature.list_levels
    for level in reversed(range(levels)):
        kind = pa.list_(kind) if feature.shape is None else pa.list_(kind, feature.shape[level])
    field = pa.field(feature.name, kind, nullable=not feature.required)
    if feature.strip or feature.null_values:
        field = with_cleaning(field, Cleaning(strip=feature.strip, null_values=feature.null_values))
    return field
