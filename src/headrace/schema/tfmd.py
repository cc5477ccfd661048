"""The schema of TensorFlow Metadata, as ``schema.pbtxt`` of TFX has it; needs tensorflow-metadata (extra ``tfx``).

Two things keep a trip without loss. What headrace says beyond TensorFlow Metadata stands, as JSON, in an annotation's
``extra_metadata`` of the type ``headrace/overlay``; it is found by reading back what was written and comparing. What
TensorFlow Metadata says beyond headrace stays as text in ``tfx``; it is found in the same way.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.errors import SchemaError, import_extra
from headrace.schema.feature import Feature
from headrace.schema.messages import (
    TextError,
    apply,
    leaves,
    merge_patch,
    parse_text,
    patched,
    plain_lists,
    residue,
    text_of,
)
from headrace.schema.schema import Schema
from headrace.schema.tfmd_reading import feature_values, schema_values
from headrace.schema.tfmd_writing import feature_message, schema_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["from_proto", "read_pbtxt", "to_proto", "write_pbtxt"]

_OVERLAY = "headrace/overlay"
_MODULE = "tensorflow_metadata.proto.v0.schema_pb2"


# ---- text


def write_pbtxt(schema: Schema) -> str:
    """Return the text form; see :meth:`Schema.to_pbtxt`."""
    return text_of(to_proto(schema))


def read_pbtxt(text: str, file: str | None = None) -> tuple[Schema, tuple[str, ...]]:
    """Read the text form.

    Returns
    -------
    The schema, and what it has that headrace keeps and does not check, as
    ``"fare: float_domain.is_categorical"``.

    Raises
    ------
    SchemaError
        If it is no schema; ``where`` has file, line or feature.
    """
    message = import_extra(_MODULE, "tfx").Schema()
    try:
        parse_text(text, message)
    except TextError as error:
        where = ", ".join(part for part in (file, error.line and f"line {error.line}") if part) or None
        raise SchemaError("A schema of TFX is text of TensorFlow Metadata", got=str(error), where=where) from error
    try:
        return from_proto(message)
    except SchemaError as error:
        where = ", ".join(part for part in (file, error.where) if part) or None
        raise SchemaError(error.rule, got=error.got, where=where, fix=error.fix) from error


# ---- writing


def to_proto(schema: Schema) -> Any:
    """Return the message ``tensorflow_metadata.proto.v0.schema_pb2.Schema``.

    Raises
    ------
    SchemaError
        If a text is not valid Unicode.
    """
    pb = import_extra(_MODULE, "tfx")
    try:
        message = schema_message(schema, pb)
        _restore(message, schema.tfx, "the schema")
        _overlay(message.annotation, schema_values(message, pb), _plain(schema))
        for feature in schema.features:
            message.feature.append(_with_overlay(feature, pb))
    except UnicodeEncodeError as error:
        raise SchemaError("Text in a schema is valid Unicode", got=str(error)) from error
    if not message.annotation.ListFields():
        message.ClearField("annotation")
    return message


def _plain(part: Schema | Feature) -> dict[str, Any]:
    plain: dict[str, Any] = plain_lists(msgspec.to_builtins(part))
    plain.pop("features", None)
    plain.pop("tfx", None)
    return plain


def _overlay(annotation: Any, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Write what reading back would miss."""
    patch = merge_patch(known, wanted)
    if patch:
        annotation.extra_metadata.add(type_url=_OVERLAY, value=json.dumps(patch, ensure_ascii=False).encode())


def _with_overlay(feature: Feature, pb: Any) -> Any:
    message = feature_message(feature, pb)
    _restore(message, feature.tfx, f"feature {feature.name!r}")
    _overlay(message.annotation, feature_values(message, pb), _plain(feature))
    if not message.annotation.ListFields():
        message.ClearField("annotation")
    for field in feature.features:
        message.struct_domain.feature.append(_with_overlay(field, pb))
    return message


def _restore(message: Any, tfx: str, where: str) -> None:
    if tfx:
        kept = type(message)()
        text_format = import_extra("google.protobuf.text_format", "tfx")
        try:
            text_format.Parse(tfx, kept)
        except (text_format.ParseError, ValueError, TypeError, RecursionError) as error:
            raise SchemaError("tfx is text of TensorFlow Metadata", got=str(error), where=where) from error
        apply(message, kept)


# ---- reading


def from_proto(message: Any) -> tuple[Schema, tuple[str, ...]]:
    """Return the schema of a message, and what it has that headrace keeps and does not check.

    Raises
    ------
    SchemaError
        If it contradicts itself.
    """
    pb = import_extra(_MODULE, "tfx")
    given = pb.Schema()
    given.CopyFrom(message)
    _resolve(given)
    names = [domain.name for domain in given.string_domain]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SchemaError("Each string domain stands once", got=f"{twice!r} twice")
    notes: list[str] = []
    features = tuple(_read_feature(feature, pb, "", notes) for feature in given.feature)
    del given.feature[:]
    values = patched(schema_values(given, pb), _taken(given.annotation, "the schema"))
    schema = _converted(values | {"features": features}, Schema, "the schema")
    if not given.annotation.ListFields():
        given.ClearField("annotation")
    left = residue(given, schema_message(schema, pb))
    notes += leaves(left)
    return msgspec.structs.replace(schema, tfx=text_of(left, one_line=True)), tuple(notes)


def _resolve(schema: Any) -> None:
    """Write the shared domains of numbers in place, as headrace has them."""
    shared = {domain.name: ("int_domain", domain) for domain in schema.int_domain}
    shared |= {domain.name: ("float_domain", domain) for domain in schema.float_domain}
    for feature in _all(schema.feature):
        if feature.HasField("domain") and feature.domain in shared:
            kind, domain = shared[feature.domain]
            getattr(feature, kind).CopyFrom(domain)
    schema.ClearField("int_domain")
    schema.ClearField("float_domain")


def _all(features: Iterable[Any]) -> Iterator[Any]:
    for feature in features:
        yield feature
        if feature.HasField("struct_domain"):
            yield from _all(feature.struct_domain.feature)


def _read_feature(message: Any, pb: Any, path: str, notes: list[str]) -> Feature:
    where = f"{path}{message.name}"
    fields = [_read_feature(field, pb, f"{where}.", notes) for field in message.struct_domain.feature]
    if message.HasField("struct_domain"):
        del message.struct_domain.feature[:]
        if not message.struct_domain.ListFields():
            message.ClearField("struct_domain")
    overlay = _taken(message.annotation, where)
    if message.HasField("annotation") and not message.annotation.ListFields():
        message.ClearField("annotation")
    feature: Feature = _converted(patched(feature_values(message, pb), overlay), Feature, f"feature {where!r}")
    # What can be said in two ways is understood, and is written in one.
    message.ClearField("deprecated")
    if message.HasField("value_counts"):
        counts = list(message.value_counts.value_count)
        if not counts:
            message.ClearField("value_counts")
        elif len(counts) == 1:
            message.value_count.CopyFrom(counts[0])
    if message.HasField("presence") and not (message.presence.min_fraction or message.presence.min_count):
        message.ClearField("presence")
    left = residue(message, feature_message(feature, pb))
    left.ClearField("name")
    left.ClearField("type")
    notes += leaves(left, f"{where}: ")
    whole: Feature = msgspec.structs.replace(feature, features=tuple(fields), tfx=text_of(left, one_line=True))
    return whole


def _taken(annotation: Any, where: str) -> dict[str, Any]:
    """Take headrace's overlay out of an annotation."""
    overlay: dict[str, Any] = {}
    for index in reversed(range(len(annotation.extra_metadata))):
        if annotation.extra_metadata[index].type_url == _OVERLAY:
            try:
                found = json.loads(annotation.extra_metadata[index].value)
            except (ValueError, RecursionError) as error:
                raise SchemaError(f"Extra metadata {_OVERLAY} is JSON", got=str(error), where=where) from error
            if not isinstance(found, dict):
                raise SchemaError(f"Extra metadata {_OVERLAY} is a JSON object", got=type(found).__name__, where=where)
            overlay |= found
            del annotation.extra_metadata[index]
    return overlay


def _converted(values: dict[str, Any], kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(values, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise SchemaError("A schema of TFX says what a schema says", got=str(error), where=where) from error
