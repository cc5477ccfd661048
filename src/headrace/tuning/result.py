"""What a search found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from headrace.errors import UsageError
from headrace.storage import file_in, read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Direction", "SearchResult", "Trial"]

Direction = Literal["maximize", "minimize"]
FILE = "tuning.json"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One set of parameters, tried.

    Parameters
    ----------
    number
        From 0.
    state
        ``complete``, or ``failed`` where the objective raised an error or gave no finite number.
    value
        What the objective returned; None for a failed trial.
    seconds
        How long it took.
    error
        Why it failed.
    """

    number: int
    params: dict[str, Any]
    state: Literal["complete", "failed"]
    value: float | None
    seconds: float
    error: str | None = None


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """A search.

    Parameters
    ----------
    best_params, best_value
        Of the best trial; the earlier one where two are equal.
    direction
        What best means.
    trials
        All of them, in order.
    """

    best_params: dict[str, Any]
    best_value: float
    direction: Direction
    trials: tuple[Trial, ...]

    @property
    def best_trial(self) -> Trial:
        """The trial that did best."""
        return best_of(self.trials, self.direction)

    def save(self, path: str | Path) -> None:
        """Write JSON, into ``tuning.json`` where ``path`` is a folder."""
        write_json(file_in(path, FILE), self)

    @classmethod
    def load(cls, path: str | Path) -> SearchResult:
        """Read what ``save`` wrote.

        Raises
        ------
        UsageError
            If there is no such file, or it does not hold a search.
        """
        return read_json(cls, file_in(path, FILE), rule="The file holds the result of a search", error=UsageError)

    def _repr_html_(self) -> str:
        from headrace.tuning.view import view
        from headrace.viz import embed

        return embed(view(self))


def best_of(trials: tuple[Trial, ...], direction: Direction) -> Trial:
    """Return the best complete trial; there must be one."""
    sign = 1.0 if direction == "minimize" else -1.0
    return min((trial for trial in trials if trial.value is not None), key=lambda trial: sign * (trial.value or 0.0))
