"""One ``tf.Example`` or ``tf.SequenceExample`` at a time, in the wire format of protocol buffers.

::

    Example         { Features features = 1; }
    SequenceExample { Features context = 1; FeatureLists feature_lists = 2; }
    Features        { map<string, Feature> feature = 1; }
    FeatureLists    { map<string, FeatureList> feature_list = 1; }
    FeatureList     { repeated Feature feature = 1; }
    Feature         { oneof { BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3; } }
    each list       { repeated value = 1, packed or not; }

This is the whole format, unknown fields and all. Records in the form that writers give them are read by
``tf_example_batch``, many at once; this module turns any other record into that form.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["BYTES", "FLOAT", "INT64", "FeatureValue", "Record", "WireError", "encode_record", "parse_record"]

BYTES, FLOAT, INT64 = 1, 2, 3
_VARINT, _FIXED64, _LENGTH, _GROUP, _GROUP_END, _FIXED32 = range(6)
_DEEPEST = 100


class WireError(Exception):
    """Bytes that are not a message."""


@dataclass
class FeatureValue:
    """The values of a feature; of kind 0 if it has none of the three lists."""

    kind: int = 0
    values: list[Any] = field(default_factory=list)


@dataclass
class Record:
    """The features of an example, and for a sequence example the steps of its feature lists."""

    features: dict[str, FeatureValue] = field(default_factory=dict)
    sequences: dict[str, list[FeatureValue]] = field(default_factory=dict)


def parse_record(data: bytes, *, sequence: bool = False) -> Record:
    """Read a message; of a key that is there twice the last one counts, as the format says.

    Raises
    ------
    WireError
        If the bytes are not a message.
    """
    record = Record()
    for number, wire, value in _fields(data):
        if wire != _LENGTH:
            continue
        if number == 1:
            for key, messages in _entries(value):
                feature = FeatureValue()
                for message in messages:
                    _merge_feature(feature, message)
                record.features[key] = feature
        elif number == 2 and sequence:
            for key, messages in _entries(value):
                record.sequences[key] = [
                    _feature(step)
                    for message in messages
                    for inner, kind, step in _fields(message)
                    if inner == 1 and kind == _LENGTH
                ]
    return record


def _entries(data: bytes) -> Iterator[tuple[str, list[bytes]]]:
    for number, wire, entry in _fields(data):
        if number != 1 or wire != _LENGTH:
            continue
        name, messages = "", []
        for inner, kind, value in _fields(entry):
            if inner == 1 and kind == _LENGTH:
                name = _name(value)
            elif inner == 2 and kind == _LENGTH:
                messages.append(value)
        yield name, messages


def _name(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise WireError(f"the name of a feature is not UTF-8: {data[:60]!r}") from error


def _feature(data: bytes) -> FeatureValue:
    feature = FeatureValue()
    _merge_feature(feature, data)
    return feature


def _merge_feature(feature: FeatureValue, data: bytes) -> None:
    for number, wire, value in _fields(data):
        if wire != _LENGTH or number not in {BYTES, FLOAT, INT64}:
            continue
        if number != feature.kind:
            feature.kind, feature.values = number, []
        feature.values += _list_values(number, value)


def _list_values(kind: int, data: bytes) -> Iterator[Any]:
    for number, wire, value in _fields(data):
        if number != 1:
            continue
        if kind == BYTES and wire == _LENGTH:
            yield value
        elif kind == FLOAT and wire == _FIXED32:
            yield struct.unpack("<f", value)[0]
        elif kind == FLOAT and wire == _LENGTH:
            if len(value) % 4:
                raise WireError(f"{len(value)} bytes of numbers are not a multiple of 4")
            yield from struct.unpack(f"<{len(value) // 4}f", value)
        elif kind == INT64 and wire == _VARINT:
            yield _signed(value)
        elif kind == INT64 and wire == _LENGTH:
            position = 0
            while position < len(value):
                item, position = _varint(value, position)
                yield _signed(item)


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise WireError("the message ends within a number")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            # Protocol buffers drop what is beyond 64 bits.
            return value % 2**64, position
    raise WireError("a number is longer than 10 bytes")


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Yield number, wire type and value of each field; groups, which nothing here has, are passed over."""
    position = 0
    groups: list[int] = []
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 2**29:
            raise WireError(f"a field has the number {number}")
        value: Any = None
        if wire == _VARINT:
            value, position = _varint(data, position)
        elif wire in {_FIXED64, _FIXED32, _LENGTH}:
            size = 8 if wire == _FIXED64 else 4
            if wire == _LENGTH:
                size, position = _varint(data, position)
            if position + size > len(data):
                raise WireError("the message ends within a field")
            value = data[position : position + size]
            position += size
        elif wire == _GROUP:
            groups.append(number)
            if len(groups) > _DEEPEST:
                raise WireError(f"groups are nested more than {_DEEPEST} deep")
            continue
        elif wire == _GROUP_END:
            if not groups or groups.pop() != number:
                raise WireError("a group ends that was not begun")
            continue
        else:
            raise WireError(f"a field is of wire type {wire}, which does not exist")
        if not groups:
            yield number, wire, value
    if groups:
        raise WireError("the message ends within a group")


def encode_record(record: Record, *, sequence: bool = False) -> bytes:
    """Return the message in the form that writers give it: packed numbers, one entry for each key."""
    out = _sized(1, _map_bytes({name: _feature_bytes(value) for name, value in record.features.items()}))
    if sequence:
        lists = {
            name: b"".join(_sized(1, _feature_bytes(step)) for step in steps)
            for name, steps in record.sequences.items()
        }
        out += _sized(2, _map_bytes(lists))
    return out


def _map_bytes(messages: Mapping[str, bytes]) -> bytes:
    return b"".join(_sized(1, _sized(1, name.encode()) + _sized(2, value)) for name, value in messages.items())


def _feature_bytes(feature: FeatureValue) -> bytes:
    if not feature.kind:
        return b""
    values: Sequence[Any] = feature.values
    if feature.kind == BYTES:
        content = b"".join(_sized(1, value) for value in values)
    elif not values:
        content = b""
    elif feature.kind == FLOAT:
        content = _sized(1, struct.pack(f"<{len(values)}f", *values))
    else:
        content = _sized(1, b"".join(_varint_bytes(value % 2**64) for value in values))
    return _sized(feature.kind, content)


def _sized(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _LENGTH]) + _varint_bytes(len(content)) + content


def _varint_bytes(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
