"""How commands tell of anomalies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.validation import Anomalies, Anomaly

__all__ = ["counted", "told"]


_SHOWN = 5


def told(anomalies: Iterable[Anomaly], *, splits: bool) -> list[str]:
    """Return lines that say what is wrong, with examples, rows and a suggestion; with the split's name where wanted."""
    lines: list[str] = []
    for one in anomalies:
        lines.append(f"{one.severity}: {one if splits else one.message}")
        if not all(_says(one.message, example) for example in one.examples[:_SHOWN]):
            lines.append(f"  seen: {', '.join(one.examples[:_SHOWN])}")
        if one.row_numbers:
            more = ", …" if len(one.row_numbers) > _SHOWN or (one.rows or 0) > _SHOWN else ""
            lines.append(f"  rows, from 0: {', '.join(map(str, one.row_numbers[:_SHOWN]))}{more}")
        if one.suggestion:
            lines.append(f"  fix: {one.suggestion}")
    return lines


def _says(message: str, value: str) -> bool:
    """Return whether a message has a value as a word of its own."""
    return re.search(rf"(?<![\w.]){re.escape(value)}(?!\w|\.\d)", message) is not None


def counted(anomalies: Anomalies) -> str:
    """Say how many there are."""
    counts = (len(anomalies.errors), "error"), (len(anomalies.warnings), "warning")
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts)
