"""``tf.Example`` messages as the protobuf library has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

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


def parsed(data: bytes, *, sequence: bool) -> dict[str, Any] | None:
    """Return the values by feature, as the columns are named; None if the bytes are no message."""
    assert set(LISTS.values()) == set(_LIST_OF.values())
    message = MESSAGES["SequenceExample" if sequence else "Example"]()
    try:
        message.ParseFromString(data)
    except (DecodeError, UnicodeDecodeError):
        return None
    held = message.context if sequence else message.features
    found: dict[str, Any] = {name: _values(value) for name, value in held.feature.items()}
    if sequence:
        for name, steps in message.feature_lists.feature_list.items():
            found[f"sequence.{name}" if name in found else name] = [_values(step) for step in steps.feature]
    return found
