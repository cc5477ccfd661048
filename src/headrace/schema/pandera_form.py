"""A schema as a ``DataFrameSchema`` of Pandera; needs Pandera (extra ``pandera``).

Types are checks rather than dtypes: a whole number is one in any integer dtype, and in a float column with gaps too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from headrace.errors import import_extra

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.schema.feature import Feature
    from headrace.schema.schema import Schema

__all__ = ["pandera_schema"]

_ZONES = "PYARROW_IGNORE_TIMEZONE"
_NAMES = {
    "INT": "whole numbers",
    "FLOAT": "numbers",
    "STRING": "texts",
    "BOOL": "truth values",
    "TIMESTAMP": "moments",
    "BYTES": "bytes",
    "STRUCT": "mappings",
}
# What pandas calls the values of a column.
_KINDS = {
    "STRING": ("string", "empty"),
    "BOOL": ("boolean", "empty"),
    "TIMESTAMP": ("datetime64", "datetime", "date", "empty"),
    "BYTES": ("bytes", "empty"),
}


def pandera_schema(schema: Schema) -> Any:
    """Return the ``DataFrameSchema``; see :meth:`Schema.to_pandera`."""
    pandera = _pandera()
    columns = {feature.name: _column(feature, schema, pandera) for feature in schema.features}
    return pandera.DataFrameSchema(columns)


def _pandera() -> Any:
    before = os.environ.get(_ZONES)
    try:
        return import_extra("pandera.pandas", "pandera")
    finally:
        # Pandera sets this for Spark's sake, and Arrow would then drop the zones of all moments in the process.
        if before is None:
            os.environ.pop(_ZONES, None)


def _column(feature: Feature, schema: Schema, pandera: Any) -> Any:
    described = "\n".join(feature.annotation.comments) if feature.annotation is not None else ""
    if not feature.is_validated:
        return pandera.Column(nullable=True, required=False, description=described or None)
    checks = [pandera.Check(check, name=name, error=name) for name, check in _values(feature, schema).items()]
    checks += [
        pandera.Check(check, name=name, error=name, ignore_na=False) for name, check in _presence(feature).items()
    ]
    return pandera.Column(
        checks=checks,
        nullable=not feature.required,
        # Of an optional column there may be nothing at all.
        required=feature.required or feature.min_fraction > 0.0 or feature.min_count > 0,
        description=described or None,
    )


def _presence(feature: Feature) -> dict[str, Callable[[Any], Any]]:
    """Return checks that see missing values too, by what they demand."""
    checks: dict[str, Callable[[Any], Any]] = {}
    if 0.0 < feature.min_fraction < 1.0:
        checks[f"a value in at least {feature.min_fraction:g} of the rows"] = lambda column: (
            not len(column) or column.notna().mean() >= feature.min_fraction
        )
    if feature.min_count:
        checks[f"a value in at least {feature.min_count} rows"] = lambda column: (
            column.notna().sum() >= feature.min_count
        )
    return checks


def _values(feature: Feature, schema: Schema) -> dict[str, Callable[[Any], Any]]:
    """Return checks of the values that are there, by what they demand."""
    if feature.list_levels:
        return {"lists": lambda column: column.map(_is_list)} | _sizes(feature)
    checks: dict[str, Callable[[Any], Any]] = {_NAMES[feature.type]: lambda column: _has_type(column, feature.type)}
    values = feature.values if feature.domain is None else schema.string_domains[feature.domain]
    if feature.bool_domain is not None and feature.type == "STRING":
        domain = (feature.bool_domain.true_value, feature.bool_domain.false_value)
        values = tuple(text for text in domain if text is not None)
    if values is not None and feature.min_domain_mass == 1.0:
        checks["values of the domain"] = lambda column: column.isin(values)
    elif values is not None:
        checks[f"at least {feature.min_domain_mass:g} of the values in the domain"] = lambda column: (
            not len(column) or column.isin(values).mean() >= feature.min_domain_mass
        )
    if feature.min is not None:
        checks[f"at least {feature.min}"] = lambda column: column >= feature.min
    if feature.max is not None:
        checks[f"at most {feature.max}"] = lambda column: column <= feature.max
    if feature.type == "FLOAT" and not feature.allow_infinity:
        checks["finite"] = lambda column: column.abs() != float("inf")
    if feature.unique:
        checks["each value once"] = lambda column: ~column.duplicated()
    if feature.unique_constraints is not None:
        low, high = feature.unique_constraints.min, feature.unique_constraints.max
        checks[f"{low or 0} to {'any number of' if high is None else high} distinct values"] = lambda column: (
            (low or 0) <= column.nunique() and (high is None or column.nunique() <= high)
        )
    return checks


def _sizes(feature: Feature) -> dict[str, Callable[[Any], Any]]:
    """Return the checks of the lengths of the outer lists."""
    if feature.shape is not None:
        low = high = feature.shape[0]
    else:
        low, high = feature.value_counts[0].min or 0, feature.value_counts[0].max  # type: ignore[assignment]
    shown = "any number of" if high is None else high
    return {
        f"{low} to {shown} values in a list": lambda column: column.map(
            lambda items: _is_list(items) and low <= len(items) and (high is None or len(items) <= high)
        )
    }


def _is_list(items: Any) -> bool:
    return hasattr(items, "__len__") and not isinstance(items, str | bytes | dict)


def _has_type(column: Any, kind: str) -> Any:
    from pandas.api import types

    if isinstance(column.dtype, import_extra("pandas", "pandera").CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if kind == "INT":
        numbers = types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
        return types.is_integer_dtype(column) or (numbers and column % 1 == 0)
    if kind == "FLOAT":
        return types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
    if kind == "STRUCT":
        return column.map(lambda value: isinstance(value, dict))
    return types.infer_dtype(column, skipna=True) in _KINDS[kind]
