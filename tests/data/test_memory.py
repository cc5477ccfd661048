from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.data import (
    ArrowSource,
    AvroSource,
    CsvSource,
    Dataset,
    JsonSource,
    OrcSource,
    ParquetSource,
    Source,
    TableSource,
    as_source,
    dataset_from_table,
)
from headrace.data.memory import SCHEMES
from headrace.errors import DataError, UsageError
from headrace.testing import SourceSuite
from headrace.testing.sources import digest_file

COLUMNS: dict[str, list[Any]] = {"a": [1, 2, None], "b": ["x", None, "z"], "c": [0.5, 1.5, 2.5]}
TABLE = pa.table({"a": pa.array([1, 2, None], pa.int64()), "b": ["x", None, "z"], "c": [0.5, 1.5, 2.5]})


class TestLists(SourceSuite):
    @pytest.fixture
    def source(self) -> Source:
        return as_source(COLUMNS)

    @pytest.fixture
    def expected(self) -> pa.Table:
        return TABLE


class TestLargeTable(SourceSuite):
    @pytest.fixture
    def source(self) -> Source:
        return as_source(pa.table({"a": range(200_000), "b": pa.array(range(200_000), pa.int32())}))


class TestNoRows(SourceSuite):
    @pytest.fixture
    def source(self) -> Source:
        return as_source(TABLE.slice(0, 0))


def rows(obj: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = as_source(obj).dataset().to_table().to_pydict()
    return found


@pytest.mark.parametrize(
    "obj",
    [
        TABLE,
        TABLE.to_batches()[0],
        pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches()),
        dataset_from_table(TABLE, 2),
        TableSource(TABLE),
        pl.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS).astype({"a": "Int64"}),
    ],
    ids=lambda obj: type(obj).__name__,
)
def test_tables_of_all_kinds(obj: Any) -> None:
    assert rows(obj) == COLUMNS


def test_duckdb_relations() -> None:
    relation = duckdb.sql("select range::int32 as a, 'x' || range as b, range / 2 as c from range(100000)")
    found = as_source(relation).dataset()
    assert [str(kind) for kind in found.schema.types] == ["int64", "string", "double"]
    assert found.count_rows() == 100_000
    assert len(found.shards) > 1


def test_paths_by_their_ends(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    (tmp_path / "x.tsv").write_text("a\tb\n1\t2\n")
    pq.write_table(TABLE, tmp_path / "x.parquet")
    assert rows(tmp_path / "x.csv") == {"a": [1]}
    assert rows(str(tmp_path / "x.tsv")) == {"a": [1], "b": [2]}
    assert rows(tmp_path / "*.parquet") == COLUMNS
    assert rows([tmp_path / "x.csv", tmp_path / "x.csv"]) == {"a": [1, 1]}
    assert isinstance(as_source("x.csv.gz"), CsvSource)
    assert isinstance(as_source(tmp_path), ParquetSource)
    (tmp_path / "x.xml").write_text("<a/>")
    for wrong in (tmp_path / "x.xml", [tmp_path / "x.csv", tmp_path / "x.parquet"], "s3://x/y.xml", "x-{SPAN}.xml"):
        with pytest.raises(UsageError, match=r"how to read it: \.arrow, .*\.txt; got"):
            as_source(wrong)
    with pytest.raises(DataError, match=r"does not exist.*Did you mean '.*x\.xml'"):
        as_source(tmp_path / "y.xml")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="A file is wanted, not a folder"):
        as_source(tmp_path / "folder")


def test_every_suffix_has_a_source() -> None:
    kinds: dict[type, list[str | Path]] = {
        ArrowSource: ["x.arrow", "x.arrows", "x.ipc", "x.feather", "gs://bucket/x.ARROW"],
        AvroSource: ["x.avro", Path("x.AVRO")],
        JsonSource: ["x.json", "x.jsonl", "x.ndjson.zst", "https://host/x.json.gz?key=a.csv"],
        OrcSource: ["x.orc", "s3://bucket/day=*/x.orc"],
        CsvSource: ["x.txt", "x.data", "memory://x.csv", "zip://*.csv::data.zip"],
        ParquetSource: ["s3://bucket/*.parquet"],
    }
    for kind, paths in kinds.items():
        assert {type(as_source(path)) for path in paths} == {kind}


def test_a_protocol_with_a_source_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEMES, "table", lambda paths: as_source({"paths": [str(path) for path in paths]}))
    assert rows("table://x.csv") == {"paths": ["table://x.csv"]}
    assert rows("table+driver://host/x") == {"paths": ["table+driver://host/x"]}


def test_lists_of_rows() -> None:
    assert rows([{"a": 1, "b": {"c": [1]}}, {"d": "x"}, {"a": 2.5, "b": None}]) == {
        "a": [1.0, None, 2.5],
        "b": [{"c": [1]}, None, None],
        "d": [None, "x", None],
    }
    with pytest.raises(DataError, match="Column 'a' cannot be made"):
        as_source([{"a": 1}, {"a": "x"}])


def test_a_large_stream_goes_to_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.data.spill.MEMORY_BYTES", 1_000)
    wide = pa.table({"a": pa.array(range(10_000), pa.int32()), "b": [[n] for n in range(10_000)]})

    def stream(table: pa.Table) -> Source:
        source = as_source(pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=100)))
        assert isinstance(source, ArrowSource)
        return source

    source = stream(wide)
    fingerprint, dataset = source.fingerprint(digest_file), source.dataset()
    del source
    assert dataset.to_table().equals(wide.cast(dataset.schema))
    assert fingerprint == stream(wide).fingerprint(digest_file) != stream(wide.slice(1)).fingerprint(digest_file)


def test_a_reader_is_kept_since_it_can_be_read_only_once() -> None:
    source = as_source(pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches()))
    assert source.dataset().to_table() == source.dataset().to_table() == TABLE


@pytest.mark.parametrize("obj", [3, None, [], [1, 2], object()])
def test_what_is_no_source(obj: Any) -> None:
    with pytest.raises(UsageError, match="A source is a path"):
        as_source(obj)


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (pa.array([1, None], pa.uint32()), pa.array([1, None], pa.int64())),
        (pa.array([1.5, None], pa.float16()), pa.array([1.5, None], pa.float64())),
        (pa.array([decimal.Decimal("1.5"), None]), pa.array([1.5, None], pa.float64())),
        (pa.array(["x", None], pa.large_string()), pa.array(["x", None])),
        (pa.array(["x", None], pa.string_view()), pa.array(["x", None])),
        (pa.array(["x", None], pa.large_string()).dictionary_encode(), pa.array(["x", None])),
        (pa.array([7, None]).dictionary_encode(), pa.array([7, None])),
        (pa.nulls(2), pa.array([None, None], pa.string())),
        (pa.array([dt.date(2020, 1, 2), None], pa.date64()), pa.array([dt.date(2020, 1, 2), None])),
        (
            pa.array([dt.datetime(2020, 1, 2, 3, tzinfo=dt.UTC), None], pa.timestamp("ms", "Europe/Berlin")),
            pa.array(["2020-01-02 03:00:00", None]).cast(pa.timestamp("us")),
        ),
    ],
    ids=lambda array: str(array.type),
)
def test_types_become_those_of_a_snapshot(array: pa.Array, wanted: pa.Array) -> None:
    column = as_source(pa.table({"x": array})).dataset().to_table().column("x").combine_chunks()
    assert column.type == wanted.type
    assert column.equals(wanted)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([{}]),
        pa.array([[{}]]),
        pa.array([None], pa.month_day_nano_interval()),
        pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]),
        pa.UnionArray.from_dense(pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])]),
    ],
    ids=lambda array: str(array.type),
)
def test_types_that_cannot_be_used_name_the_column(array: pa.Array) -> None:
    with pytest.raises(DataError, match="Column 'odd' is of a type that cannot be used"):
        as_source(pa.table({"odd": array}))


def test_values_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="A value of column 'big' does not fit int64"):
        as_source(pa.table({"big": pa.array([2**63], pa.uint64())})).dataset().to_table()


@pytest.mark.parametrize(
    ("columns", "message"),
    [({"a": [1], "b": [1, 2]}, "same number of values"), ({"a": [1, "x"]}, "Column 'a' cannot be made")],
)
def test_lists_that_are_no_table(columns: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_source(columns)


def test_two_columns_of_one_name() -> None:
    with pytest.raises(DataError, match="distinct; got 'a'"):
        as_source(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]))


def test_fingerprints_are_of_the_content() -> None:
    one = as_source(TABLE)
    assert one.fingerprint(digest_file) == as_source(
        Dataset(TABLE.schema, dataset_from_table(TABLE, 1).shards)
    ).fingerprint(digest_file)
    assert one.fingerprint(digest_file) != as_source(TABLE.slice(1)).fingerprint(digest_file)
    assert one.fingerprint(digest_file) != as_source(TABLE.rename_columns(["a", "b", "d"])).fingerprint(digest_file)
