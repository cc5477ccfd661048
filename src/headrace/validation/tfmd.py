"""Anomalies as TensorFlow Metadata has them; needs tensorflow-metadata (extra ``tfx``).

Nothing is lost on the way there and back. What headrace says beyond TensorFlow Metadata travels, as JSON, in an
annotation ``headrace/anomalies`` of the schema that the message has; what TensorFlow Metadata says beyond headrace
stays as text in ``tfx``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import DataError, UsageError, did_you_mean, import_extra
from headrace.schema.messages import TextError, check_texts, parse_text, text_of
from headrace.schema.tfmd import from_proto as schema_from_proto
from headrace.schema.tfmd import to_proto as schema_to_proto
from headrace.storage import write_atomic
from headrace.validation.tfmd_reading import add_overlay, baseline_of, message_anomalies, without_overlay
from headrace.validation.tfmd_writing import REASONS, anomalies_message

if TYPE_CHECKING:
    from headrace.schema import Schema
    from headrace.validation.anomalies import Anomalies

__all__ = [
    "REASONS",
    "anomalies_from_pbtxt",
    "anomalies_from_proto",
    "anomalies_to_pbtxt",
    "anomalies_to_proto",
    "load_anomalies",
    "load_baseline",
    "save_anomalies",
]

_MODULE = "tensorflow_metadata.proto.v0.anomalies_pb2"
_RULE = "Anomalies of TFX are a message Anomalies of TensorFlow Metadata"


def anomalies_to_pbtxt(anomalies: Anomalies, schema: Schema, *, split: str | None = None) -> str:
    """Return the text form of ``anomalies_pb2.Anomalies``; see :meth:`Anomalies.to_pbtxt`."""
    return text_of(anomalies_to_proto(anomalies, schema, split=split))


def save_anomalies(anomalies: Anomalies, path: str | Path, schema: Schema, *, split: str | None = None) -> None:
    """Write a file of TFX: text where the name ends in ``.pbtxt``, ``.txt`` or ``.textproto``, otherwise binary.

    Parameters and errors are those of :meth:`Anomalies.to_pbtxt`, and StorageError.
    """
    message = anomalies_to_proto(anomalies, schema, split=split)
    write_atomic(path, text_of(message) if _is_text(Path(path)) else message.SerializeToString(deterministic=True))


def anomalies_to_proto(anomalies: Anomalies, schema: Schema, *, split: str | None = None, overlay: bool = True) -> Any:
    """Return the message ``anomalies_pb2.Anomalies``; see :meth:`Anomalies.to_pbtxt`.

    Parameters
    ----------
    overlay
        Whether what TensorFlow Metadata has no place for goes along, so that :func:`anomalies_from_proto` gives the
        very same anomalies again.
    """
    pb = import_extra(_MODULE, "tfx")
    if split is None and len(anomalies.splits) == 1:
        (split,) = anomalies.splits
    if split is None or split not in anomalies.splits:
        raise UsageError(
            "Anomalies of TFX are about one data set",
            got="none named" if split is None else split,
            fix=did_you_mean(split or "", anomalies.splits),
        )
    found = [anomaly for anomaly in anomalies if anomaly.split == split]
    try:
        message = anomalies_message(found, schema, pb, tfx=anomalies.tfx.get(split, ""))
        message.baseline.CopyFrom(schema_to_proto(schema))
        if overlay:
            add_overlay(found, schema, split, message)
    except UnicodeEncodeError as error:
        raise DataError("Text in anomalies is valid Unicode", got=str(error)) from error
    return message


def anomalies_from_pbtxt(source: str | Path, *, split: str | None = None) -> Anomalies:
    """Return the anomalies of a text, or of a file of text; see :meth:`Anomalies.from_pbtxt`."""
    if isinstance(source, Path) or ("\n" not in source and source.endswith(".pbtxt")):
        return anomalies_from_proto(_message(Path(source), text=True), split=split)
    return anomalies_from_proto(_parsed(source.encode(), None, text=True), split=split)


def load_anomalies(path: str | Path, *, split: str | None = None) -> Anomalies:
    """Read a file of TFX: text where the name ends in ``.pbtxt``, ``.txt`` or ``.textproto``, otherwise binary.

    Parameters and errors are those of :meth:`Anomalies.from_pbtxt`.
    """
    return anomalies_from_proto(_message(Path(path)), split=split)


def load_baseline(path: str | Path) -> Schema:
    """Return the schema that the data of a file of anomalies was checked against; text or binary by its name.

    Raises
    ------
    MissingExtraError
        If tensorflow-metadata is not installed.
    DataError
        If there is no such file, or it has no such message, or one without a schema.
    SchemaError
        If the schema contradicts itself.
    """
    message = _message(Path(path))
    if not (message.HasField("baseline") or message.HasField("baseline_v1")):
        raise DataError("Anomalies of TFX have the schema of the data", got="none", where=str(path))
    return schema_from_proto(without_overlay(baseline_of(message))[0])[0]


def anomalies_from_proto(message: Any, *, split: str | None = None) -> Anomalies:
    """Return the anomalies of a message ``anomalies_pb2.Anomalies``; see :meth:`Anomalies.from_pbtxt`.

    The schema in it is no part of anomalies: :func:`load_baseline` reads it.
    """
    pb = import_extra(_MODULE, "tfx")
    return message_anomalies(message, pb, split)


def _is_text(path: Path) -> bool:
    return path.suffix in {".pbtxt", ".txt", ".textproto"}


def _message(path: Path, *, text: bool | None = None) -> Any:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError("Anomalies of TFX are a readable file", got=str(error), where=str(path)) from error
    return _parsed(content, str(path), text=_is_text(path) if text is None else text)


def _parsed(content: bytes, file: str | None, *, text: bool) -> Any:
    message = import_extra(_MODULE, "tfx").Anomalies()
    decode_error = import_extra("google.protobuf.message", "tfx").DecodeError
    try:
        if text:
            parse_text(content.decode(), message)
        else:
            message.ParseFromString(content)
            check_texts(message)
    except TextError as error:
        where = ", ".join(part for part in (file, error.line and f"line {error.line}") if part) or None
        raise DataError(_RULE, got=str(error), where=where) from error
    except (decode_error, UnicodeDecodeError, RecursionError) as error:
        raise DataError(_RULE, got=str(error), where=file) from error
    return message
