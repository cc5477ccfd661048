"""Warnings that name the line of the user's code which asked for the data."""

from __future__ import annotations

import sys
import warnings

__all__ = ["HeaderWarning", "warn"]


class HeaderWarning(UserWarning):
    """The header of a CSV file looks like its first row."""


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line outside of headrace from which headrace was called."""
    level = 1
    while sys._getframe(level).f_globals.get("__name__", "").startswith("headrace."):  # noqa: SLF001 - no public way
        if sys._getframe(level).f_back is None:  # noqa: SLF001
            break
        level += 1
    warnings.warn(message, category, stacklevel=level + 1)
