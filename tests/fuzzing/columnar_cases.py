"""Arrow IPC, ORC and Parquet files that are broken: read as they are, or refused whole; the process lives on."""

from __future__ import annotations

import datetime as dt
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import orc
from tests.fuzzing.cases import Case, Finding, Verdict, examine, mutated

from headrace.data import arrow, arrow_files, parquet, parquet_files
from headrace.data import orc as orc_source

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["check_arrow", "check_orc", "check_parquet", "make_arrow", "make_orc", "make_parquet"]

TOKENS = (
    b"\0",
    b"\xff" * 4,
    b"\xff" * 8,
    b"\0" * 8,
    b"\x7f\xff\xff\xff",
    b"ARROW1",
    b"PAR1",
    b"ORC",
    b"\x80" * 10,
    b"\x01",
)
COLUMNS: dict[str, tuple[pa.DataType, tuple[Any, ...]]] = {
    "int": (pa.int64(), (1, -2, None, 2**62)),
    "small": (pa.int8(), (1, 2, 3)),
    "float": (pa.float64(), (0.5, None, -1.0)),
    "text": (pa.string(), ("a", "é", None, "")),
    "bytes": (pa.binary(), (b"", b"\xff", None)),
    "bool": (pa.bool_(), (True, None, False)),
    "date": (pa.date32(), (dt.date(2020, 1, 2), None)),
    "time": (pa.timestamp("us"), (dt.datetime(2020, 1, 2, 3, 4, 5), None)),  # noqa: DTZ001 - columns have no zone
    "list": (pa.list_(pa.int32()), ([1, 2], [], None)),
    "struct": (pa.struct([("p", pa.int64()), ("q", pa.string())]), ({"p": 1, "q": "x"}, None)),
    "words": (pa.dictionary(pa.int32(), pa.string()), ("a", "b", None)),
    "wide": (pa.decimal128(9, 2), (None, 1, 2)),
    "map": (pa.map_(pa.string(), pa.int64()), ([("a", 1)], [], None)),
}
ORC_COLUMNS = ("int", "small", "float", "text", "bytes", "bool", "date", "list", "struct", "wide")


def _table(rng: random.Random, names: tuple[str, ...]) -> pa.Table:
    rows = int(2 ** rng.uniform(0, 9))
    chosen = rng.sample(names, rng.randint(1, 4))
    arrays = [pa.array([rng.choice(COLUMNS[name][1]) for _ in range(rows)], COLUMNS[name][0]) for name in chosen]
    return pa.table(arrays, names=chosen)


def _case(rng: random.Random, target: str, table: pa.Table, data: bytes) -> Case:
    if rng.random() < 0.1:
        return Case(target, data, f".{target}", {}, table.num_rows)
    return Case(target, mutated(rng, data, TOKENS, 3), f".{target}", {}, None)


def make_arrow(rng: random.Random) -> Case:
    table = _table(rng, tuple(COLUMNS))
    options = pa.ipc.IpcWriteOptions(compression=rng.choice([None, None, "lz4", "zstd"]), emit_dictionary_deltas=True)
    out = io.BytesIO()
    new = pa.ipc.new_file if rng.random() < 0.6 else pa.ipc.new_stream
    with new(out, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rng.choice([1_000, 50]))
    return _case(rng, "arrow", table, out.getvalue())


def make_orc(rng: random.Random) -> Case:
    table = _table(rng, ORC_COLUMNS)
    out = io.BytesIO()
    orc.write_table(table, out, compression=rng.choice(["uncompressed", "zlib", "zstd", "snappy"]))
    return _case(rng, "orc", table, out.getvalue())


def make_parquet(rng: random.Random) -> Case:
    table = _table(rng, tuple(COLUMNS))
    out = io.BytesIO()
    pq.write_table(
        table,
        out,
        compression=rng.choice(["none", "snappy", "zstd", "gzip"]),
        row_group_size=rng.choice([1_000, 50]),
        data_page_version=rng.choice(["1.0", "2.0"]),
        use_dictionary=rng.random() < 0.5,
    )
    return _case(rng, "parquet", table, out.getvalue())


@contextmanager
def _small_arrow(size: int) -> Iterator[None]:
    with mock.patch.object(arrow_files, "MOST_SHARDS", size):
        yield


@contextmanager
def _small_parquet(size: int) -> Iterator[None]:
    with mock.patch.object(parquet_files, "SHARD_ROWS", size):
        yield


def _check(case: Case, source: Any, rng: random.Random, small: Any) -> Verdict:
    reading = examine(source, rng, small if case.truth is not None else None, whole_only=True)
    if case.truth is not None and reading.count != case.truth:
        raise Finding(f"{reading.count} rows of {case.truth}: {reading.refusal}")
    return reading.verdict()


def _written(case: Case, folder: Path) -> Path:
    path = folder / f"fuzzed{case.suffix}"
    path.write_bytes(case.data)
    return path


def check_arrow(case: Case, folder: Path, rng: random.Random) -> Verdict:
    return _check(case, arrow(_written(case, folder)), rng, _small_arrow)


def check_orc(case: Case, folder: Path, rng: random.Random) -> Verdict:
    return _check(case, orc_source(_written(case, folder)), rng, None)


def check_parquet(case: Case, folder: Path, rng: random.Random) -> Verdict:
    return _check(case, parquet(_written(case, folder)), rng, _small_parquet)
