"""``tf.Example`` messages as the protobuf library has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from tests.data.test_tf_example_columns import LISTS, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["message_of", "parsed"]

_LIST_OF = {int: "int64_list", float: "float_list", bytes: "bytes_list"}


def _fill(feature: Any, values: Sequence[Any] | None) -> None:
    feature.SetInParent()
    if values is not None:
        held = getattr(feature, _LIST_OF[type(values[0])] if values else "int64_list")
        held.SetInParent()
        held.value.extend(values)


def message_of(
    features: Mapping[str, Sequence[Any] | None], steps: Mapping[str, Sequence[Sequence[Any]]] | None = None
) -> bytes:
    message = MESSAGES["Example" if steps is None else "SequenceExample"]()
    held = message.features if steps is None else message.context
    for name, values in features.items():
        _fill(held.feature[name], values)
    for name, lists in (steps or {}).items():
        for values in lists:
            _fill(message.feature_lists.feature_list[name].feature.add(), values)
    return bytes(message.SerializeToString())


def _values(feature: Any) -> list[Any] | None:
    kind = feature.WhichOneof("kind")
    return None if kind is None else list(getattr(feature, kind).value)


def parsed(data: bytes, *, sequence: bool) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the values by feature and by feature list; None if the bytes are no message.

    The library in Python sets map entries with fields it does not know aside, that in C++ keeps the rest of them, as
    headrace does: such a message has no values here.
    """
    assert set(LISTS.values()) == set(_LIST_OF.values())
    message = MESSAGES["SequenceExample" if sequence else "Example"]()
    try:
        message.ParseFromString(data)
    except (DecodeError, UnicodeDecodeError):
        return None
    held = message.context if sequence else message.features
    if len(UnknownFieldSet(held)) or (sequence and len(UnknownFieldSet(message.feature_lists))):
        return {}, {}
    lists = message.feature_lists.feature_list.items() if sequence else ()
    return (
        {name: _values(value) for name, value in held.feature.items()},
        {name: [_values(step) for step in steps.feature] for name, steps in lists},
    )
