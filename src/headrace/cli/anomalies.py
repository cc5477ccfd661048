"""How commands tell of anomalies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.validation import Anomalies, Anomaly

__all__ = ["counted", "told"]


def told(anomalies: Iterable[Anomaly], *, splits: bool) -> list[str]:
    """Return lines that say what is wrong, with examples and a suggestion; with the split's name where wanted."""
    lines: list[str] = []
    for one in anomalies:
        lines.append(f"{one.severity}: {one if splits else one.message}")
        if one.examples:
            lines.append(f"  seen: {', '.join(one.examples[:5])}")
        if one.suggestion:
            lines.append(f"  fix: {one.suggestion}")
    return lines


def counted(anomalies: Anomalies) -> str:
    """Say how many there are."""
    counts = (len(anomalies.errors), "error"), (len(anomalies.warnings), "warning")
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts)
