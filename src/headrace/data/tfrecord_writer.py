"""Rows as TFRecord files of ``tf.Example``, written whole or not at all."""

from __future__ import annotations

import os
import struct
import uuid
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from headrace.data.memory import as_source
from headrace.data.parquet_files import storage_errors
from headrace.data.tf_example_wire import BYTES, FLOAT, INT64, FeatureValue, Record, encode_record
from headrace.data.tfrecord_crc import masked_crcs
from headrace.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["frame_records", "write_tfrecord"]

_WINDOW_BITS = {"gzip": 31, "zlib": 15}
_PAYLOADS = ("example", "sequence_example", "bytes")
_ROWS = 4_096


def write_tfrecord(
    path: str | Path,
    data: Any,
    *,
    payload: Literal["example", "sequence_example", "bytes"] = "example",
    compression: Literal["infer", "none", "gzip", "zlib"] | None = "infer",
) -> int:
    """Write rows as a TFRecord file, as TFX and TensorFlow read it.

    Numbers become lists of int64 or float32 (so float64 is rounded), truth values int64, text and binary lists of
    bytes. A missing value is a feature that the record does not have.

    Parameters
    ----------
    path
        The file; folders above it are made.
    data
        A dataset, an Arrow table, or anything that `as_source` takes.
    payload
        "example", "sequence_example" (lists of lists become feature lists), or "bytes": the records as they are, from
        the only column, which is binary.
    compression
        gzip, zlib, none, or "infer": gzip where the name ends with ``.gz``.

    Returns
    -------
    int
        The number of records.

    Raises
    ------
    DataError
        If a column is of a type that a feature cannot have.
    StorageError
        If the file cannot be written; then nothing of it stays.
    """
    target = Path(path)
    if payload not in _PAYLOADS:
        raise UsageError("The payload of TFRecord files is unknown", got=payload, fix=did_you_mean(payload, _PAYLOADS))
    if compression == "infer":
        compression = "gzip" if target.suffix == ".gz" else None
    if compression not in {None, "none", *_WINDOW_BITS}:
        fix = did_you_mean(str(compression), ["infer", "none", *_WINDOW_BITS])
        raise UsageError("The compression of TFRecord files is unknown", got=compression, fix=fix)
    batches = data.to_batches() if isinstance(data, pa.Table) else as_source(data).dataset().batches()
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    rows = 0
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                packer = (
                    None if compression in {None, "none"} else zlib.compressobj(wbits=_WINDOW_BITS[str(compression)])
                )
                for messages in _messages(batches, payload):
                    rows += len(messages)
                    _write(file, packer, frame_records(messages))
                if packer is not None:
                    file.write(packer.flush())
            os.replace(temporary, target)  # noqa: PTH105 - says what it is: atomic
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return rows


def _write(file: IO[bytes], packer: Any, content: bytes) -> None:
    file.write(content if packer is None else packer.compress(content))


def frame_records(messages: Sequence[bytes]) -> bytes:
    """Return the records with their lengths and checksums."""
    lengths = np.array([len(message) for message in messages], np.int64)
    ends = np.cumsum(lengths)
    checks = masked_crcs(b"".join(messages), ends - lengths, lengths).tolist()
    heads = lengths.astype("<u8").tobytes()
    places = 8 * np.arange(len(messages))
    head_checks = masked_crcs(heads, places, np.full(len(messages), 8)).tolist()
    parts: list[bytes] = []
    for index, message in enumerate(messages):
        parts += [
            heads[8 * index : 8 * index + 8],
            struct.pack("<I", head_checks[index]),
            message,
            struct.pack("<I", checks[index]),
        ]
    return b"".join(parts)


def _messages(batches: Iterator[pa.RecordBatch], payload: str) -> Iterator[list[bytes]]:
    for whole in batches:
        for start in range(0, whole.num_rows, _ROWS):
            batch = whole.slice(start, _ROWS)
            if payload == "bytes":
                yield _records(batch)
                continue
            sequence = payload == "sequence_example"
            records = [Record() for _ in range(batch.num_rows)]
            for field, column in zip(batch.schema, batch.columns, strict=True):
                _fill(records, field, column, sequence=sequence)
            yield [encode_record(record, sequence=sequence) for record in records]


def _records(batch: pa.RecordBatch) -> list[bytes]:
    if len(batch.schema) != 1 or _kind(batch.schema[0], batch.schema[0].type) != BYTES:
        raise DataError("Records as they are come from one binary column", got=str(batch.schema))
    values: list[bytes] = batch.column(0).cast(pa.binary()).to_pylist()
    if None in values:
        raise DataError("A record is not missing", got="a missing value", where=batch.schema[0].name)
    return values


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _fill(records: list[Record], field: pa.Field, column: pa.Array, *, sequence: bool) -> None:
    listed = _is_list(field.type)
    inner = field.type.value_type if listed else field.type
    nested = listed and _is_list(inner)
    if nested and not sequence:
        fix = 'Lists of lists need payload="sequence_example"'
        raise DataError(f"Column {field.name!r} cannot be a feature", got=str(field.type), fix=fix)
    kind = _kind(field, inner.value_type if nested else inner)
    for record, value in zip(records, column.to_pylist(), strict=True):
        if value is None:
            continue
        if nested:
            record.sequences[field.name] = [_feature(field, kind, step) for step in value]
        else:
            record.features[field.name] = _feature(field, kind, value if listed else [value])


def _kind(field: pa.Field, kind: pa.DataType) -> int:
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_integer(kind) or types.is_boolean(kind):
        return INT64
    if types.is_floating(kind):
        return FLOAT
    if any(test(kind) for test in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)):
        return BYTES
    if types.is_null(kind):
        return 0
    raise DataError(
        f"Column {field.name!r} cannot be a feature",
        got=str(field.type),
        fix="Cast it to int64, float32, string or binary, or leave it out",
    )


def _feature(field: pa.Field, kind: int, values: Sequence[Any] | None) -> FeatureValue:
    if values is None:
        return FeatureValue()
    if None in values:
        raise DataError(f"A list in column {field.name!r} has a missing value", got=list(values)[:10])
    if kind == BYTES:
        return FeatureValue(kind, [value.encode() if isinstance(value, str) else value for value in values])
    return FeatureValue(kind, list(values))
