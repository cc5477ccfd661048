"""Metrics that are a function of a state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.metrics.base import Direction, MetricSettings, MetricState, MetricValue, Task

__all__ = ["Derived"]

S = TypeVar("S", bound="MetricState")


@dataclass(frozen=True)
class Derived(Generic[S]):
    """A metric that is a function of a state, which it may share with others.

    Parameters
    ----------
    name, tasks, direction, needs
        As in `Metric`.
    function
        From the state to the value.
    """

    name: str
    tasks: tuple[Task, ...]
    direction: Direction
    needs: Callable[[MetricSettings], S]
    function: Callable[[S], MetricValue]

    def value(self, state: S) -> MetricValue:
        """Return the value."""
        return self.function(state)
