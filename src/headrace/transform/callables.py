"""Functions of users, compared by what they do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UserFunction"]


class UserFunction:
    """A function or class that a preprocessing function was given, or made anew in each of its passes.

    Two are equal where they have the same code and the same surroundings; classes, where they have the same name.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *values: Any) -> Any:
        """Call it."""
        return self.function(*values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UserFunction) and _identity(self.function) == _identity(other.function)

    def __hash__(self) -> int:
        return hash(_identity(self.function))


def _identity(function: Any) -> tuple[Any, ...]:
    if isinstance(function, partial):
        return (*_identity(function.func), repr(function.args), repr(function.keywords))
    if isinstance(function, type):
        return (function.__module__, function.__qualname__)
    code = getattr(function, "__code__", None)
    if code is None:
        return (function,)
    cells = tuple(repr(cell.cell_contents) for cell in function.__closure__ or ())
    return (code, repr(function.__defaults__), cells)
