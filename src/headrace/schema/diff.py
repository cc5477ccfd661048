"""What changed between two schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.schema.feature import Feature
    from headrace.schema.schema import Schema

__all__ = ["Change", "Part", "diff"]

Part: TypeAlias = Literal["feature", "string_domain", "sparse_feature", "weighted_feature", "rule", "schema"]
_NAMED: tuple[tuple[Part, str], ...] = (
    ("sparse_feature", "sparse_features"),
    ("weighted_feature", "weighted_features"),
    ("rule", "rules"),
)
_NAMES = {"annotation": "tags"}
_WHOLE = ("default_environments", "dataset_constraints", "annotation", "tfx")


class Change(msgspec.Struct, frozen=True):
    """One difference.

    Parameters
    ----------
    feature
        The feature, with dots before the fields of structs; or the name of another part, ``"schema"`` for the whole.
    kind
        Whether it was added, removed or changed.
    key
        Which part of it changed; None where it was added or removed.
    old, new
        The values before and after; None where there was no feature or no value.
    part
        What ``feature`` names.
    """

    feature: str
    kind: Literal["added", "removed", "changed"]
    key: str | None = None
    old: Any = None
    new: Any = None
    part: Part = "feature"

    def __str__(self) -> str:
        name = self.feature if self.part in ("feature", "schema") else f"{self.part.replace('_', ' ')} {self.feature}"
        if self.key is None:
            return f"{name}: {self.kind}"
        if _is_list(self.old) and _is_list(self.new):
            more = [repr(value) for value in self.new if value not in self.old]
            less = [repr(value) for value in self.old if value not in self.new]
            parts = [f"+ {', '.join(more)}"] * bool(more) + [f"- {', '.join(less)}"] * bool(less)
            return f"{name}: {self.key} {' '.join(parts) or 'in another order'}"
        return f"{name}: {self.key} {_shown(self.old)} -> {_shown(self.new)}"


def diff(old: Schema, new: Schema) -> tuple[Change, ...]:
    """Return the differences.

    Features that were removed or changed come in the old order, fields of structs behind them, then the added ones in
    the new order; then domains, sparse and weighted features, rules, and what is said of the whole. The order of the
    features is no difference.
    """
    changes = _features(old.features, new.features, "")
    domains = ({name: {"values": values} for name, values in schema.string_domains.items()} for schema in (old, new))
    changes += _named("string_domain", *domains)
    for part, key in _NAMED:
        parts = ({one.name: msgspec.structs.asdict(one) for one in getattr(schema, key)} for schema in (old, new))
        changes += _named(part, *parts)
    for key in _WHOLE:
        was, now = _said(old, key), _said(new, key)
        if was != now:
            changes.append(Change("schema", "changed", _NAMES.get(key, key), was, now, "schema"))
    return tuple(changes)


def _features(old: Sequence[Feature], new: Sequence[Feature], path: str) -> list[Change]:
    changes: list[Change] = []
    after = {feature.name: feature for feature in new}
    for before in old:
        name = path + before.name
        now = after.pop(before.name, None)
        if now is None:
            changes.append(Change(name, "removed"))
            continue
        changes += [
            Change(name, "changed", _NAMES.get(key, key), _said(before, key), _said(now, key))
            for key in before.__struct_fields__
            if key != "features" and _said(before, key) != _said(now, key)
        ]
        changes += _features(before.features, now.features, f"{name}.")
    changes += [Change(path + name, "added") for name in after]
    return changes


def _said(part: Feature | Schema, key: str) -> Any:
    """Return a field; of an annotation, its tags."""
    value = getattr(part, key)
    return (value.tags or None if value is not None else None) if key == "annotation" else value


def _named(part: Part, old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> list[Change]:
    changes = []
    for name, before in old.items():
        if name not in new:
            changes.append(Change(name, "removed", part=part))
            continue
        changes += [
            Change(name, "changed", key, was, new[name][key], part)
            for key, was in before.items()
            if was != new[name][key]
        ]
    changes += [Change(name, "added", part=part) for name in new if name not in old]
    return changes


def _is_list(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value or "none"
    if isinstance(value, tuple):
        return str(list(msgspec.to_builtins(value)))
    return str(msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value)
