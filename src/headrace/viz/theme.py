"""The look of every page and fragment: one style sheet and one small script."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["script", "style"]


@cache
def style() -> str:
    """Return the style sheet; every rule stands under a class that starts with ``hr``."""
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")


@cache
def script() -> str:
    """Return the script: sorting, the light and dark switch, the marked place in the table of contents."""
    return Path(__file__).with_name("script.js").read_text(encoding="utf-8")
