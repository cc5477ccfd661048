"""How counts and shares are said."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EXAMPLES", "counted", "listed", "near_miss", "percent", "plain_spelling", "rows_of", "times"]

EXAMPLES = 10
SHOWN = 5


def counted(count: int, noun: str) -> str:
    """Return, as ``1 row`` and ``2 rows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def rows_of(count: float, total: int) -> str:
    """Return, as ``3 of 4 rows (75%)``."""
    return f"{count:,} of {total:,} rows ({percent(count / total)})"


def times(count: float) -> str:
    """Return, as ``once`` and ``2 times``."""
    return "once" if count == 1 else f"{count:,} times"


def percent(share: float) -> str:
    """Return a share as a percentage; a little is told apart from nothing, and almost from all."""
    shown = f"{share:.1%}"
    if share > 0.0 and shown == "0.0%":
        return "under 0.1%"
    if share < 1.0 and shown == "100.0%":
        return "over 99.9%"
    return shown.replace(".0%", "%")


def listed(pairs: Sequence[tuple[str, float]], more: int = 0) -> str:
    """Return some values and how often they occur, as ``'a' (2 times), 'b' (once) and 3 more``.

    Parameters
    ----------
    pairs
        Values and counts, the most frequent first.
    more
        How many values there are that are not among the pairs.
    """
    shown = ", ".join(f"{value!r} ({times(count)})" for value, count in pairs[:SHOWN])
    rest = len(pairs) + more - min(len(pairs), SHOWN)
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def plain_spelling(text: str) -> str:
    """Return a text without what spellings differ in: case, space around, and punctuation at the ends."""
    return text.strip().strip(".,;:'\"").strip().casefold()


def near_miss(value: str, domain: Sequence[str]) -> str | None:
    """Return the value of the domain that differs in case, surrounding space or punctuation only."""
    plain = plain_spelling(value)
    return next((known for known in domain if plain_spelling(known) == plain), None)
