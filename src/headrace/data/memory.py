"""Data in memory as a source, and any object that can be one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from headrace.data.arrow_source import arrow
from headrace.data.avro_source import avro
from headrace.data.csv_source import csv
from headrace.data.dataset import Dataset, dataset_from_table
from headrace.data.files import PathLike, resolve_files
from headrace.data.filesystem import file_at, is_url, list_folder
from headrace.data.json_source import json_lines
from headrace.data.normal_types import normalise, normalise_dataset, normalised_schema
from headrace.data.orc_source import orc
from headrace.data.parquet_source import parquet
from headrace.data.source import Source
from headrace.data.spans import has_spans
from headrace.data.spill import kept
from headrace.data.tfrecord_source import tfrecord
from headrace.errors import DataError, UsageError

__all__ = ["SCHEMES", "SUFFIXES", "DatasetSource", "TableSource", "as_source", "normalise_dataset", "normalised_schema"]


@dataclass(frozen=True)
class TableSource:
    """A table in memory."""

    table: pa.Table

    def dataset(self) -> Dataset:
        """Cut the table into shards."""
        return normalise_dataset(dataset_from_table(self.table))

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:  # noqa: ARG002 - there is no file
        """Return the digest of the table's content."""
        digest = hashlib.blake2b(digest_size=16)

        class _Hash:
            closed = False

            def write(self, data: Any) -> int:
                digest.update(data)
                return len(data)

            def flush(self) -> None:
                """Do nothing: what is hashed is hashed."""

            def close(self) -> None:
                """Do nothing: what is hashed is hashed."""

        schema = normalised_schema(self.table.schema)
        with pa.ipc.new_stream(pa.PythonFile(_Hash(), "w"), schema) as writer:
            for batch in self.table.combine_chunks().to_batches():
                writer.write_batch(normalise(batch, schema))
        return f"table:{digest.hexdigest()}"


@dataclass(frozen=True)
class DatasetSource:
    """A dataset that is open already."""

    opened: Dataset

    def dataset(self) -> Dataset:
        """Return the dataset."""
        return normalise_dataset(self.opened)

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:
        """Return the digest of the rows."""
        return TableSource(self.dataset().to_table()).fingerprint(digest_file)


def _tsv(paths: Sequence[PathLike]) -> Source:
    return csv(paths, separator="\t")


Maker = Callable[[Sequence[PathLike]], Source]

# What reads files whose names end so, whether or not they are packed.
SUFFIXES: dict[str, Maker] = {
    ".arrow": arrow,
    ".arrows": arrow,
    ".avro": avro,
    ".csv": csv,
    ".data": csv,
    ".feather": arrow,
    ".ipc": arrow,
    ".json": json_lines,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".orc": orc,
    ".parquet": parquet,
    ".tab": _tsv,
    ".tfrecord": tfrecord,
    ".tfrecords": tfrecord,
    ".tsv": _tsv,
    ".txt": csv,
}
# What reads URLs that begin so; the suffix decides where the protocol is not here.
SCHEMES: dict[str, Maker] = {}
# Of the files that a cluster writes: data.tfrecord-00000-of-00010.
_PART = re.compile(r"-\d{5}-of-\d{5}")
_PACKED = (".gz", ".bz2", ".zst", ".zip")


def _maker(path: PathLike) -> Maker | None:
    text = str(path)
    if is_url(text):
        scheme = text.partition("://")[0].lower()
        # A database's URL may name the driver too, as postgresql+psycopg.
        found = SCHEMES.get(scheme, SCHEMES.get(scheme.partition("+")[0]))
        if found is not None:
            return found
    name = _PART.sub("", file_at(text).name.lower())
    for packed in _PACKED:
        name = name.removesuffix(packed)
    known = SUFFIXES.get(Path(name).suffix)
    return parquet if known is None and list_folder(text, ".parquet") else known


def _from_path(paths: Sequence[PathLike]) -> Source:
    makers = {_maker(path) for path in paths}
    maker = next(iter(makers))
    if len(makers) != 1 or maker is None:
        # A file that is not there, or a folder, is told of as such.
        local = [path for path in paths if not is_url(str(path)) and not has_spans(str(path))]
        if local:
            resolve_files(local)
        raise UsageError(
            f"The end of a file's name says how to read it: {', '.join(sorted(SUFFIXES))}",
            got=", ".join(str(path) for path in paths),
            fix="Say it with hr.csv(path, …), hr.json_lines(path, …) or hr.parquet(path, …)",
        )
    return maker(paths)


def as_source(obj: Any) -> Source:
    """Return a source for anything that can be one.

    Parameters
    ----------
    obj
        A path, URL or glob whose suffix says the format, a folder of Parquet files, a list of paths; a source; a
        dataset; an Arrow table or batch; anything with the Arrow PyCapsule interface (pandas, polars, DuckDB, a
        ``RecordBatchReader``); a mapping of columns to lists; a list of rows as mappings, in which an absent key is
        null. What may be read only once, as a reader, is read to its end: up to 256 MB stay in memory, more goes to a
        temporary file that lasts as long as the process.

    Raises
    ------
    UsageError
        If it is none of these.
    DataError
        If a column has a type that cannot be used.
    """
    if isinstance(obj, (str, Path)):
        return _from_path([obj])
    if isinstance(obj, Dataset):
        return DatasetSource(obj)
    if isinstance(obj, pa.Table):
        return _table_source(obj)
    if isinstance(obj, pa.RecordBatch):
        return _table_source(pa.Table.from_batches([obj]))
    if isinstance(obj, Source):
        return obj
    if hasattr(obj, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(obj)
        normalised_schema(reader.schema)
        found = kept(reader)
        return _table_source(found) if isinstance(found, pa.Table) else found
    if hasattr(obj, "__arrow_c_array__"):
        return _table_source(pa.Table.from_batches([pa.record_batch(obj)]))
    if isinstance(obj, Mapping):
        return _table_source(_from_columns(obj))
    if isinstance(obj, Sequence) and obj:
        if all(isinstance(item, (str, Path)) for item in obj):
            return _from_path(obj)
        if all(isinstance(item, Mapping) for item in obj):
            names = dict.fromkeys(name for row in obj for name in row)
            return _table_source(_from_columns({name: [row.get(name) for row in obj] for name in names}))
    raise UsageError(
        "A source is a path, a headrace source, a dataset, an Arrow or pandas table, a dict of lists, a list of dicts",
        got=f"a {type(obj).__name__}",
    )


def _from_columns(columns: Mapping[str, Any]) -> pa.Table:
    arrays = {}
    for name, values in columns.items():
        try:
            arrays[str(name)] = pa.array(values)
        except (pa.ArrowException, TypeError) as error:
            raise DataError(f"Column {name!r} cannot be made of these values", got=str(error)) from error
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise DataError("All columns have the same number of values", got=lengths)
    return pa.table(arrays)


def _table_source(table: pa.Table) -> TableSource:
    normalised_schema(table.schema)
    return TableSource(table)
