"""The statistics of TensorFlow Metadata, as TFX has them; needs tensorflow-metadata (extra ``tfx``).

Nothing is lost on the way there and back. What headrace knows beyond TensorFlow Metadata travels, as JSON, in a custom
statistic ``headrace/overlay`` of a feature; what TensorFlow Metadata knows beyond headrace stays, as text, in a custom
statistic ``tfx``.
"""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from headrace.data.files import file_paths, resolve_files
from headrace.data.filesystem import open_file
from headrace.data.tfrecord_files import kind_of_file, read_blocks
from headrace.data.tfrecord_frames import HEADER, is_header, read_frames
from headrace.data.tfrecord_writer import write_tfrecord
from headrace.errors import DataError, import_extra
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
from headrace.statistics.results import DatasetStatistics, Statistics
from headrace.statistics.tfmd_values import dataset_message, dataset_values, feature_message, feature_values
from headrace.statistics.values import CustomStatistic, FeatureStatistics
from headrace.storage import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace.data.filesystem import File

__all__ = ["from_payloads", "from_proto", "load_statistics", "save_statistics", "to_proto"]

_MODULE = "tensorflow_metadata.proto.v0.statistics_pb2"
_OVERLAY = "headrace/overlay"
_DATASET = "headrace/dataset"
_TFX = "tfx"
_RULE = "Statistics of TFX are a DatasetFeatureStatisticsList of TensorFlow Metadata"
_TEXT = (".pbtxt", ".txt", ".textproto")
_RECORDS = ("tfrecord", "tfrecords")
# Fields that are there and None where there is no value.
_EMPTY = {
    "num_stats": ("mean", "std_dev", "min", "median", "max"),
    "string_stats": ("avg_length", "min_length", "max_length"),
    "bytes_stats": ("avg_num_bytes", "min_num_bytes", "max_num_bytes"),
    "timestamp_stats": ("min", "max"),
}


def to_proto(statistics: Statistics, *, overlay: bool = True) -> Any:
    """Return the message ``statistics_pb2.DatasetFeatureStatisticsList``.

    BOOL and TIMESTAMP columns are INT there, with truth as 0 and 1.

    Parameters
    ----------
    statistics
        The statistics.
    overlay
        Whether what TensorFlow Metadata has no place for goes along, so that :func:`from_proto` gives the very same
        statistics again.

    Raises
    ------
    MissingExtraError
        If tensorflow-metadata is not installed.
    DataError
        If a text is not valid Unicode.
    """
    pb = import_extra(_MODULE, "tfx")
    message = pb.DatasetFeatureStatisticsList()
    try:
        for dataset in statistics.datasets:
            target = message.datasets.add()
            dataset_message(dataset, target)
            for feature in dataset.features:
                _feature(feature, target.features.add(), overlay=overlay)
            if overlay and target.features:
                patch = merge_patch(dataset_values(target), _plain(dataset, "features"))
                if patch:
                    target.features[0].custom_stats.add(name=_DATASET, str=json.dumps(patch))
    except UnicodeEncodeError as error:
        raise DataError("Text in statistics is valid Unicode", got=str(error)) from error
    return message


def from_proto(message: Any) -> tuple[Statistics, tuple[str, ...]]:
    """Return the statistics of a message ``statistics_pb2.DatasetFeatureStatisticsList``.

    TensorFlow Metadata has no distinct values of numbers (``unique`` is 0, and not ``unique_exact``), no infinities,
    and quantiles in a histogram alone, between whose bounds they are interpolated (``rank_error`` is the share of a
    bucket).

    Returns
    -------
    The statistics, and what they keep in a custom statistic ``tfx`` as it is, as
    ``"train: age: string_stats.vocabulary_file"``.

    Raises
    ------
    MissingExtraError
        If tensorflow-metadata is not installed.
    DataError
        If the message contradicts itself.
    """
    notes: list[str] = []
    datasets = []
    for dataset in message.datasets:
        patch: dict[str, Any] = {}
        features = tuple(_read_feature(feature, dataset.name, notes, patch) for feature in dataset.features)
        values = patched(dataset_values(dataset), patch)
        datasets.append(_converted(values | {"features": features}, DatasetStatistics, f"data set {dataset.name!r}"))
    return Statistics(tuple(datasets)), tuple(notes)


def from_payloads(payloads: Iterable[bytes]) -> tuple[Statistics, tuple[str, ...]]:
    """Return the statistics of serialized messages, which may each have a part of the features, as shards of TFX do.

    Parameters
    ----------
    payloads
        Messages ``DatasetFeatureStatisticsList``, as the records of a ``stats_tfrecord`` are.

    Returns
    -------
    As :func:`from_proto`.

    Raises
    ------
    MissingExtraError
        If tensorflow-metadata is not installed.
    DataError
        If one is no such message.
    """
    import_extra(_MODULE, "tfx")
    return from_proto(_joined(map(_parsed, payloads, count(1))))


def load_statistics(path: str | Path | Sequence[str | Path]) -> Statistics:
    """Read files of TFX: text where a name ends in ``.pbtxt``, ``.txt`` or ``.textproto``, otherwise binary.

    A binary file is one message, as ``FeatureStats.pb``, or a TFRecord file of messages, packed or not, as
    ``stats_tfrecord``; its first bytes tell, whatever its name.

    Parameters
    ----------
    path
        A file, a glob, or a list of them; what files say of data sets of the same name is joined, as
        :func:`from_payloads` does.

    Raises
    ------
    MissingExtraError
        If tensorflow-metadata is not installed.
    DataError
        If there is no such file, or it has no such message, or a record is damaged.
    """
    import_extra(_MODULE, "tfx")
    files = resolve_files(file_paths(path), None)
    messages = [message for file in files for message in _messages(file)]
    try:
        return from_proto(_joined(messages))[0]
    except DataError as error:
        raise _placed(error, ", ".join(map(str, files))) from error


def save_statistics(statistics: Statistics, path: str | Path) -> None:
    """Write a file of TFX, which :func:`load_statistics` reads; it is there whole or not at all.

    Parameters
    ----------
    path
        Text where the name ends in ``.pbtxt``, ``.txt`` or ``.textproto``; a TFRecord file of one record where it ends
        in ``tfrecord`` or ``tfrecords``, packed where ``.gz`` follows; otherwise a binary message.

    Raises
    ------
    MissingExtraError
        If tensorflow-metadata is not installed.
    StorageError
        If it cannot be written.
    """
    message = to_proto(statistics)
    target = Path(path)
    if target.suffix in _TEXT:
        write_atomic(target, text_of(message))
        return
    payload = message.SerializeToString(deterministic=True)
    if target.name.removesuffix(".gz").endswith(_RECORDS):
        write_tfrecord(target, pa.table({"record": pa.array([payload], pa.binary())}), payload="bytes")
    else:
        write_atomic(target, payload)


def _messages(file: File) -> Iterator[Any]:
    """Yield the messages of a file."""
    where = str(file)
    if Path(where).suffix in _TEXT:
        message = import_extra(_MODULE, "tfx").DatasetFeatureStatisticsList()
        try:
            parse_text(_content(file).decode(), message)
        except (TextError, UnicodeDecodeError) as error:
            raise DataError(_RULE, got=str(error), where=where) from error
        yield message
        return
    kind = kind_of_file(file, "infer")
    named = Path(where).name.endswith(_RECORDS)
    if kind is None and not named and not is_header(_content(file, HEADER)):
        payloads = [_content(file)]
    else:
        payloads = []
        for frames in read_frames(read_blocks(file, kind), where):
            if frames.unreadable:
                lost = frames.unreadable[0]
                raise DataError(
                    "No record of statistics is damaged", got=lost.reason, where=f"{where}, record {lost.row}"
                )
            payloads += [frames.data[start:end] for start, end in zip(frames.starts, frames.ends, strict=True)]
    try:
        yield from map(_parsed, payloads, count(1))
    except DataError as error:
        raise _placed(error, where) from error


def _content(file: File, size: int = -1) -> bytes:
    try:
        with open_file(file) as opened:
            return opened.read(size)
    except OSError as error:
        raise DataError("Statistics of TFX are a readable file", got=str(error), where=str(file)) from error


def _parsed(payload: bytes, number: int) -> Any:
    message = import_extra(_MODULE, "tfx").DatasetFeatureStatisticsList()
    decode_error = import_extra("google.protobuf.message", "tfx").DecodeError
    try:
        message.ParseFromString(payload)
    except (decode_error, RecursionError) as error:
        raise DataError(_RULE, got=str(error), where=f"message {number}") from error
    return message


def _joined(messages: Iterable[Any]) -> Any:
    whole = import_extra(_MODULE, "tfx").DatasetFeatureStatisticsList()
    for message in messages:
        for dataset in message.datasets:
            known = next((other for other in whole.datasets if other.name == dataset.name), None)
            if known is None:
                whole.datasets.add().CopyFrom(dataset)
            else:
                known.features.extend(dataset.features)
                known.cross_features.extend(dataset.cross_features)
                known.num_examples = max(known.num_examples, dataset.num_examples)
                known.weighted_num_examples = max(known.weighted_num_examples, dataset.weighted_num_examples)
    return whole


def _placed(error: DataError, file: str) -> DataError:
    where = ", ".join(part for part in (file, error.where) if part)
    return DataError(error.rule, got=error.got, where=where, fix=error.fix)


def _plain(part: Any, without: str) -> dict[str, Any]:
    plain: dict[str, Any] = plain_lists(msgspec.to_builtins(part))
    plain.pop(without, None)
    return plain


def _feature(feature: FeatureStatistics, message: Any, *, overlay: bool) -> None:
    kept = next((one for one in feature.custom_stats if one.name == _TFX), None)
    custom = tuple(one for one in feature.custom_stats if one is not kept)
    feature = msgspec.structs.replace(feature, custom_stats=custom)
    feature_message(feature, message)
    if kept is not None:
        text_format = import_extra("google.protobuf.text_format", "tfx")
        left = type(message)()
        try:
            text_format.Parse(str(kept.value), left)
        except text_format.ParseError as error:
            raise DataError("The custom statistic tfx is text of TensorFlow Metadata", got=str(error)) from error
        apply(message, left)
    if overlay:
        patch = merge_patch(feature_values(message), _plain(feature, "common_stats"))
        if patch:
            message.custom_stats.add(name=_OVERLAY, str=json.dumps(patch))


def _read_feature(given: Any, dataset: str, notes: list[str], more: dict[str, Any]) -> FeatureStatistics:
    message = type(given)()
    message.CopyFrom(given)
    overlay: dict[str, Any] = {}
    for index in reversed(range(len(message.custom_stats))):
        custom = message.custom_stats[index]
        if custom.name in (_OVERLAY, _DATASET):
            try:
                found = json.loads(custom.str)
            except (ValueError, RecursionError) as error:
                raise DataError(f"The custom statistic {custom.name} is JSON", got=str(error)) from error
            if not isinstance(found, dict):
                raise DataError(f"The custom statistic {custom.name} is a JSON object", got=type(found).__name__)
            if custom.name == _OVERLAY:
                overlay |= found
            else:
                more |= found
            del message.custom_stats[index]
    known = feature_values(message)
    values = patched(known, overlay)
    for key, empty in _EMPTY.items():
        if isinstance(values.get(key), dict):
            values[key] = dict.fromkeys(empty) | values[key]
            if isinstance(values[key].get("weighted"), dict) and key == "num_stats":
                values[key]["weighted"] = dict.fromkeys(("mean", "std_dev", "median")) | values[key]["weighted"]
    where = f"data set {dataset!r}, feature {known['name']!r}"
    feature: FeatureStatistics = _converted(values, FeatureStatistics, where)
    written = type(given)()
    feature_message(feature, written)
    left = residue(message, written)
    # A name alone says what the path says.
    left.ClearField("name")
    left.ClearField("path")
    if left.ListFields():
        # Everybody writes this one of plain columns, too, where it says nothing.
        notes += [f"{dataset}: {feature.name}: {leaf}" for leaf in leaves(left) if ".num_values_histogram." not in leaf]
        kept = CustomStatistic(_TFX, text_of(left, one_line=True))
        feature = msgspec.structs.replace(feature, custom_stats=(*feature.custom_stats, kept))
    return feature


def _converted(values: dict[str, Any], kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(values, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DataError("Statistics of TFX say what statistics say", got=str(error), where=where) from error
