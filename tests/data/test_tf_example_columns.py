"""Against the protobuf library, which has the message types from a description that is made here."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import tf_example_columns
from headrace.data.tf_example_batch import Names
from headrace.data.tf_example_columns import Column, decode, observe
from headrace.data.tf_example_wire import (
    BYTES,
    FLOAT,
    INT64,
    FeatureValue,
    Record,
    WireError,
    encode_record,
    parse_record,
)

LISTS = {BYTES: "bytes_list", FLOAT: "float_list", INT64: "int64_list"}


def _message_types() -> dict[str, Any]:
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="headrace_test.proto", package="t", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, int, bool, str | None], parent: Any = None) -> Any:
        made = (file.message_type if parent is None else parent.nested_type).add(name=name)
        for field, number, kind, repeated, of in fields:
            label = types.LABEL_REPEATED if repeated else types.LABEL_OPTIONAL
            made.field.add(name=field, number=number, type=kind, label=label, type_name=of and f".t.{of}")
        return made

    message("BytesList", ("value", 1, types.TYPE_BYTES, True, None))
    message("FloatList", ("value", 1, types.TYPE_FLOAT, True, None))
    message("Int64List", ("value", 1, types.TYPE_INT64, True, None))
    kinds = [("bytes_list", 1, "BytesList"), ("float_list", 2, "FloatList"), ("int64_list", 3, "Int64List")]
    feature = message("Feature", *((name, number, types.TYPE_MESSAGE, False, of) for name, number, of in kinds))
    feature.oneof_decl.add(name="kind")
    for field in feature.field:
        field.oneof_index = 0
    message("FeatureList", ("feature", 1, types.TYPE_MESSAGE, True, "Feature"))
    for outer, field, value in (("Features", "feature", "Feature"), ("FeatureLists", "feature_list", "FeatureList")):
        entry = "".join(part.title() for part in field.split("_")) + "Entry"
        made = message(outer, (field, 1, types.TYPE_MESSAGE, True, f"{outer}.{entry}"))
        inner = message(
            entry,
            ("key", 1, types.TYPE_STRING, False, None),
            ("value", 2, types.TYPE_MESSAGE, False, value),
            parent=made,
        )
        inner.options.map_entry = True
    message("Example", ("features", 1, types.TYPE_MESSAGE, False, "Features"))
    message(
        "SequenceExample",
        ("context", 1, types.TYPE_MESSAGE, False, "Features"),
        ("feature_lists", 2, types.TYPE_MESSAGE, False, "FeatureLists"),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"t.{name}"))
        for name in ("Example", "SequenceExample")
    }


MESSAGES = _message_types()


def from_proto(data: bytes, *, sequence: bool = False) -> Record:
    message = MESSAGES["SequenceExample" if sequence else "Example"]()
    message.ParseFromString(data)

    def feature(value: Any) -> FeatureValue:
        kind = value.WhichOneof("kind")
        if kind is None:
            return FeatureValue()
        number = next(number for number, name in LISTS.items() if name == kind)
        return FeatureValue(number, list(getattr(value, kind).value))

    features = message.context if sequence else message.features
    record = Record({name: feature(value) for name, value in features.feature.items()})
    if sequence:
        record.sequences = {
            name: [feature(step) for step in steps.feature]
            for name, steps in message.feature_lists.feature_list.items()
        }
    return record


def to_proto(record: Record, *, sequence: bool = False) -> bytes:
    message = MESSAGES["SequenceExample" if sequence else "Example"]()

    def fill(target: Any, value: FeatureValue) -> None:
        target.SetInParent()
        if value.kind:
            values = getattr(target, LISTS[value.kind])
            values.SetInParent()
            values.value.extend(value.values)

    features = message.context if sequence else message.features
    for name, value in record.features.items():
        fill(features.feature[name], value)
    for name, steps in record.sequences.items():
        target = message.feature_lists.feature_list[name]
        target.SetInParent()
        for step in steps:
            fill(target.feature.add(), step)
    return bytes(message.SerializeToString())


INTS = st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 300)
FLOATS = st.floats(width=32, allow_nan=False)
FEATURE = st.one_of(
    st.just(FeatureValue()),
    st.builds(FeatureValue, st.just(BYTES), st.lists(st.binary(max_size=20), max_size=4)),
    st.builds(FeatureValue, st.just(FLOAT), st.lists(FLOATS, max_size=4)),
    st.builds(FeatureValue, st.just(INT64), st.lists(INTS, max_size=4)),
)
NAME = st.sampled_from(["a", "age", "12345678", "123456789", "a long name of a feature", "é", ""])
FEATURES = st.dictionaries(NAME, FEATURE, max_size=4)
RECORD = st.builds(Record, FEATURES)
SEQUENCE = st.builds(Record, FEATURES, st.dictionaries(NAME, st.lists(FEATURE, max_size=3), max_size=3))


def sized(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def entry(name: bytes, feature: bytes) -> bytes:
    return sized(1, sized(1, sized(1, name) + sized(2, feature)))


ODD: dict[str, tuple[bytes, tuple[int, list[Any]]]] = {
    "ints not packed": (entry(b"a", sized(3, b"\x08\x05\x08\x07")), (INT64, [5, 7])),
    "floats not packed": (entry(b"a", sized(2, b"\x0d" + struct.pack("<f", 1.5))), (FLOAT, [1.5])),
    "partly packed": (entry(b"a", sized(3, b"\x08\x05" + sized(1, b"\x07\x08"))), (INT64, [5, 7, 8])),
    "a key twice": (entry(b"a", sized(3, sized(1, b"\x01"))) + entry(b"a", sized(3, sized(1, b"\x02"))), (INT64, [2])),
    "the value first": (sized(1, sized(1, sized(2, sized(3, sized(1, b"\x01"))) + sized(1, b"a"))), (INT64, [1])),
    "no value": (sized(1, sized(1, sized(1, b"a"))), (0, [])),
    "an unknown field": (b"\x50\x01" + entry(b"a", sized(3, sized(1, b"\x01"))), (INT64, [1])),
    "an unknown group": (b"\x53\x50\x01\x54" + entry(b"a", sized(3, sized(1, b"\x01"))), (INT64, [1])),
    "two kinds": (entry(b"a", sized(3, sized(1, b"\x01")) + sized(2, sized(1, b"\0\0\0\0"))), (FLOAT, [0.0])),
    "one kind twice": (entry(b"a", sized(3, sized(1, b"\x01")) + sized(3, sized(1, b"\x02"))), (INT64, [1, 2])),
    "a value twice": (
        sized(1, sized(1, sized(1, b"a") + 2 * sized(2, sized(3, sized(1, b"\x01"))))),
        (INT64, [1, 1]),
    ),
    "an int of 65 bits": (entry(b"a", sized(3, sized(1, b"\xff" * 9 + b"\x02"))), (INT64, [2**63 - 1])),
    "a length of three bytes": (entry(b"a", b"\x1a\x83\x80\x00" + sized(1, b"\x01")), (INT64, [1])),
}
BROKEN = {
    "ends in a field": b"\x0a\x05abc",
    "wire type 7": b"\x0f",
    "field 0": b"\x02\x00",
    "a group that ends": b"\x0c",
    "a group that does not": b"\x0b",
    "a name that is not UTF-8": entry(b"\xff", sized(3, sized(1, b"\x01"))),
    "a name that is not UTF-8, before another": sized(1, sized(1, sized(1, b"\xff") + sized(1, b"a") + sized(2, b""))),
    "floats of 3 bytes": entry(b"a", sized(2, sized(1, b"abc"))),
    "an int that ends early": entry(b"a", sized(3, sized(1, b"\x80"))),
    "an int of 11 bytes": entry(b"a", sized(3, sized(1, b"\xff" * 10 + b"\x01"))),
    "bytes that end early": entry(b"a", sized(1, b"\x0a\x05abc")),
}


def decoded(messages: list[bytes], *, sequence: bool = False) -> tuple[list[Record], dict[int, str]]:
    """Read messages at once, and give what was read the form of single records, one kind of a feature after another."""
    data = b"".join([b"before", *messages])
    sizes = np.array([len(message) for message in messages], np.int64)
    ends = 6 + np.cumsum(sizes)
    seen, errors = observe(data, ends - sizes, ends, Names(), sequence=sequence)
    records = [Record() for _ in messages]
    for (name, in_sequence), one in seen.items():
        for number, kind in ((BYTES, "bytes"), (FLOAT, "float64"), (INT64, "int64")):
            if not one.kinds[number]:
                continue
            column = Column(name, kind, scalar=False, sequence=in_sequence)
            # A known name that is not there, and one that is known from before.
            names = Names([b"nothing", name.encode()])
            [array], _ = decode(data, ends - sizes, ends, names, [column], sequence=sequence)
            for record, value in zip(records, array.to_pylist(), strict=True):
                if value is None:
                    continue
                if in_sequence:
                    steps = record.sequences.setdefault(name, [FeatureValue() for _ in value])
                    for step, values in zip(steps, value, strict=True):
                        if values is not None and not (number == FLOAT and all(isinstance(v, int) for v in values)):
                            step.kind, step.values = number, values
                else:
                    record.features[name] = FeatureValue(number, value)
    return records, errors


def without_empty(record: Record) -> Record:
    """Leave out features that say nothing, which are missing in a column."""
    return Record({name: value for name, value in record.features.items() if value.kind}, record.sequences)


@settings(deadline=None)
@given(RECORD)
def test_one_record_is_what_protobuf_reads(record: Record) -> None:
    data = to_proto(record)
    assert parse_record(data) == from_proto(data) == record
    assert from_proto(encode_record(record)) == record


@settings(deadline=None)
@given(SEQUENCE)
def test_one_sequence_is_what_protobuf_reads(record: Record) -> None:
    data = to_proto(record, sequence=True)
    assert parse_record(data, sequence=True) == from_proto(data, sequence=True) == record
    assert from_proto(encode_record(record, sequence=True), sequence=True) == record


def with_one_kind(records: list[Record]) -> list[Record]:
    """Leave the first kind of each feature: a column has one."""
    first: dict[str, int] = {}
    return [
        Record(
            {
                name: value
                for name, value in record.features.items()
                if value.kind and first.setdefault(name, value.kind) == value.kind
            }
        )
        for record in records
    ]


@settings(deadline=None)
@given(st.lists(RECORD, max_size=6))
def test_many_records_are_what_protobuf_reads(records: list[Record]) -> None:
    records = with_one_kind(records)
    got, errors = decoded([to_proto(record) for record in records])
    assert not errors
    assert got == records


@settings(deadline=None)
@given(st.lists(st.dictionaries(NAME, st.lists(st.lists(INTS, max_size=3), max_size=3), max_size=3), max_size=5))
def test_many_sequences_are_what_protobuf_reads(lists: list[dict[str, list[list[int]]]]) -> None:
    records = [
        Record(
            {"of context": FeatureValue(BYTES, [b"x"])},
            {name: [FeatureValue(INT64, values) for values in steps] for name, steps in one.items()},
        )
        for one in lists
    ]
    got, errors = decoded([to_proto(record, sequence=True) for record in records], sequence=True)
    assert not errors
    for one, record in zip(got, records, strict=True):
        assert one.features == record.features
        assert {name: steps for name, steps in one.sequences.items() if steps} == {
            name: steps for name, steps in record.sequences.items() if steps
        }


@pytest.mark.parametrize("name", ODD)
def test_what_writers_may_write_and_seldom_do(name: str) -> None:
    message, (kind, values) = ODD[name]
    expected = Record({"a": FeatureValue(kind, values)})
    assert from_proto(message) == parse_record(message) == expected
    plain = encode_record(Record({"a": FeatureValue(INT64, [9])}))
    (_, got, _), errors = decoded([plain, message, plain])
    assert not errors
    assert got == without_empty(expected)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_a_message(name: str) -> None:
    with pytest.raises(DecodeError):
        from_proto(BROKEN[name])
    with pytest.raises(WireError):
        parse_record(BROKEN[name])
    plain = encode_record(Record({"a": FeatureValue(INT64, [9])}))
    got, errors = decoded([plain, BROKEN[name], plain])
    assert list(errors) == [1]
    assert "is not a tf.Example" in errors[1]
    assert got[0] == got[2] == parse_record(plain)


def shown(record: Record) -> str:
    """Return the record as text, in which NaN is equal to NaN and order does not count."""
    return repr([sorted(record.features.items(), key=repr), sorted(record.sequences.items(), key=repr)])


@settings(deadline=None)
@given(SEQUENCE, st.data())
def test_damaged_messages_are_as_protobuf_has_them(record: Record, data: st.DataObject) -> None:
    damaged = bytearray(to_proto(record, sequence=True))
    for _ in range(data.draw(st.integers(1, 3))):
        if damaged:
            place = data.draw(st.integers(0, len(damaged) - 1))
            damaged[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    message = bytes(damaged)
    expected = None
    try:
        expected = from_proto(message, sequence=True)
    except DecodeError:
        with pytest.raises(WireError):
            parse_record(message, sequence=True)
    (_, got), errors = decoded([b"", message], sequence=True)
    assert (expected is None) == bool(errors)
    if expected is not None:
        alone = parse_record(message, sequence=True)
        assert shown(Record(got.features)) == shown(Record(without_empty(alone).features))
        # Python's protobuf has no map entries that hold unknown fields; C++'s, which TensorFlow has, keeps them.
        alone.features = {name: alone.features[name] for name in expected.features}
        alone.sequences = {name: alone.sequences[name] for name in expected.sequences}
        assert shown(alone) == shown(expected)


def test_messages_with_many_fields() -> None:
    many = Record({f"f{number}": FeatureValue(INT64, list(range(number))) for number in range(80)})
    words = Record({"f0": FeatureValue(BYTES, [b"w%d" % number for number in range(5_000)])})
    small = Record({"f1": FeatureValue(INT64, [-1])})
    got, errors = decoded([to_proto(record) for record in (many, words, small)])
    assert not errors
    assert got[0].features == {name: value for name, value in many.features.items() if name != "f0"} | {
        "f0": FeatureValue(INT64, [])
    }
    assert got[1:] == [words, small]


def test_places_that_need_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf_example_columns, "_WIDE", 0)
    record = Record({"a": FeatureValue(BYTES, [b"one", b"", b"three"])})
    got, errors = decoded([encode_record(record), b"", encode_record(record)])
    assert not errors
    assert got == [record, Record(), record]


def test_every_float_is_read() -> None:
    # Not a number and signalling, both infinities, the smallest number.
    bits = [0x7F800001, 0xFFC00000, 0x7F800000, 0xFF800000, 0x00000001]
    message = entry(b"a", sized(2, sized(1, struct.pack("<5I", *bits))))
    [got], errors = decoded([message])
    assert not errors
    assert shown(got) == shown(from_proto(message))


def test_ints_among_floats() -> None:
    records = [
        Record({"a": FeatureValue(INT64, [1, 2])}),
        Record({"a": FeatureValue(FLOAT, [0.5])}),
        Record({}),
        Record({"a": FeatureValue(INT64, [3])}),
    ]
    messages = [encode_record(record) for record in records]
    ends = np.cumsum([len(message) for message in messages])
    starts = np.concatenate([[0], ends[:-1]])
    column = Column("a", "float64", scalar=False)
    [array], errors = decode(b"".join(messages), starts, ends, Names(), [column], sequence=False)
    assert not errors
    assert array.to_pylist() == [[1.0, 2.0], [0.5], None, [3.0]]
    [array], errors = decode(
        b"".join(messages), starts, ends, Names(), [Column("a", "int64", scalar=True)], sequence=False
    )
    assert errors == {
        0: "feature 'a' has 2 values, and the column one",
        1: "feature 'a' is of kind float_list, and the column, int64, wants int64_list",
    }
    assert array.to_pylist()[2:] == [None, 3]
