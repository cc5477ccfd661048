"""What values a parameter may take in a search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from headrace.errors import UsageError

__all__ = ["Choice", "Domain", "Integer", "Uniform", "choice", "integer", "uniform"]


@dataclass(frozen=True)
class Choice:
    """One of some values: None, truth values, numbers, words, or tuples of them."""

    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise UsageError("A choice has at least one option", got="none")
        for option in self.options:
            _check_plain(option)


@dataclass(frozen=True)
class Uniform:
    """A number between two bounds; spread evenly over the magnitudes where ``log``."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Integer:
    """A whole number between two bounds, both included."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        for bound in (self.low, self.high):
            if isinstance(bound, bool) or not isinstance(bound, int):
                raise UsageError("The bounds of an integer are whole numbers", got=bound, fix="Use uniform for others")
        _check_bounds(self.low, self.high, log=self.log)


Domain = Choice | Uniform | Integer


def choice(*options: Any) -> Choice:
    """Let a parameter be one of some values.

    >>> choice((64, 32), (128, 64))
    Choice(options=((64, 32), (128, 64)))
    """
    return Choice(options)


def uniform(low: float, high: float, *, log: bool = False) -> Uniform:
    """Let a parameter be a number between ``low`` and ``high``."""
    return Uniform(low, high, log)


def integer(low: int, high: int, *, log: bool = False) -> Integer:
    """Let a parameter be a whole number from ``low`` to ``high``, both included."""
    return Integer(low, high, log)


def _check_bounds(low: float, high: float, *, log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise UsageError("The lower bound is finite and not above the upper one", got=f"{low} and {high}")
    if log and low <= 0:
        raise UsageError("The bounds of a logarithmic domain are positive", got=f"{low} and {high}")


def _check_plain(option: Any) -> None:
    if isinstance(option, tuple | list):
        for part in option:
            _check_plain(part)
    elif option is not None and not isinstance(option, bool | int | float | str):
        raise UsageError(
            "An option is None, a truth value, a number, a word, or a tuple of them", got=type(option).__name__
        )
