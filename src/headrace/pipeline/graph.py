"""The graph of a pipeline, and building it from the calls of components."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Never

from headrace.errors import WiringError, did_you_mean
from headrace.pipeline.outputs import Output, output_parts
from headrace.pipeline.places import caller_place
from headrace.pipeline.wiring import AFTER, STEP_NAME, Port, Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.pipeline.component import Component

__all__ = ["Graph", "GraphBuilder", "InputRef", "Step", "building", "current_builder"]


@dataclass(frozen=True)
class InputRef:
    """Which output of which step an input takes."""

    step_id: str
    output: str


@dataclass(frozen=True)
class Step:
    """One call of a component.

    Parameters
    ----------
    id
        Unique in the pipeline.
    component
        What is called.
    inputs
        By parameter: the outputs it takes, None where an optional one is not given.
    many
        Parameters that take a sequence of artifacts.
    parameters
        All other arguments, defaults included.
    after
        Steps that must have succeeded before, though this one takes nothing from them.
    place
        File and line of the call.
    """

    id: str
    component: Component[Any, Any]
    inputs: Mapping[str, tuple[InputRef, ...] | None]
    many: frozenset[str]
    parameters: Mapping[str, Any]
    after: tuple[str, ...]
    place: str

    @property
    def upstream(self) -> tuple[str, ...]:
        """Ids of all steps that must have succeeded before."""
        taken = [ref.step_id for refs in self.inputs.values() if refs is not None for ref in refs]
        return tuple(dict.fromkeys((*taken, *self.after)))

    @property
    def refs(self) -> Iterator[tuple[str, InputRef]]:
        """Parameter and reference of each artifact that the step takes, in order."""
        return ((name, ref) for name, refs in self.inputs.items() if refs is not None for ref in refs)


@dataclass
class Graph:
    """The steps of a pipeline, each after those that it depends on.

    Parameters
    ----------
    name
        Of the pipeline.
    parameters
        The pipeline's parameters as used.
    steps
        By id.
    """

    name: str
    parameters: dict[str, Any]
    steps: dict[str, Step] = field(default_factory=dict)

    def ancestors(self, step_id: str) -> list[str]:
        """Return ids of all steps that a step builds on, in the order of the pipeline."""
        found: set[str] = set()
        pending = list(self.steps[step_id].upstream)
        while pending:
            current = pending.pop()
            if current not in found:
                found.add(current)
                pending.extend(self.steps[current].upstream)
        return [i for i in self.steps if i in found]


class GraphBuilder:
    """Turns calls of components into steps."""

    def __init__(self, name: str, parameters: dict[str, Any]) -> None:
        self.graph = Graph(name, parameters)
        self._explicit: dict[str, str] = {}

    def add(self, component: Component[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Add a step and return its outputs.

        Raises
        ------
        WiringError
            If the call cannot work; it names the line of the call.
        """
        place = caller_place()
        interface = component.interface
        ports = interface.ports
        after = list(component.ordered_after)
        name = component.explicit_name
        if AFTER not in ports:
            after.append(kwargs.pop(AFTER, None))
        if STEP_NAME not in ports:
            name = kwargs.pop(STEP_NAME, name)
        arguments = self._bind(component, args, kwargs, place)
        inputs: dict[str, tuple[InputRef, ...] | None] = {}
        many = set()
        parameters: dict[str, Any] = {}
        for port in ports.values():
            value = arguments[port.name]
            if port.kind == "order":
                after.append(value)
            elif port.kind == "value":
                self._check_value(component, port, value, place)
                parameters[port.name] = value
            elif port.kind == "inputs" and not (value is None and port.optional):
                many.add(port.name)
                if isinstance(value, Output) or not isinstance(value, (list, tuple)):
                    self._wrong_input(component, port, value, place)
                inputs[port.name] = tuple(self._ref(component, port, item, place) for item in value)
            elif value is None and port.optional:
                inputs[port.name] = None
            else:
                inputs[port.name] = (self._ref(component, port, value, place),)
        step_id = self._step_id(component.name, name, place)
        outputs = [Output[Any](step_id, output, kind) for output, kind in interface.outputs]
        step = Step(
            step_id, component, inputs, frozenset(many), parameters, self._order(component, after, place), place
        )
        self.graph.steps[step_id] = step
        return interface.package(outputs or [Output[Any](step_id, "", None)])

    def _bind(
        self, component: Component[Any, Any], args: tuple[Any, ...], kwargs: dict[str, Any], place: str
    ) -> dict[str, Any]:
        signature = component.interface.signature
        known = list(signature.parameters)
        unknown = [name for name in kwargs if name not in known]
        if unknown:
            raise WiringError(
                f"{component.name} takes the parameters {', '.join(known)}",
                got=unknown[0],
                where=place,
                fix=did_you_mean(unknown[0], [*known, AFTER, STEP_NAME]),
            )
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise WiringError(
                f"{component.name} is called as {component.name}{signature}", got=str(error), where=place
            ) from error
        bound.apply_defaults()
        return dict(bound.arguments)

    def _ref(self, component: Component[Any, Any], port: Port, value: Any, place: str) -> InputRef:
        if not isinstance(value, Output):
            self._wrong_input(component, port, value, place)
        step_id, name, kind = output_parts(value)
        if kind is None or not issubclass(kind, port.artifacts):
            self._wrong_input(component, port, value, place)
        if step_id not in self.graph.steps:
            raise WiringError("A step takes outputs of steps of the same pipeline", got=repr(value), where=place)
        return InputRef(step_id, name)

    def _wrong_input(self, component: Component[Any, Any], port: Port, value: Any, place: str) -> Never:
        wanted = " or ".join(kind.type_name for kind in port.artifacts)
        shape = f"a list of {wanted}" if port.kind == "inputs" else wanted
        fix = None
        if isinstance(value, (tuple, list)) and any(isinstance(v, Output) for v in value):
            fix = "A step with several outputs returns a tuple: a, b = step(…)"
        elif isinstance(value, Output) and port.kind == "inputs":
            fix = "Put it in a list"
        raise WiringError(f"{component.name} takes {shape} as {port.name!r}", got=_shown(value), where=place, fix=fix)

    def _check_value(self, component: Component[Any, Any], port: Port, value: Any, place: str) -> None:
        if not _holds_output(value):
            return
        fix = "Annotate the parameter with the artifact type if it is meant to take the output of a step"
        if isinstance(port.annotation, Unresolved):
            fix = (
                f"The annotation {port.annotation.text!r} is unknown when the program runs: import it outside of "
                "'if TYPE_CHECKING'"
            )
        raise WiringError(
            f"{component.name} takes a value as {port.name!r}, not the output of a step",
            got=_shown(value),
            where=place,
            fix=fix,
        )

    def _order(self, component: Component[Any, Any], given: list[Any], place: str) -> tuple[str, ...]:
        found: list[str] = []
        pending = list(given)
        while pending:
            value = pending.pop(0)
            if value is None:
                continue
            if isinstance(value, (list, tuple)):
                pending[:0] = value
                continue
            if not isinstance(value, Output) or output_parts(value)[0] not in self.graph.steps:
                raise WiringError(
                    f"'after' of {component.name} takes outputs of earlier steps", got=_shown(value), where=place
                )
            found.append(output_parts(value)[0])
        return tuple(dict.fromkeys(found))

    def _step_id(self, component: str, explicit: str | None, place: str) -> str:
        if explicit is not None:
            if not isinstance(explicit, str) or not explicit.replace("_", "").replace("-", "").isalnum():
                raise WiringError("A step's name has letters, digits, - and _ only", got=_shown(explicit), where=place)
            if explicit in self.graph.steps:
                raise WiringError(
                    "A step's name is given once in a pipeline",
                    got=explicit,
                    where=place,
                    fix=f"The other one is at {self.graph.steps[explicit].place}",
                )
            return explicit
        number, name = 1, component
        while name in self.graph.steps:
            number += 1
            name = f"{component}_{number}"
        return name


def _holds_output(value: Any) -> bool:
    if isinstance(value, Output):
        return True
    if isinstance(value, dict):
        return any(_holds_output(v) for v in value.values())
    return isinstance(value, (list, tuple)) and any(_holds_output(v) for v in value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"


_builder: ContextVar[GraphBuilder | None] = ContextVar("headrace_builder", default=None)


def current_builder() -> GraphBuilder | None:
    """Return the builder of the pipeline that is being wired, or None."""
    return _builder.get()


class building:  # noqa: N801 - used as a verb: with building(builder)
    """Make a builder the current one for a block."""

    def __init__(self, builder: GraphBuilder) -> None:
        self._builder = builder

    def __enter__(self) -> GraphBuilder:
        self._token = _builder.set(self._builder)
        return self._builder

    def __exit__(self, *_: object) -> None:
        _builder.reset(self._token)
