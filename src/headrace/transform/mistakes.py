"""Errors in a preprocessing function, told in terms of the user's own lines."""

from __future__ import annotations

import importlib.util
import linecache
import re
import sys
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError, TransformError

if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = ["defined_at", "explain", "user_frame"]

_FOREIGN_NAMESPACE = re.compile(r"\b(np|numpy|math|pd|pandas|scipy|pl|polars|tf|torch|statistics)\.\w+")


@cache
def _library_folders() -> tuple[str, ...]:
    folders = [str(Path(__file__).parent)]
    for name in ("ndonnx", "spox", "numpy", "onnx", "onnxruntime"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            folders.append(str(Path(spec.origin).parent))
    return tuple(folders)


def _is_users(file: str) -> bool:
    return not file.startswith(_library_folders()) and not file.startswith("<frozen")


def user_frame() -> str | None:
    """Return file and line of the innermost call that is not the library's own."""
    at: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way without formatting a whole traceback
    while at is not None:
        if _is_users(at.f_code.co_filename):
            return f"{at.f_code.co_filename}:{at.f_lineno}"
        at = at.f_back
    return None


def defined_at(function: Any) -> str | None:
    """Return file and line of the definition of a function."""
    code = getattr(function, "__code__", None)
    return None if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def _users_line(tb: TracebackType | None) -> tuple[str | None, str]:
    found: tuple[str | None, str] = (None, "")
    for frame in traceback.extract_tb(tb):
        if _is_users(frame.filename):
            line = linecache.getline(frame.filename, frame.lineno or 0).strip()
            found = (f"{frame.filename}:{frame.lineno}", line)
    return found


def explain(error: Exception) -> HeadraceError:
    """Turn what a preprocessing function raised into an error that names the user's line and the remedy."""
    where, line = _users_line(error.__traceback__)
    if isinstance(error, HeadraceError):
        if error.where is None:
            return type(error)(error.rule, got=error.got, where=where, fix=error.fix)
        return error
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    text = f"{type(error).__name__}: {error}"
    foreign = _FOREIGN_NAMESPACE.search(line)
    converted = {"__bool__", "__int__", "__float__", "__index__", "__complex__", "unwrap_numpy"}.intersection(names)
    if foreign is not None and (converted or isinstance(error, TypeError | ValueError)):
        return TransformError(
            "A column in a preprocessing function has no values yet, so that other libraries cannot work on it",
            got=foreign.group(0),
            where=where,
            fix="Use operators, tft functions or the Array API functions of ndonnx (import ndonnx as ndx; ndx.log(x))",
        )
    if "__bool__" in names:
        return TransformError(
            "A column in a preprocessing function has no truth value: "
            "`if`, `and`, `or`, `not` and `in` cannot look at it",
            got=line or text,
            where=where,
            fix="Choose row by row with ndonnx.where(condition, a, b), and combine conditions with &, | and ~",
        )
    if "__iter__" in names or "has no len()" in str(error):
        return TransformError(
            "A preprocessing function works on whole columns and cannot loop over rows",
            got=line or text,
            where=where,
            fix="Write what is done with one value as if the column were that value: x * 2, not [v * 2 for v in x]",
        )
    if converted:
        return TransformError(
            "A column in a preprocessing function has no values yet and cannot become a Python number",
            got=line or text,
            where=where,
            fix="Keep it as a column: operators, tft functions and ndonnx functions all take columns",
        )
    return TransformError("The preprocessing function failed", got=text, where=where)
