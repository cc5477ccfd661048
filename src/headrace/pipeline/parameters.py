"""Parameters of a pipeline: from text to the annotated type."""

from __future__ import annotations

import collections.abc
import enum
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from headrace.errors import UsageError, WiringError, did_you_mean
from headrace.pipeline.wiring import Unresolved, resolve_annotation

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Mapping

__all__ = ["bind_parameters", "convert", "plain_parameters"]

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_LISTS = (list, tuple, collections.abc.Sequence, collections.abc.Iterable, set, frozenset)


def bind_parameters(
    name: str, function: Callable[..., Any], signature: inspect.Signature, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all parameters of a pipeline: those given, converted, and the defaults of the rest.

    Raises
    ------
    UsageError
        For an unknown parameter, a value of the wrong type, or a missing one.
    """
    for key in given:
        if key not in signature.parameters:
            raise UsageError(
                f"Pipeline {name} takes parameters that it names", got=key, fix=did_you_mean(key, signature.parameters)
            )
    bound = {}
    for key, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise WiringError("A pipeline names each of its parameters", got=str(parameter), where=name)
        annotation = resolve_annotation(parameter.annotation, function)
        if annotation is parameter.empty and parameter.default not in (parameter.empty, None):
            annotation = type(parameter.default)
        if key in given:
            bound[key] = convert(given[key], annotation, where=f"parameter {key!r} of pipeline {name}")
        elif parameter.default is parameter.empty:
            raise UsageError(
                f"Pipeline {name} needs a value for every parameter without a default",
                got=f"none for {key!r}",
                fix=f"Give one with --set {key}=…, or a default in the function",
            )
        else:
            bound[key] = parameter.default
    return bound


def convert(value: Any, annotation: Any, *, where: str) -> Any:
    """Turn text, or JSON values, into a value of the annotated type.

    Raises
    ------
    UsageError
        If that is not possible.
    """
    try:
        return _convert(value, annotation)
    except (ValueError, TypeError) as error:
        wanted = getattr(annotation, "__name__", None) if not typing.get_args(annotation) else None
        raise UsageError(
            f"A value of type {wanted or str(annotation).replace('typing.', '')} is wanted", got=value, where=where
        ) from error


def _convert(value: Any, kind: Any) -> Any:
    import inspect

    if kind is Any or kind is inspect.Parameter.empty or isinstance(kind, Unresolved):
        return value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _convert(value, arguments[0])
    if origin in (Union, types.UnionType):
        return _convert_union(value, arguments)
    if origin is Literal:
        for choice in arguments:
            if value == choice or (isinstance(value, str) and value == str(choice)):
                return choice
        raise ValueError(value)
    if origin in _LISTS or kind in _LISTS:
        return _convert_list(value, origin or kind, arguments)
    if origin in (dict, collections.abc.Mapping) or kind is dict:
        import json

        value = json.loads(value) if isinstance(value, str) else value
        kinds = arguments or (Any, Any)
        return {_convert(k, kinds[0]): _convert(v, kinds[1]) for k, v in dict(value).items()}
    return _convert_plain(value, kind)


def _convert_plain(value: Any, kind: Any) -> Any:
    if kind is None or kind is type(None):
        if value is None or value in ("", "none", "None", "null"):
            return None
        raise ValueError(value)
    if kind is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
            return value.lower() in _TRUE
        raise ValueError(value)
    if kind in (int, float):
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise TypeError(value)
        if kind is int and isinstance(value, float) and not value.is_integer():
            raise ValueError(value)
        return kind(value)
    if kind is str or kind is Path:
        if not isinstance(value, (str, Path)):
            raise TypeError(value)
        return kind(value)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        if isinstance(value, kind):
            return value
        return kind[value] if value in kind.__members__ else kind(value)
    if isinstance(kind, type) and not isinstance(value, kind):
        raise TypeError(value)
    return value


def _convert_union(value: Any, kinds: tuple[Any, ...]) -> Any:
    # Text fits str always, so the narrower types have the first say.
    ordered = sorted(kinds, key=lambda kind: (kind is str or kind is Path, kind is not type(None)))
    for kind in ordered:
        if isinstance(kind, type) and type(value) is kind and kind is not str:
            return value
    for kind in ordered:
        try:
            return _convert(value, kind)
        except (ValueError, TypeError):
            continue
    raise ValueError(value)


def _convert_list(value: Any, origin: Any, kinds: tuple[Any, ...]) -> Any:
    if isinstance(value, str):
        text = value.strip()
        for left, right in ("()", "[]"):
            if text.startswith(left) and text.endswith(right):
                text = text[1:-1]
        value = [part.strip().strip("'\"") for part in text.split(",") if part.strip()]
    items = list(value)
    if origin is tuple and kinds and kinds[-1] is not Ellipsis:
        if len(items) != len(kinds):
            raise ValueError(value)
        return tuple(_convert(item, kind) for item, kind in zip(items, kinds, strict=True))
    kind = kinds[0] if kinds else Any
    converted = [_convert(item, kind) for item in items]
    if origin in (set, frozenset):
        return origin(converted)
    return converted if origin is list else tuple(converted)


def plain_parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON values, in which form every step receives them.

    Raises
    ------
    UsageError
        For a value that JSON cannot hold.
    """
    return {key: _plain(key, value) for key, value in given.items()}


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.name
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(key, item) for item in value]
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {k: _plain(key, v) for k, v in value.items()}
    raise UsageError(
        "Parameters of a pipeline are text, numbers, booleans, paths, and lists or dictionaries of them, "
        "since every step receives them in its own process",
        got=value,
        where=f"parameter {key!r}",
    )
