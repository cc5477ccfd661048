"""Any message of TensorFlow Metadata is read without loss, or refused."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from headrace.errors import SchemaError
from headrace.schema.messages import residue
from headrace.schema.tfmd import from_proto, read_pbtxt, to_proto

WORDS = st.sampled_from(["a", "b", "%Y", "é\n"])
COUNTS = st.integers(0, 5) | st.integers(-(2**63), 2**63 - 1)
SINGLE = st.floats(0, 1, width=32)
SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_INT64: COUNTS,
    FieldDescriptor.TYPE_UINT32: st.integers(0, 9),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 9),
    FieldDescriptor.TYPE_DOUBLE: st.floats(0, 1) | st.floats(allow_nan=False),
    FieldDescriptor.TYPE_FLOAT: SINGLE,
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=3),
    FieldDescriptor.TYPE_STRING: WORDS,
}


@st.composite
def filled(draw: st.DrawFn, message: Any, most: int = 6) -> Any:
    """Return the message with some of its fields set to anything."""
    fields = list(message.DESCRIPTOR.fields)
    chosen = draw(st.lists(st.sampled_from(fields), unique_by=lambda one: one.name, max_size=most)) if fields else []
    for field in chosen:
        target = getattr(message, field.name)
        if field.type == FieldDescriptor.TYPE_ENUM:
            setattr(message, field.name, draw(st.sampled_from([value.number for value in field.enum_type.values])))
        elif field.type != FieldDescriptor.TYPE_MESSAGE:
            if field.is_repeated:
                target.extend(draw(st.lists(SCALARS[field.type], max_size=2)))
            else:
                setattr(message, field.name, draw(SCALARS[field.type]))
        elif hasattr(target, "GetEntryClass"):
            draw(filled(target[draw(WORDS)], 2))
        elif field.is_repeated:
            draw(filled(target.add(), max(most - 2, 0)))
        else:
            target.SetInParent()
            draw(filled(target, max(most - 2, 0)))
    return message


@st.composite
def messages(draw: st.DrawFn) -> Any:
    """Return a schema whose features have names and types."""
    message = draw(filled(schema_pb2.Schema(default_environment=["a"]), 3))
    del message.feature[:]
    for name in draw(st.sampled_from(["", "a", "ab"])):
        feature = draw(filled(message.feature.add()))
        feature.name = name
        for number, field in enumerate(feature.struct_domain.feature):
            field.name = f"field {number}"
            field.type = field.type or 1
        feature.type = 4 if feature.HasField("struct_domain") else feature.type or draw(st.integers(1, 3))
        feature.ClearField("group_presence")
    return message


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(messages())
def test_any_message_is_read_without_loss_or_refused(message: Any) -> None:
    try:
        schema, notes = from_proto(message)
    except SchemaError:
        assume(False)
    written = to_proto(schema)
    assert from_proto(written) == (schema, notes)
    assert read_pbtxt(schema.to_pbtxt()) == (schema, notes)
    for old, new in zip(message.feature, written.feature, strict=True):
        left = residue(old, new)
        # What says nothing, and what is said in other words.
        for key in (
            "deprecated",
            "presence",
            "value_counts",
            "annotation",
            "lifecycle_stage",
            "struct_domain",
            "domain",
        ):
            left.ClearField(key)
        assert not left.ListFields(), left
