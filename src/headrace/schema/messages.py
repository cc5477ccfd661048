"""Differences of protocol buffer messages, and of plain values: what one says that another does not."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from headrace.errors import import_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "TextError",
    "apply",
    "check_texts",
    "leaves",
    "merge_patch",
    "parse_text",
    "patched",
    "plain_lists",
    "residue",
    "text_of",
]


class TextError(ValueError):
    """A text is none of the message; ``line``, counted from 1, is 0 where it is not known."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.line = line


def parse_text(text: str, message: Any) -> None:
    """Read the text form into an empty message.

    Raises
    ------
    TextError
        If it is no such text.
    """
    text_format = import_extra("google.protobuf.text_format", "tfx")
    try:
        with warnings.catch_warnings():
            # Protocol buffers have no other escapes than those they know; the library takes them, and warns.
            warnings.filterwarnings("error", ".*invalid (octal )?escape sequence", DeprecationWarning)
            text_format.Parse(text, message)
    except text_format.ParseError as error:
        raise TextError(str(error).partition(" : ")[2] or str(error), error.GetLine() or 0) from error
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError, DeprecationWarning) as error:
        raise TextError(f"{type(error).__name__}: {error}") from error


def text_of(message: Any, *, one_line: bool = False) -> str:
    """Return the text form.

    Messages of any type stay bytes: readers that do not know the type could not read them otherwise.
    """
    text_format = import_extra("google.protobuf.text_format", "tfx")
    pools = import_extra("google.protobuf.descriptor_pool", "tfx")
    text: str = text_format.MessageToString(
        message, as_utf8=True, as_one_line=one_line, descriptor_pool=pools.DescriptorPool()
    )
    return text


def check_texts(message: Any) -> None:
    """Check that texts are texts: a binary message may have any bytes in their place.

    Raises
    ------
    TextError
        If one is not UTF-8.
    """
    try:
        fields = message.ListFields()
        for field, value in fields:
            items = [*value, *value.values()] if _is_map(value) else value if _is_repeated(value) else [value]
            for item in items:
                if _is_message(item):
                    check_texts(item)
                elif isinstance(item, bytes) and field.type != field.TYPE_BYTES:
                    raise TextError(f"{field.name} is not UTF-8: {item[:40]!r}")
    except UnicodeDecodeError as error:
        raise TextError(str(error)) from error


def residue(message: Any, known: Any) -> Any:
    """Return what ``message`` says and ``known`` does not; values that both have are understood."""
    left = type(message)()
    for field, value in message.ListFields():
        other = getattr(known, field.name)
        if _is_map(value) or (_is_repeated(value) and not _is_messages(value)):
            if value != other:
                getattr(left, field.name).MergeFrom(value)
        elif _is_repeated(value):
            _items_left(getattr(left, field.name), value, other)
        elif not (known.HasField(field.name) if field.has_presence else other):
            # False and 0 say what saying nothing says.
            if _is_message(value):
                getattr(left, field.name).CopyFrom(value)
            elif value:
                setattr(left, field.name, value)
        elif _is_message(value):
            inner = residue(value, other)
            if inner.ListFields():
                getattr(left, field.name).CopyFrom(inner)
        elif isinstance(value, str) and value != other:
            setattr(left, field.name, value)
    return left


def leaves(message: Any, prefix: str = "") -> list[str]:
    """Return the names of the fields that are set, with dots behind those that they are in."""
    found = []
    for field, value in message.ListFields():
        if _is_message(value) and value.ListFields():
            found += leaves(value, f"{prefix}{field.name}.")
        else:
            found.append(prefix + field.name)
    return found


def _items_left(left: Any, items: Any, known: Any) -> None:
    """Match items by name where they have names, otherwise by place."""
    if _is_named(items):
        others = {item.name: item for item in known}
        for item in items:
            inner = residue(item, others[item.name]) if item.name in others else item
            if inner.ListFields():
                left.add().CopyFrom(inner)
                left[-1].name = item.name
    elif len(items) != len(known):
        left.MergeFrom(items)
    else:
        inners = [residue(item, other) for item, other in zip(items, known, strict=True)]
        if any(inner.ListFields() for inner in inners):
            left.extend(inners)


def apply(message: Any, left: Any) -> None:
    """Add to ``message`` what was left of another, as far as it does not contradict it."""
    for field, value in left.ListFields():
        oneof = field.containing_oneof
        if oneof is not None and message.WhichOneof(oneof.name) not in (None, field.name):
            continue
        target = getattr(message, field.name)
        if _is_map(value):
            target.MergeFrom(value)
        elif _is_repeated(value) and not _is_messages(value):
            message.ClearField(field.name)
            getattr(message, field.name).MergeFrom(value)
        elif _is_repeated(value):
            _items_applied(target, value)
        elif _is_message(value):
            target.SetInParent()
            apply(target, value)
        else:
            setattr(message, field.name, value)


def _items_applied(target: Any, items: Any) -> None:
    if not len(target):
        target.MergeFrom(items)
    elif _is_named(target):
        mine = {item.name: item for item in target}
        for item in items:
            if item.name in mine:
                apply(mine[item.name], item)
    elif len(items) == len(target):
        for item, one in zip(target, items, strict=True):
            apply(item, one)


def _is_named(items: Any) -> bool:
    return all("name" in item.DESCRIPTOR.fields_by_name and item.name for item in items)


def _is_map(value: Any) -> bool:
    return hasattr(value, "GetEntryClass")


def _is_repeated(value: Any) -> bool:
    return hasattr(value, "MergeFrom") and hasattr(value, "__len__")


def _is_messages(value: Any) -> bool:
    return hasattr(value, "add")


def _is_message(value: Any) -> bool:
    return hasattr(value, "ListFields")


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`patched` makes ``new`` of ``old`` with: RFC 7386, in which None takes a key away."""
    patch: dict[str, Any] = {}
    for key in [*old, *(key for key in new if key not in old)]:
        was, now = old.get(key), new.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            inner = merge_patch(was, now)
            if inner:
                patch[key] = inner
        elif key not in new:
            patch[key] = None
        elif now is None and key not in old:
            continue
        elif key not in old or was != now or type(was) is not type(now):
            patch[key] = now
    return patch


def patched(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``old`` as a patch changes it."""
    new = dict(old)
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            inner = new.get(key)
            new[key] = patched(inner if isinstance(inner, dict) else {}, value)
        else:
            new[key] = value
    return new


def plain_lists(value: Any) -> Any:
    """Return a plain value with lists in place of tuples, as JSON has it."""
    if isinstance(value, dict):
        return {key: plain_lists(item) for key, item in value.items()}
    return [plain_lists(item) for item in value] if isinstance(value, tuple | list) else value
