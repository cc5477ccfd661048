"""TFRecord files as a source: the description only; ``tfrecord_dataset`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headrace.data.files import PathLike, file_paths, fingerprint_of, resolve_files
from headrace.data.spans import spans_option
from headrace.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from headrace.data.dataset import Dataset
    from headrace.data.filesystem import File
    from headrace.data.spans import Rolling, SpanSelection

__all__ = ["TFRECORD_TYPES", "TFRecordSource", "tfrecord"]

TFRECORD_TYPES = {
    "int64": "int64",
    "int": "int64",
    "float64": "float64",
    "float": "float64",
    "string": "string",
    "str": "string",
    "bytes": "bytes",
    "binary": "bytes",
}
_PAYLOADS = ("example", "sequence_example", "bytes")
_COMPRESSIONS = ("infer", "none", "gzip", "zlib")


@dataclass(frozen=True)
class TFRecordSource:
    """TFRecord files and how to read them; made by `tfrecord`."""

    paths: tuple[str, ...]
    payload: str = "example"
    types: tuple[tuple[str, str], ...] = ()
    scalars: bool | str = "infer"
    columns: tuple[str, ...] | None = None
    compression: str | None = "infer"
    spans: SpanSelection = None

    def files(self) -> tuple[File, ...]:
        """Return the files that are there now."""
        return resolve_files(self.paths, self.spans)

    def dataset(self) -> Dataset:
        """Find the features and their types by reading everything once, and open the data.

        Raises
        ------
        DataError
            If a file is absent or no record can be read.
        """
        from headrace.data.tfrecord_dataset import open_tfrecord

        return open_tfrecord(self)

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        """Return the identity of the files' bytes, their names and all options."""
        options = {
            name: getattr(self, name) for name in sorted(self.__dataclass_fields__) if name not in {"paths", "spans"}
        }
        return fingerprint_of("tfrecord", self.files(), digest_file, options)


def tfrecord(
    path: PathLike | Sequence[PathLike],
    *,
    payload: Literal["example", "sequence_example", "bytes"] = "example",
    types: Mapping[str, str] | None = None,
    scalars: bool | Literal["infer"] = "infer",
    columns: Sequence[str] | None = None,
    compression: str | None = "infer",
    spans: tuple[int, int] | Rolling | None = None,
) -> TFRecordSource:
    """Describe TFRecord files; TensorFlow is not needed.

    Features become columns, by name in alphabetical order: lists of int64, float64 (from TFRecord's float32, without
    loss), string or binary. A list of bytes is text where all of its values in all records are UTF-8. A feature that a
    record does not have, or has with none of the three lists, is missing.

    Records that are damaged, or whose features are not of the columns' types, are set aside.

    Parameters
    ----------
    path
        A file, a glob, a pattern with ``{SPAN}``, or a list of them.
    payload
        What a record is: "example" (``tf.Example``), "sequence_example" (``tf.SequenceExample``: its feature lists
        become lists of lists; one that has the name of a context feature is named ``sequence.<name>``), or "bytes":
        one binary column ``record``.
    types
        Types that are not to be found out: int64, float64, string, bytes. A float64 column takes lists of ints too.
        Without it, the type that most records have counts, and the other records are set aside.
    scalars
        Whether features are single values instead of lists. "infer": those with exactly one value wherever they are
        present. True: all; an empty list is missing, and records with more values are set aside. False: none.
    columns
        Read only these.
    compression
        gzip, zlib, None, or "infer": by the first bytes of each file, whatever its name.
    spans
        First and last span, both included, or ``hr.rolling(…)``; the newest span when None.

    Examples
    --------
    >>> tfrecord("train-*.tfrecord.gz", types={"image": "bytes"}).types
    (('image', 'bytes'),)
    """
    if payload not in _PAYLOADS:
        raise UsageError("The payload of TFRecord files is unknown", got=payload, fix=did_you_mean(payload, _PAYLOADS))
    if compression is not None and compression not in _COMPRESSIONS:
        fix = did_you_mean(compression, _COMPRESSIONS)
        raise UsageError("The compression of TFRecord files is unknown", got=compression, fix=fix)
    if not (isinstance(scalars, bool) or scalars == "infer"):
        raise UsageError('scalars is True, False or "infer"', got=scalars)
    known = {}
    for name, kind in (types or {}).items():
        if kind not in TFRECORD_TYPES:
            raise UsageError(f"The type of {name!r} is unknown", got=kind, fix=did_you_mean(str(kind), TFRECORD_TYPES))
        known[name] = TFRECORD_TYPES[kind]
    if payload == "bytes" and known:
        raise UsageError("types are for the features of examples", got=known, fix="Leave types out, or change payload")
    if isinstance(columns, str):
        raise UsageError("columns is a list of names", got=columns, fix=f"Write columns=[{columns!r}]")
    return TFRecordSource(
        paths=file_paths(path),
        payload=payload,
        types=tuple(sorted(known.items())),
        scalars=scalars,
        columns=None if columns is None else tuple(columns),
        compression=compression,
        spans=spans_option(spans),
    )
