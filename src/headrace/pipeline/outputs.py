"""Outputs: what a step will produce, while the pipeline is being wired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Never, TypeVar

from headrace.errors import WiringError
from headrace.pipeline.places import caller_place

if TYPE_CHECKING:
    from headrace.pipeline.artifact import Artifact

__all__ = ["Output", "output_parts"]

T = TypeVar("T")
_FIX = "Only a step can look at what another step produces: write a component that takes it"


class Output(Generic[T]):
    """A step's product that does not exist yet; it can be handed to other steps, and to nothing else.

    Any use as a value raises ``WiringError`` with the line of the use.
    """

    __slots__ = ("_name", "_step_id", "_type")

    def __init__(self, step_id: str, name: str, type_: type[Artifact] | None) -> None:
        self._step_id = step_id
        self._name = name
        self._type = type_

    def __repr__(self) -> str:
        kind = self._type.type_name if self._type is not None else "end"
        return f"<output {kind} of step {self._step_id!r}>"

    def __getattr__(self, name: str) -> Never:
        if name.startswith("__") and name.endswith("__"):
            # Tools such as copy, inspect and doctest ask for these and take no for an answer.
            raise AttributeError(name)
        _misused(self, f"its attribute {name!r} was read")


def _misused(output: Output[Any], how: str) -> Never:
    raise WiringError(
        "The output of a step is not a value while the pipeline is being wired",
        got=f"{output!r}, and {how}",
        where=caller_place(),
        fix=_FIX,
    )


def _refusing(how: str) -> Any:
    def refuse(self: Output[Any], *_: Any, **__: Any) -> Never:
        _misused(self, how)

    return refuse


_OPERATIONS = (
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod"),
    *("pow", "lshift", "rshift", "and", "or", "xor"),
)
_USES = {
    "taken as true or false": ("__bool__",),
    "iterated over": ("__iter__", "__next__", "__reversed__", "__aiter__"),
    "turned into text": ("__str__", "__format__"),
    "turned into a number": ("__int__", "__float__", "__complex__", "__index__", "__round__", "__bytes__"),
    "turned into a path": ("__fspath__",),
    "its length was taken": ("__len__",),
    "it was searched": ("__contains__",),
    "it was indexed": ("__getitem__", "__setitem__", "__delitem__"),
    "it was called": ("__call__",),
    "it was used in a with statement": ("__enter__", "__exit__"),
    "compared": ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
    "calculated with": (
        *(f"__{prefix}{operation}__" for operation in _OPERATIONS for prefix in ("", "r", "i")),
        *("__neg__", "__pos__", "__abs__", "__invert__"),
    ),
}
for _how, _names in _USES.items():
    for _name in _names:
        setattr(Output, _name, _refusing(_how if _how.startswith("it") else f"it was {_how}"))
Output.__hash__ = object.__hash__  # type: ignore[method-assign]


def output_parts(output: Output[Any]) -> tuple[str, str, type[Artifact] | None]:
    """Return the step's id, the output's name and its artifact type (None for a step without products)."""
    return output._step_id, output._name, output._type  # noqa: SLF001 - Output has no public attribute on purpose
