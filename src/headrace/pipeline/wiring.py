"""The inputs, parameters and outputs of a component, from its annotations."""

from __future__ import annotations

import builtins
import collections.abc
import inspect
import types
import typing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from headrace.errors import WiringError
from headrace.pipeline.artifact import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AFTER", "STEP_NAME", "FileContent", "FilePath", "Interface", "Port", "resolve_annotation"]

AFTER = "after"
STEP_NAME = "step_name"


@dataclass(frozen=True)
class FileContent:
    """Marks a parameter whose value is a path and whose meaning is the content of the file."""


FilePath = Annotated[str | Path, FileContent()]
"""A path parameter that counts by what the file holds: the step runs again when the content changes."""


@dataclass(frozen=True)
class Unresolved:
    """An annotation that names something unknown when the program runs."""

    text: str


@dataclass(frozen=True)
class Port:
    """One parameter of a component's function.

    Parameters
    ----------
    name
        Of the parameter.
    kind
        ``input`` takes an artifact, ``inputs`` a sequence of them, ``order`` only says what must come before,
        ``value`` takes anything else.
    artifacts
        The types that an input may have.
    optional
        Whether an input may be None.
    annotation
        As resolved.
    """

    name: str
    kind: Literal["input", "inputs", "order", "value"]
    artifacts: tuple[type[Artifact], ...]
    optional: bool
    annotation: Any

    @property
    def by_file_content(self) -> bool:
        """Whether paths in the value are digested by the content of their files."""
        return _has_marker(self.annotation)


class Interface:
    """What a component's function takes and returns."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @cached_property
    def signature(self) -> inspect.Signature:
        """The function's signature."""
        return inspect.signature(self._function)

    @cached_property
    def ports(self) -> dict[str, Port]:
        """The parameters by name."""
        ports = {}
        for name, parameter in self.signature.parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise WiringError(
                    "A component names each of its parameters", got=f"{parameter} in {self.name}", where=self.place
                )
            annotation = resolve_annotation(parameter.annotation, self._function)
            if name == AFTER:
                ports[name] = Port(name, "order", (), optional=True, annotation=annotation)
            else:
                ports[name] = Port(name, *_input_kind(annotation), annotation)
        return ports

    @cached_property
    def outputs(self) -> tuple[tuple[str, type[Artifact]], ...]:
        """Names and types of what the function returns, in order."""
        kind = self._returned
        if kind is None:
            return ()
        if _is_artifact(kind):
            return ((kind.type_name, kind),)
        if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
            hints = {n: resolve_annotation(a, kind) for n, a in kind.__annotations__.items()}
            named = [(name, hints[name]) for name in kind._fields]
        else:
            kinds = typing.get_args(kind)
            names = [getattr(k, "type_name", str(k)) for k in kinds]
            named = [
                (name if names.count(name) == 1 else f"{name}_{index + 1}", k)
                for index, (name, k) in enumerate(zip(names, kinds, strict=True))
            ]
        for name, part in named:
            if not _is_artifact(part):
                self._refuse_return(f"{name}: {part!r}")
        return tuple(named)

    @cached_property
    def _returned(self) -> Any:
        annotation = resolve_annotation(self.signature.return_annotation, self._function)
        if annotation is None or annotation is type(None):
            return None
        if _is_artifact(annotation) or typing.get_origin(annotation) is tuple:
            return annotation
        if isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
            return annotation
        if isinstance(annotation, Unresolved):
            self._refuse_return(annotation.text, "Import it where the program can see it, not only for type checking")
        self._refuse_return("no annotation" if annotation is inspect.Signature.empty else annotation)
        return None

    def _refuse_return(self, got: Any, fix: str | None = None) -> None:
        raise WiringError(
            f"Component {self.name} must say what it returns: an artifact type, a tuple of them, or None",
            got=got if isinstance(got, str) else repr(got),
            where=self.place,
            fix=fix or "Annotate the return type, for example -> Statistics",
        )

    def package(self, values: list[Any]) -> Any:
        """Put one value per output into the shape that the function returns."""
        kind = self._returned
        if kind is None or _is_artifact(kind):
            return values[0]
        if isinstance(kind, type) and hasattr(kind, "_fields"):
            return kind(*values)
        return tuple(values)

    def unpack(self, returned: Any) -> list[Any]:
        """Return the products in a function's return value, one for each output."""
        if not self.outputs:
            return []
        if _is_artifact(self._returned):
            return [returned]
        return list(returned) if isinstance(returned, (tuple, list)) else [returned]

    @property
    def name(self) -> str:
        """The function's name."""
        return self._function.__name__

    @property
    def place(self) -> str | None:
        """File and line of the function."""
        code = getattr(inspect.unwrap(self._function), "__code__", None)
        return None if code is None else f"{code.co_filename}, line {code.co_firstlineno}"


def resolve_annotation(annotation: Any, owner: Any) -> Any:
    """Return the type behind an annotation that may be text, or ``Unresolved``."""
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if not isinstance(annotation, str):
        return annotation
    function = inspect.unwrap(owner) if callable(owner) else owner
    module = inspect.getmodule(function)
    # Names that authors import for type checking only; they cost nothing to know.
    names: dict[str, Any] = {**vars(builtins), **vars(typing), **vars(collections.abc), "Path": Path}
    names.update(getattr(function, "__globals__", None) or vars(module or builtins))
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is not None and cells:
        for name, cell in zip(code.co_freevars, cells, strict=True):
            try:
                names[name] = cell.cell_contents
            except ValueError:
                continue
    try:
        return eval(annotation, names)  # noqa: S307 - the user's own annotation, as typing.get_type_hints does
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is reported where it is used
        return Unresolved(annotation)


def _is_artifact(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Artifact)


def _input_kind(
    annotation: Any,
) -> tuple[Literal["input", "inputs", "value"], tuple[type[Artifact], ...], bool]:
    if typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    if _is_artifact(annotation):
        return "input", (annotation,), False
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        parts = [_input_kind(a) for a in arguments if a is not type(None)]
        kinds = {kind for kind, _, _ in parts}
        if len(kinds) == 1:
            return kinds.pop(), tuple(a for _, found, _ in parts for a in found), len(parts) < len(arguments)
    if origin in (tuple, list, collections.abc.Sequence, collections.abc.Iterable):
        inner = [_input_kind(a) for a in arguments if a is not Ellipsis]
        if inner and all(kind == "input" and not optional for kind, _, optional in inner):
            return "inputs", tuple(dict.fromkeys(a for _, found, _ in inner for a in found)), False
    return "value", (), False


def _has_marker(annotation: Any) -> bool:
    if typing.get_origin(annotation) is Annotated and any(
        isinstance(extra, FileContent) for extra in typing.get_args(annotation)[1:]
    ):
        return True
    return any(_has_marker(a) for a in typing.get_args(annotation) if not isinstance(a, FileContent))
