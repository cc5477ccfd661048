"""What changed between two schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from headrace.schema.schema import Schema

__all__ = ["Change", "diff"]


class Change(msgspec.Struct, frozen=True):
    """One difference.

    Parameters
    ----------
    feature
        The feature.
    kind
        Whether the feature was added, removed or changed.
    key
        Which part of it changed; None where it was added or removed.
    old, new
        The values before and after; None where there was no feature or no value.
    """

    feature: str
    kind: Literal["added", "removed", "changed"]
    key: str | None = None
    old: Any = None
    new: Any = None

    def __str__(self) -> str:
        if self.key is None:
            return f"{self.feature}: {self.kind}"
        if self.key in ("values", "null_values", "not_in_environment") and None not in (self.old, self.new):
            more = [repr(value) for value in self.new if value not in self.old]
            less = [repr(value) for value in self.old if value not in self.new]
            parts = [f"+ {', '.join(more)}"] * bool(more) + [f"- {', '.join(less)}"] * bool(less)
            return f"{self.feature}: {self.key} {' '.join(parts) or 'in another order'}"
        return f"{self.feature}: {self.key} {_shown(self.old)} -> {_shown(self.new)}"


def diff(old: Schema, new: Schema) -> tuple[Change, ...]:
    """Return the differences: removed and changed features in the old order, then the added ones in the new order."""
    changes: list[Change] = []
    for before in old.features:
        if before.name not in new:
            changes.append(Change(before.name, "removed"))
            continue
        after = new[before.name]
        for key in before.__struct_fields__:
            was, now = getattr(before, key), getattr(after, key)
            if was != now:
                changes.append(Change(before.name, "changed", key, was, now))
    changes.extend(Change(after.name, "added") for after in new.features if after.name not in old)
    return tuple(changes)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, msgspec.Struct):
        return str(msgspec.to_builtins(value))
    return str(value)
