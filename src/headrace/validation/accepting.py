"""Schemas that allow what was found: suggested changes are joined, and reach into the fields of structs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headrace.schema import DatasetConstraints, Feature, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.validation.anomalies import Anomaly

__all__ = ["accepted", "feature_at"]

_UNIONS = ("values", "not_in_environment", "null_values", "in_environment")
_NUMBERS = ("INT", "FLOAT")


def accepted(anomaly: Anomaly, original: Schema, schema: Schema) -> Schema:
    """Return ``schema`` with the suggested change of an anomaly that was found with ``original``."""
    steps = anomaly.steps
    if anomaly.suggested_constraints is not None:
        whole = _joined(original.dataset_constraints, schema.dataset_constraints, anomaly.suggested_constraints)
        return msgspec.structs.replace(schema, dataset_constraints=whole)
    if anomaly.suggested_values:
        feature = feature_at(original, steps)
        assert feature is not None
        assert feature.domain is not None
        known = schema.string_domains.get(feature.domain, ())
        more = (*known, *(value for value in anomaly.suggested_values if value not in known))
        return msgspec.structs.replace(schema, string_domains={**schema.string_domains, feature.domain: more})
    if anomaly.suggested is None:
        return msgspec.structs.replace(schema, features=_without(schema.features, steps))
    # The last step may be renamed by nobody: the name of the suggested feature is that of the path.
    steps = (*steps[:-1], anomaly.suggested.name)
    joined = _joined_feature(feature_at(original, steps), feature_at(schema, steps), anomaly.suggested)
    return msgspec.structs.replace(schema, features=_with(schema.features, steps, joined))


def feature_at(schema: Schema, steps: Sequence[str]) -> Feature | None:
    """Return the feature at the end of a path; None where there is none."""
    found: Feature | None = None
    features = schema.features
    for step in steps:
        found = next((feature for feature in features if feature.name == step), None)
        if found is None:
            return None
        features = found.features
    return found


def _with(features: tuple[Feature, ...], steps: Sequence[str], new: Feature) -> tuple[Feature, ...]:
    names = [feature.name for feature in features]
    if len(steps) == 1:
        if steps[0] not in names:
            return (*features, new)
        return tuple(new if feature.name == steps[0] else feature for feature in features)
    return tuple(
        msgspec.structs.replace(feature, features=_with(feature.features, steps[1:], new))
        if feature.name == steps[0]
        else feature
        for feature in features
    )


def _without(features: tuple[Feature, ...], steps: Sequence[str]) -> tuple[Feature, ...]:
    if len(steps) == 1:
        return tuple(feature for feature in features if feature.name != steps[0])
    return tuple(
        msgspec.structs.replace(feature, features=_without(feature.features, steps[1:]))
        if feature.name == steps[0]
        else feature
        for feature in features
    )


def _joined_feature(old: Feature | None, now: Feature | None, new: Feature) -> Feature:
    """Carry the difference of ``old`` and ``new`` over to ``now``."""
    if now is None or (now.type != new.type and (old is None or old.type != new.type)):
        return new
    values: dict[str, Any] = {key: getattr(now, key) for key in now.__struct_fields__}
    for key, value in values.items():
        wanted = getattr(new, key)
        if old is None or wanted != getattr(old, key):
            values[key] = _wider(key, value, wanted)
            if old is not None and key in _UNIONS and value is not None and wanted is not None:
                gone = set(getattr(old, key) or ()).difference(wanted)
                values[key] = tuple(one for one in values[key] if one not in gone)
    if values["type"] not in _NUMBERS:
        values["min"] = values["max"] = None
    return Feature(**values)


def _joined(
    old: DatasetConstraints | None, now: DatasetConstraints | None, new: DatasetConstraints
) -> DatasetConstraints:
    if now is None or old is None:
        return new
    values = {key: getattr(now, key) for key in now.__struct_fields__}
    for key, value in values.items():
        if getattr(new, key) != getattr(old, key):
            values[key] = _wider(key, value, getattr(new, key))
    return DatasetConstraints(**values)


def _wider(key: str, now: Any, new: Any) -> Any:
    """Return what allows all that ``now`` or ``new`` allow; None is no bound."""
    if now is None or new is None:
        return new
    if key in _UNIONS:
        return (*now, *(value for value in new if value not in now))
    if key == "value_counts":
        return (*(_wider("", a, b) for a, b in zip(now, new, strict=False)), *new[len(now) :])
    if isinstance(new, msgspec.Struct) and type(now) is type(new):
        # In a comparator every threshold is a largest distance, but for the p-value.
        comparing = key in ("drift", "skew")
        names = new.__struct_fields__
        keys = ["min" if name == "chi_squared" else "max" for name in names] if comparing else names
        pairs = [(getattr(now, name), getattr(new, name)) for name in names]
        parts = [
            (b if a is None else a) if comparing and None in (a, b) else _wider(k, a, b)
            for k, (a, b) in zip(keys, pairs, strict=True)
        ]
        return type(new)(*parts)
    if key.startswith("min"):
        return min(now, new)
    if key.startswith("max"):
        return max(now, new)
    return new
