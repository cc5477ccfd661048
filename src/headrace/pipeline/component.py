"""Components: functions that become steps."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from headrace.pipeline.graph import current_builder
from headrace.pipeline.wiring import AFTER, STEP_NAME, Interface

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Component", "component"]

P = ParamSpec("P")
R = TypeVar("R")


class Component(Generic[P, R]):
    """A function that is a step inside a pipeline and a plain call outside of one.

    Made by ``component``. Its calls have the type of the function.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        version: str = "",
        cache: bool = True,
        explicit_name: str | None = None,
        ordered_after: tuple[Any, ...] = (),
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name or function.__name__
        self.version = version
        self.cache = cache
        self.explicit_name = explicit_name
        self.ordered_after = ordered_after
        self.interface = Interface(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, or add a step to the pipeline that is being wired."""
        builder = current_builder()
        if builder is not None:
            return cast("R", builder.add(self, args, dict(kwargs)))
        names = self.interface.signature.parameters
        given: dict[str, Any] = {k: v for k, v in kwargs.items() if k in names or k not in (AFTER, STEP_NAME)}
        return self.function(*args, **given)

    def with_options(self, *, name: str | None = None, after: Any = None, cache: bool | None = None) -> Component[P, R]:
        """Return the same component for one call with other options.

        Parameters
        ----------
        name
            The step's name in the pipeline.
        after
            An output, or several, of steps that must have succeeded before.
        cache
            Whether the step may be reused.
        """
        return Component(
            self.function,
            name=self.name,
            version=self.version,
            cache=self.cache if cache is None else cache,
            explicit_name=name or self.explicit_name,
            ordered_after=(*self.ordered_after, after),
        )

    def with_name(self, name: str) -> Component[P, R]:
        """Return the same component for a step of this name."""
        return self.with_options(name=name)

    def with_after(self, *after: Any) -> Component[P, R]:
        """Return the same component for a step that waits for the steps of these outputs."""
        return self.with_options(after=list(after))

    def __repr__(self) -> str:
        return f"<component {self.name}>"


@overload
def component(function: Callable[P, R], /) -> Component[P, R]: ...
@overload
def component(
    *, name: str | None = None, version: str = "", cache: bool = True
) -> Callable[[Callable[P, R]], Component[P, R]]: ...
def component(
    function: Callable[P, R] | None = None, /, *, name: str | None = None, version: str = "", cache: bool = True
) -> Component[P, R] | Callable[[Callable[P, R]], Component[P, R]]:
    """Make a component of a function.

    Parameters annotated with a subclass of ``Artifact`` (also ``X | None`` and ``Sequence[X]``) are inputs, all others
    are parameters; the return annotation is an artifact type, a tuple of them, a NamedTuple of them, or None. Inside a
    pipeline every component also takes ``after=`` (outputs of steps that must have succeeded before) and
    ``step_name=``; where a type checker should know ``after``, the function declares it, or ``with_after`` is used.

    Parameters
    ----------
    function
        A plain function.
    name
        Of the component; the function's name by default.
    version
        Changes the step key, so that old results are not reused.
    cache
        Whether results may be reused at all; False for functions that work on the world outside.

    Examples
    --------
    >>> from headrace.pipeline import Artifact, component
    >>> class Text(Artifact):
    ...     pass
    >>> @component
    ... def hello(name: str) -> Text:
    ...     text = Text.create()
    ...     (text.path / "hello.txt").write_text(f"Hello, {name}!")
    ...     return text
    >>> (hello("world").path / "hello.txt").read_text()
    'Hello, world!'
    """

    def make(function: Callable[P, R]) -> Component[P, R]:
        return Component(function, name=name, version=version, cache=cache)

    return make if function is None else make(function)
