"""Pipelines: functions whose calls of components are wired into a graph."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from headrace.errors import HeadraceError, WiringError
from headrace.pipeline.graph import Graph, GraphBuilder, building, current_builder
from headrace.pipeline.parameters import bind_parameters
from headrace.pipeline.places import place_in_traceback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Pipeline", "pipeline"]

P = ParamSpec("P")
R = TypeVar("R")


class Pipeline(Generic[P, R]):
    """A function that wires components; made by ``pipeline``.

    Called inside another pipeline its steps become part of that one.
    """

    def __init__(self, function: Callable[P, R], *, name: str | None = None) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name or function.__name__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Wire the steps: into the pipeline that is being wired, or else just to check that it can be done."""
        if current_builder() is not None:
            return self.function(*args, **kwargs)
        bound = self.signature.bind(*args, **kwargs)
        returned, _ = self._wire(dict(bound.arguments))
        return returned

    @property
    def signature(self) -> inspect.Signature:
        """The function's signature; its parameters are the pipeline's."""
        return inspect.signature(self.function)

    def compile(self, parameters: Mapping[str, Any] | None = None) -> Graph:
        """Return the graph of steps for these parameters, which may be text as from the command line.

        Raises
        ------
        WiringError
            If the pipeline cannot work; it names file and line.
        UsageError
            For a parameter that is unknown or of the wrong type.
        """
        return self._wire(parameters or {})[1]

    def _wire(self, given: Mapping[str, Any]) -> tuple[R, Graph]:
        values = bind_parameters(self.name, self.function, self.signature, given)
        file = self.function.__code__.co_filename
        with building(GraphBuilder(self.name, values)) as builder:
            try:
                returned = self.function(**values)  # type: ignore[call-arg]
            except HeadraceError:
                raise
            except Exception as error:
                raise WiringError(
                    f"The body of pipeline {self.name} must run through",
                    got=f"{type(error).__name__}: {error}",
                    where=place_in_traceback(error.__traceback__, file),
                ) from error
        if not builder.graph.steps:
            raise WiringError(
                "A pipeline has at least one step",
                got=f"{self.name} without any",
                where=f"{file}, line {self.function.__code__.co_firstlineno}",
                fix="Call components in its body",
            )
        return returned, builder.graph

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...
@overload
def pipeline(*, name: str | None = None) -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...
def pipeline(
    function: Callable[P, R] | None = None, /, *, name: str | None = None
) -> Pipeline[P, R] | Callable[[Callable[P, R]], Pipeline[P, R]]:
    """Make a pipeline of a function whose body calls components.

    Parameters
    ----------
    function
        Its parameters, all with defaults or given at the start of a run, are the pipeline's.
    name
        Of the pipeline; the function's name by default.
    """

    def make(function: Callable[P, R]) -> Pipeline[P, R]:
        return Pipeline(function, name=name)

    return make if function is None else make(function)
