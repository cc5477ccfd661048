"""Errors in a preprocessing function, told in terms of the user's own lines."""

from __future__ import annotations

import importlib.util
import linecache
import re
import sys
import sysconfig
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError, TransformError

if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = ["defined_at", "explain", "user_frame"]

_FOREIGN_NAMESPACE = re.compile(r"\b(np|numpy|math|pd|pandas|scipy|pl|polars|tf|torch|statistics|re|datetime)\.\w+")
_NO_ATTRIBUTE = re.compile(r"'Array' object has no attribute '(\w+)'")
# What columns of other libraries, and texts, have.
_INSTEAD = {
    "apply": "operators, tft functions and ndonnx functions, which take whole columns",
    "clip": "ndonnx.clip(x, low, high), or tft.clip_outliers(x)",
    "contains": "tft.contains(x, text)",
    "cut": "tft.apply_buckets(x, boundaries)",
    "dt": "tft.date_part(x, 'year')",
    "endswith": "tft.ends_with(x, text)",
    "fillna": "tft.fill_missing(x, value), or tft.impute(x)",
    "isin": "tft.isin(x, values)",
    "isna": "tft.is_missing(x)",
    "isnull": "tft.is_missing(x)",
    "join": "tft.join(x, separator), or tft.concat(x, y)",
    "log": "ndonnx.log(x)",
    "lower": "tft.lower(x)",
    "map": "tft.apply_vocabulary(x, words), and tft.embedding_lookup(ids, table) for the numbers of the words",
    "max": "tft.max(x)",
    "mean": "tft.mean(x)",
    "median": "tft.quantiles(x, 2)[0]",
    "min": "tft.min(x)",
    "notna": "~tft.is_missing(x)",
    "quantile": "tft.quantiles(x, num_buckets)",
    "replace": "tft.replace(x, old, new)",
    "split": "tft.split(x, separator)",
    "startswith": "tft.starts_with(x, text)",
    "std": "tft.var(x) ** 0.5",
    "str": "tft.lower(x), tft.split(x), tft.contains(x, text) and the other mappers of texts",
    "strip": "tft.strip(x)",
    "sum": "tft.sum(x) over all rows, tft.list_sum(x) over a list",
    "upper": "tft.upper(x)",
    "var": "tft.var(x)",
    "where": "ndonnx.where(condition, a, b)",
    "year": "tft.date_part(x, 'year')",
}


@cache
def _library_folders() -> tuple[str, ...]:
    folders = [str(Path(__file__).parent)]
    for name in ("ndonnx", "spox", "numpy", "onnx", "onnxruntime"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            folders.append(str(Path(spec.origin).parent))
    return tuple(folders)


@cache
def _is_users(file: str) -> bool:
    standard = sysconfig.get_path("stdlib")
    if file.startswith(standard) and "site-packages" not in file:
        return False
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
    absent = _NO_ATTRIBUTE.search(str(error)) if isinstance(error, AttributeError) else None
    if absent is not None:
        return TransformError(
            "A column in a preprocessing function is an array of the Array API, without the methods of other libraries",
            got=f".{absent.group(1)}",
            where=where,
            fix=f"Write {_INSTEAD.get(absent.group(1), 'it with operators, tft functions or ndonnx functions')}",
        )
    if "unhashable type: 'Array'" in str(error):
        return TransformError(
            "A column in a preprocessing function has no values yet, so that no dictionary or set can look them up",
            got=line or text,
            where=where,
            fix="Look texts up with tft.apply_vocabulary(x, words), and their numbers with tft.embedding_lookup",
        )
    if isinstance(error, TypeError) and "unsupported operand" in str(error):
        return TransformError(
            "Columns of these types cannot be combined so",
            got=text,
            where=where,
            fix="Texts become numbers with tft.parse_number(x), numbers become texts with x.astype(ndonnx.utf8)",
        )
    if converted:
        return TransformError(
            "A column in a preprocessing function has no values yet and cannot become a Python number",
            got=line or text,
            where=where,
            fix="Keep it as a column: operators, tft functions and ndonnx functions all take columns",
        )
    return TransformError("The preprocessing function failed", got=text, where=where)
