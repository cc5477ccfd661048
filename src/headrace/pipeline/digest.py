"""Digests of values, of parameters and of steps."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import hashlib
import operator
import re
import struct
import uuid
from pathlib import Path, PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from headrace._version import __version__
from headrace.errors import WiringError
from headrace.metadata import ExternalInput
from headrace.pipeline.code import CodeWalker
from headrace.pipeline.component import Component
from headrace.pipeline.loading import MODULE_PREFIX
from headrace.pipeline.outputs import Output
from headrace.pipeline.pipelines import Pipeline
from headrace.storage import tree_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.pipeline.graph import Step

__all__ = ["Recipe", "code_digest", "describe", "recipe_of", "step_key", "value_digest"]

ABSENT = "absent"


class _NoDigestError(Exception):
    """A value without a stable content."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a step does, without its inputs.

    Parameters
    ----------
    code_digest
        Of the component's function.
    parameters
        Digest of each parameter.
    external
        Files and other data from outside that the parameters name.
    """

    code_digest: str
    parameters: tuple[tuple[str, str], ...]
    external: tuple[ExternalInput, ...]

    @property
    def digest(self) -> str:
        """One digest for all of it."""
        return _combine("recipe", self.code_digest, *(part for pair in self.parameters for part in pair))


def recipe_of(step: Step, digest_file: Callable[[Path], str]) -> Recipe:
    """Digest a step's code and parameters.

    Raises
    ------
    WiringError
        For a parameter whose content cannot be told, with the line of the call.
    """
    component = step.component
    external: list[ExternalInput] = []
    parameters = []
    for name, value in step.parameters.items():

        def note(path: Path, name: str = name) -> str:
            digest = digest_file(path)
            external.append(ExternalInput(name, str(Path(path).absolute()), digest))
            return digest

        by_content = component.interface.ports[name].by_file_content
        try:
            parameters.append((name, _Encoder(note, paths_by_content=by_content).digest(value)))
        except _NoDigestError as error:
            raise WiringError(
                f"A parameter of a step has a content that can be compared between runs; {name!r} of "
                f"{component.name} has none",
                got=str(error),
                where=step.place,
                fix="Pass plain values, dataclasses, functions, or objects with get_params() or fingerprint()",
            ) from None
    code = _combine("code", component.name, component.version, code_digest(component.function))
    return Recipe(code, tuple(parameters), tuple(dict.fromkeys(external)))


def step_key(recipe: Recipe, inputs: Mapping[str, tuple[str, ...] | None]) -> str:
    """Return the key of a step: equal keys promise equal results.

    Parameters
    ----------
    recipe
        The step's code and parameters.
    inputs
        By parameter: the digests of the artifacts it takes.
    """
    parts = [__version__, recipe.digest]
    for name, digests in inputs.items():
        parts += [name, "none"] if digests is None else [name, str(len(digests)), *digests]
    return _combine("step", *parts)


def value_digest(value: Any, digest_file: Callable[[Path], str] | None = None) -> str:
    """Return the digest of a value by its content.

    Raises
    ------
    WiringError
        If it has no content that can be compared.
    """
    try:
        return _Encoder(digest_file or digest_path).digest(value)
    except _NoDigestError as error:
        raise WiringError("A value whose content can be compared between runs is wanted", got=str(error)) from None


def code_digest(function: Callable[..., Any]) -> str:
    """Return the digest of what a function does, with everything of the user's that it refers to."""
    return _Encoder(digest_path).digest(function)


def digest_path(path: Path) -> str:
    """Return the digest of a file's or folder's content; ``absent`` where there is none."""
    return tree_digest(path) if Path(path).exists() else ABSENT


def describe(value: Any) -> Any:
    """Return a value as JSON for people to read."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value if value == value else "nan"  # noqa: PLR0124 - NaN alone differs from itself
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((describe(item) for item in value), key=str)
    if isinstance(value, dict):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, (FunctionType, BuiltinFunctionType, MethodType, type, Component)):
        module = getattr(value, "__module__", None) or ""
        name = str(getattr(value, "__qualname__", value))
        return name if module.startswith(MODULE_PREFIX) or module in {"", "__main__"} else f"{module}.{name}"
    parameters = _parameters(value)
    if parameters is not None:
        return {"type": type(value).__qualname__, **{str(k): describe(v) for k, v in parameters.items()}}
    text = re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    return text if len(text) <= 500 else text[:499] + "…"


def _parameters(value: Any) -> dict[str, Any] | None:
    if isinstance(value, type):
        return None
    get_params = getattr(value, "get_params", None)
    if callable(get_params):
        try:
            return dict(get_params(deep=False))
        except TypeError:
            return dict(get_params())
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name, None) for name in value.__struct_fields__}
    return None


def _combine(*parts: str) -> str:
    total = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()


def _frame(tag: str, *parts: bytes) -> bytes:
    framed = [tag.encode() + b":" + str(len(parts)).encode() + b":"]
    framed += [str(len(part)).encode() + b":" + part for part in parts]
    return b"".join(framed)


class _Encoder:
    """Turns a value into bytes, so that equal contents give equal bytes in every process."""

    def __init__(self, digest_file: Callable[[Path], str], *, paths_by_content: bool = False) -> None:
        self._digest_file = digest_file
        self._paths_by_content = paths_by_content
        self._walker = CodeWalker(self._constant)
        self._stack: list[int] = []

    def digest(self, value: Any) -> str:
        encoded = self.encode(value)
        return _combine(hashlib.blake2b(encoded, digest_size=16).hexdigest(), self._walker.digest())

    def _constant(self, value: Any) -> bytes | None:
        by_content, self._paths_by_content = self._paths_by_content, False
        try:
            return self.encode(value)
        except (_NoDigestError, RecursionError):
            return None
        finally:
            self._paths_by_content = by_content

    def encode(self, value: Any) -> bytes:
        plain = self._plain(value)
        if plain is not None:
            return plain
        if id(value) in self._stack:
            return _frame("cycle", str(len(self._stack) - self._stack.index(id(value))).encode())
        self._stack.append(id(value))
        try:
            return self._compound(value)
        finally:
            self._stack.pop()

    def _plain(self, value: Any) -> bytes | None:
        kind = type(value)
        if value is None or value is Ellipsis or value is NotImplemented:
            return _frame("singleton", repr(value).encode())
        if kind is bool or kind is int:
            return _frame(kind.__name__, str(value).encode())
        if kind is float:
            return _frame("float", struct.pack("<d", value) if value == value else b"nan")  # noqa: PLR0124
        if kind is complex:
            return _frame("complex", struct.pack("<dd", value.real, value.imag))
        if kind is str:
            if self._paths_by_content:
                return _frame("file", self._digest_file(Path(value)).encode())
            return _frame("str", value.encode("utf-8", "surrogatepass"))
        if kind in (bytes, bytearray):
            return _frame("bytes", bytes(value))
        if isinstance(value, PurePath):
            if self._paths_by_content:
                return _frame("file", self._digest_file(Path(value)).encode())
            return _frame("path", value.as_posix().encode("utf-8", "surrogateescape"))
        if isinstance(value, enum.Enum):
            return _frame("enum", self._type(kind), value.name.encode())
        if isinstance(value, (dt.date, dt.time, dt.timedelta, decimal.Decimal, uuid.UUID)):
            return _frame("literal", kind.__name__.encode(), repr(value).encode())
        if isinstance(value, re.Pattern):
            return _frame("pattern", repr(value.pattern).encode(), str(value.flags).encode())
        if isinstance(value, (range, slice)):
            return _frame("literal", repr(value).encode())
        return None

    def _type(self, kind: type) -> bytes:
        return self._walker.add(kind).encode()

    def _compound(self, value: Any) -> bytes:
        if isinstance(value, Output):
            raise _NoDigestError(repr(value))
        kind = type(value)
        if kind in (list, tuple):
            return _frame(kind.__name__, *map(self.encode, value))
        if kind is dict:
            return _frame("dict", *(self.encode(x) for pair in value.items() for x in pair))
        if kind in (set, frozenset):
            return _frame("set", *sorted(map(self.encode, value)))
        code = self._code(value)
        if code is not None:
            return code
        fingerprint = getattr(value, "fingerprint", None)
        if callable(fingerprint):
            return _frame("fingerprint", self._type(kind), str(fingerprint(self._digest_file)).encode())
        parameters = _parameters(value)
        if parameters is not None:
            pairs = sorted(parameters.items(), key=lambda pair: str(pair[0]))
            return _frame("object", self._type(kind), *(self.encode(x) for pair in pairs for x in pair))
        array = self._array(value)
        if array is not None:
            return array
        return self._instance(value)

    def _code(self, value: Any) -> bytes | None:
        if isinstance(value, Component):
            return _frame("component", value.name.encode(), value.version.encode(), self.encode(value.function))
        if isinstance(value, Pipeline):
            return _frame("pipeline", self.encode(value.function))
        if isinstance(value, (FunctionType, type, ModuleType)):
            label = self._walker.add(value).encode()
            closure = getattr(value, "__closure__", None) or ()
            cells = [self._cell(cell) for cell in closure]
            return _frame("code", label, *cells)
        if isinstance(value, functools.partial):
            return _frame(
                "partial",
                self.encode(value.func),
                self.encode(value.args),
                self.encode(dict(sorted(value.keywords.items()))),
            )
        if isinstance(value, MethodType):
            return _frame("method", self.encode(value.__self__), self.encode(value.__func__))
        if isinstance(value, BuiltinFunctionType):
            owner = value.__self__
            held = b"" if owner is None or isinstance(owner, ModuleType) else self.encode(owner)
            return _frame("builtin", self._walker.add(value).encode(), held)
        wrapped = getattr(value, "__wrapped__", None)
        if isinstance(wrapped, FunctionType):
            return _frame("wrapped", self._type(type(value)), self.encode(wrapped))
        return None

    def _cell(self, cell: Any) -> bytes:
        try:
            content = cell.cell_contents
        except ValueError:
            return b"empty"
        encoded = self._constant(content)
        return encoded if encoded is not None else self._type(type(content))

    def _array(self, value: Any) -> bytes | None:
        # NumPy arrays and scalars, without importing NumPy.
        if hasattr(value, "__array_interface__") and hasattr(value, "tobytes") and not value.dtype.hasobject:
            return _frame("array", str(value.dtype).encode(), repr(value.shape).encode(), value.tobytes())
        return None

    def _instance(self, value: Any) -> bytes:
        kind = type(value)
        # Subclasses of plain types, such as OrderedDict, defaultdict or a named tuple.
        plain: tuple[Callable[[Any], Any], ...] = (str, int, float, bytes)
        for base in plain:
            if isinstance(value, base):  # type: ignore[arg-type]
                return _frame("sub", self._type(kind), self.encode(base(value)))
        if isinstance(value, dict):
            return _frame("sub", self._type(kind), self.encode(dict(value)))
        if isinstance(value, (list, tuple)):
            return _frame("sub", self._type(kind), self.encode(list(value)))
        if isinstance(value, (operator.itemgetter, operator.attrgetter, operator.methodcaller)):
            return _frame("operator", repr(value).encode())
        if isinstance(value, (staticmethod, classmethod)):
            return _frame("wrapper", self.encode(value.__func__))
        state = getattr(value, "__dict__", None)
        if state is None or kind.__module__ in ("builtins", "_thread", "_io", "logging", "threading", "socket"):
            raise _NoDigestError(f"{value!r} of type {kind.__module__}.{kind.__qualname__}")
        slots = {n: getattr(value, n) for c in kind.__mro__ for n in getattr(c, "__slots__", ()) if hasattr(value, n)}
        return _frame("instance", self._type(kind), self.encode({**dict(sorted(state.items())), **slots}))
