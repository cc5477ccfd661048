"""Places in users' files, for messages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["caller_place", "place_in_traceback"]

_OURS = str(Path(__file__).resolve().parent)
_HEADRACE = str(Path(__file__).resolve().parents[1])


def caller_place() -> str:
    """Return ``file, line n`` of the nearest caller outside this package."""
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller's line
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}"


def place_in_traceback(traceback: TracebackType | None, file: str | None = None) -> str | None:
    """Return ``file, line n`` of the innermost frame in ``file``, or else in any code that is not headrace's."""
    found = fallback = None
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        here = f"{name}, line {traceback.tb_lineno}"
        if file is not None and name == file:
            found = here
        elif not name.startswith(_HEADRACE) and not name.startswith("<frozen") and "importlib" not in name:
            fallback = here
        traceback = traceback.tb_next
    return found or fallback
