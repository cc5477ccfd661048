from __future__ import annotations

import datetime as dt
import os
import pickle
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import adbc_driver_sqlite.dbapi
import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headrace as hr
from headrace.data import ReportingShard, SqlSource, Unreadable, sql, sql_database
from headrace.data.sql_dataset import _bounds
from headrace.data.sql_source import safe_url
from headrace.errors import DataError, MissingExtraError, UsageError
from headrace.testing import SourceSuite
from headrace.testing.sources import digest_file

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.data import Dataset

ROWS = [
    (
        number,
        None if number % 7 == 0 else f"w%:x{number % 5}",
        number / 4,
        bool(number % 2),
        f"2026-01-{number % 28 + 1:02}",
        f"2026-01-01 {number % 24:02}:00:00",
        None if number % 10 == 0 else number % 50,
    )
    for number in range(1, 201)
]
EXPECTED = pa.table(
    {
        "id": pa.array([row[0] for row in ROWS], pa.int64()),
        "word": [row[1] for row in ROWS],
        "price": [row[2] for row in ROWS],
        "ok": [row[3] for row in ROWS],
        "day": [dt.date.fromisoformat(row[4]) for row in ROWS],
        "moment": pa.array([dt.datetime.fromisoformat(row[5]) for row in ROWS], pa.timestamp("us")),
        "part": pa.array([row[6] for row in ROWS], pa.int64()),
    }
)
CREATE = "CREATE TABLE sales (id INT, word TEXT, price DECIMAL(9, 2), ok BOOLEAN, day DATE, moment TIMESTAMP, part INT)"


@pytest.fixture
def url(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute(CREATE)
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
    return f"sqlite:///{tmp_path}/shop.db"


def execute(url: str, *statements: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def reported(dataset: Dataset) -> list[Unreadable]:
    rows: list[Unreadable] = []
    for shard in dataset.shards:
        assert isinstance(shard, ReportingShard)
        list(shard.read_reporting(rows.append))
    return rows


class TestTable(SourceSuite):
    @pytest.fixture
    def source(self, url: str) -> SqlSource:
        return sql("sales", url)

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED


class TestQuery(SourceSuite):
    @pytest.fixture
    def source(self, url: str) -> SqlSource:
        return sql("SELECT id, word, price FROM sales WHERE word LIKE 'w%:x%';", url)

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED.filter(EXPECTED["word"].is_valid()).select(["id", "word", "price"]).combine_chunks()


class TestPartitions(SourceSuite):
    @pytest.fixture
    def source(self, url: str) -> SqlSource:
        return sql("sales", url, partition_on="id", partitions=3)

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED

    def test_they_are_even(self, dataset: Dataset) -> None:
        sizes = [sum(batch.num_rows for batch in shard.read()) for shard in dataset.shards]
        assert sizes == [66, 66, 68, 0]


class TestRowsThatDoNotFit(SourceSuite):
    @pytest.fixture
    def source(self, url: str) -> SqlSource:
        execute(
            url, "UPDATE sales SET price = 'much' WHERE id = 3", "UPDATE sales SET day = 'never' WHERE id IN (3, 8)"
        )
        return sql("sales", url, partition_on="part", partitions=2)

    def test_they_are_told(self, dataset: Dataset) -> None:
        bad = reported(dataset)
        assert dataset.count_rows() + len(bad) == len(ROWS)
        assert [str(row) for row in bad] == [
            "sales, row 3: column 'price': 'much' is not of type float64",
            "sales, row 8: column 'day': 'never' is not of type date32",
        ]
        assert bad[0].text is not None
        assert "'id': 3" in bad[0].text


class TestDuckDb(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> SqlSource:
        with duckdb.connect(tmp_path / "shop.duckdb") as connection:
            connection.execute(CREATE)
            connection.register("expected", EXPECTED)
            connection.execute("INSERT INTO sales SELECT * FROM expected")
        return sql("sales", f"duckdb:///{tmp_path}/shop.duckdb", partition_on="moment", partitions=4)

    def test_rows(self, dataset: Dataset) -> None:
        assert dataset.to_table().sort_by("id").equals(EXPECTED)
        assert len(dataset.shards) == 5


class TestAdbc(SourceSuite):
    @pytest.fixture(autouse=True)
    def driver(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put SQLite's driver in the place of PostgreSQL's; both have the same interface."""

        class Driver:
            Error = adbc_driver_sqlite.dbapi.Error

            @staticmethod
            def connect(_: str) -> Any:
                return adbc_driver_sqlite.dbapi.connect(url.removeprefix("sqlite:///"))

        monkeypatch.setattr(sql_database, "_adbc", lambda: Driver)

    @pytest.fixture
    def source(self) -> SqlSource:
        return sql("SELECT id, part FROM sales", "postgresql://host/shop", partition_on="id", partitions=3)

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED.select(["id", "part"])

    def test_a_query_that_is_wrong(self) -> None:
        with pytest.raises(DataError, match=r"refuses the query.*nothing"):
            sql("SELECT * FROM nothing", "postgresql://host/shop").dataset()

    def test_types_are_the_databases(self) -> None:
        with pytest.raises(UsageError, match="CAST"):
            sql("SELECT id FROM sales", "postgresql://host/shop", types={"id": "str"}).dataset()


@pytest.mark.skipif("TEST_POSTGRESQL_URL" not in os.environ, reason="TEST_POSTGRESQL_URL is no URL")
class TestPostgresql(SourceSuite):
    @pytest.fixture
    def source(self) -> SqlSource:
        query = (
            "SELECT i AS id, (i % 7)::text AS word, i * 1.5 AS price, i % 2 = 0 AS ok, date '2026-01-01' + i AS day, "
            "gen_random_uuid()::text = '' AS never, timestamptz '2026-01-01 00:00:00Z' + i * interval '1 hour' AS at "
            "FROM generate_series(1, 1000) i"
        )
        return sql(query, os.environ["TEST_POSTGRESQL_URL"], partition_on="at", partitions=3)

    def test_types(self, dataset: Dataset) -> None:
        kinds = ["int64", "string", "double", "bool", "date32[day]", "bool", "timestamp[us]"]
        assert [str(field.type) for field in dataset.schema] == kinds
        assert dataset.count_rows() == 1000


@settings(deadline=None)
@given(
    st.lists(st.none() | st.integers(-(2**62), 2**62) | st.integers(0, 9), max_size=30),
    st.integers(1, 9),
)
def test_every_row_is_in_one_partition(values: list[int | None], partitions: int) -> None:
    present = [value for value in values if value is not None]
    bounds = _bounds(min(present, default=None), max(present, default=None), partitions, "a", "t")
    assert [int(bound) for bound in bounds] == sorted({int(bound) for bound in bounds})
    assert len(bounds) < max(partitions, 1)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.none() | st.integers(-9, 9) | st.floats(-9, 9), max_size=20), st.integers(1, 5))
def test_partitions_have_every_row_once(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], partitions: int
) -> None:
    path = tmp_path_factory.mktemp("db") / "x.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (n INTEGER, a)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(values)))
    source = sql("t", f"sqlite:///{path}", partition_on="a", partitions=partitions)
    assert sorted(source.dataset().to_table(["n"])["n"].to_pylist()) == list(range(len(values)))


def test_rows_that_come_later_are_in_the_outer_partitions(url: str) -> None:
    dataset = sql("sales", url, partition_on="id", partitions=3).dataset()
    execute(url, "INSERT INTO sales (id) VALUES (-5), (9999), (NULL)")
    assert dataset.count_rows() == 203


def test_types_of_queries_are_those_of_all_values(url: str) -> None:
    execute(url, "CREATE TABLE odd (a, b, c, d)", "INSERT INTO odd VALUES (1, 1, x'ff', NULL), (2.5, 'x', x'00', NULL)")
    dataset = sql("SELECT * FROM odd", url).dataset()
    assert [str(field.type) for field in dataset.schema] == ["double", "string", "binary", "string"]
    assert dataset.to_table().to_pylist() == [
        {"a": 1.0, "b": "1", "c": b"\xff", "d": None},
        {"a": 2.5, "b": "x", "c": b"\0", "d": None},
    ]
    given_types = sql("SELECT * FROM odd", url, types={"a": "int", "b": "string", "c": "bytes", "d": "date"}).dataset()
    assert given_types.to_table().num_rows == 1
    assert [row.reason for row in reported(given_types)] == ["column 'a': 2.5 is not of type int64"]


def test_columns_alone(url: str) -> None:
    source = sql("sales", url, columns=["word", "id"], partition_on="part", partitions=2)
    assert source.dataset().columns == ["word", "id"]
    assert source.dataset().count_rows() == 200
    assert sum(batch.num_rows for shard in source.dataset().shards for batch in shard.read([])) == 200
    assert hr.generate_statistics(source)["data"].num_examples == 200


def test_the_fingerprint_is_of_the_rows(url: str) -> None:
    source = sql("SELECT * FROM sales", url)
    before = source.fingerprint(digest_file)
    assert sql("SELECT * FROM sales", url).fingerprint(digest_file) == before
    execute(url, "CREATE TABLE backwards AS SELECT * FROM sales ORDER BY id DESC", "DELETE FROM sales")
    execute(url, "INSERT INTO sales SELECT * FROM backwards")
    assert source.fingerprint(digest_file) == before
    execute(url, "UPDATE sales SET word = 'another' WHERE id = 100")
    assert source.fingerprint(digest_file) != before
    dated = sql("SELECT * FROM sales", url, version="2026-01")
    fixed = dated.fingerprint(digest_file)
    execute(url, "DELETE FROM sales")
    assert dated.fingerprint(digest_file) == fixed


def test_passwords_are_nowhere() -> None:
    secret = "postgresql+nosuch://anna:p@ss:w%2Frd@127.0.0.1:1/db?sslpassword=hidden"
    source = sql("people", secret, version="1")
    with pytest.raises(UsageError) as unknown:
        source.dataset()
    for text in (repr(source), str(source), source.fingerprint(digest_file), safe_url(secret), str(unknown.value)):
        assert not any(part in text for part in ("p@ss", "ss:w", "rd@", "hidden"))
    assert "anna" in safe_url(secret)
    assert pickle.loads(pickle.dumps(source)) == source


def test_passwords_are_not_in_what_drivers_say(monkeypatch: pytest.MonkeyPatch) -> None:
    class Driver:
        Error = RuntimeError

        @staticmethod
        def connect(url: str) -> Any:
            assert url == "postgresql://anna:p%40ss@host/db?a=b"
            raise RuntimeError("cannot log in\nas anna with p@ss or p%40ss")

    monkeypatch.setattr(sql_database, "_adbc", lambda: Driver)
    for url in ("postgresql://anna:p%40ss@host/db?a=b", "postgresql://anna:p@ss@host/db?a=b"):
        with pytest.raises(
            DataError, match=r"cannot be reached; got cannot log in \(postgresql://anna:\*\*\*@host"
        ) as no:
            sql("x", url).dataset()
        assert no.value.__cause__ is None
        assert "p@ss" not in str(no.value)


def test_what_is_not_there(url: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such table; got sale\. Did you mean 'sales'"):
        sql("sale", url).dataset()
    with pytest.raises(DataError, match="Did you mean 'word'"):
        sql("sales", url, columns=["wrd"]).dataset()
    with pytest.raises(DataError, match="Did you mean 'id'"):
        sql("sales", url, partition_on="idd").dataset()
    with pytest.raises(DataError, match="refuses the query; got near"):
        sql("SELECT * FORM sales", url).dataset()
    with pytest.raises(DataError, match=r"Did you mean 'shop\.db'"):
        sql("sales", f"sqlite:///{tmp_path}/shops.db").dataset()
    assert not (tmp_path / "shops.db").exists()
    with pytest.raises(DataError, match="does not exist"):
        sql("sales", f"duckdb:///{tmp_path}/absent/x.duckdb").dataset()
    with pytest.MonkeyPatch.context() as patch:
        # SQLite names the columns of a subquery apart; others do not.
        patch.setattr(sql_database.RowDatabase, "columns", lambda *_: ["id", "id"])
        with pytest.raises(DataError, match="distinct names"):
            sql("SELECT id, word AS id FROM sales", url).dataset()
    with pytest.raises(UsageError, match="numbers, dates or timestamps"):
        sql("sales", url, partition_on="word").dataset()
    (tmp_path / "text.db").write_text("this is no database, and long enough to be sure of it" * 9)
    with pytest.raises(DataError, match="cannot be reached"):
        sql("sales", f"duckdb:///{tmp_path}/text.db").dataset()


def test_drivers_that_are_not_there() -> None:
    with pytest.raises(UsageError, match="kind of database is unknown"):
        sql("x", "nosuch://host/db").dataset()
    with pytest.raises(MissingExtraError, match="name another driver"):
        sql("x", "mysql://host/db").dataset()
    with pytest.raises(MissingExtraError, match=r"headrace\[adbc\]"):
        sql("x", "postgresql+pg8000://host/db").dataset()


def test_arguments_that_are_wrong() -> None:
    for statement, url, options, match in [
        ("", "sqlite:///x", {}, "A table or a query"),
        ("x", "shop.db", {}, "names its kind"),
        ("x", "sqlite:///x", {"partitions": 0}, "at least one partition"),
        ("x", "sqlite:///x", {"columns": "a"}, "list of names"),
        ("x", "sqlite:///x", {"types": {"a": "int32"}}, "type of 'a'"),
    ]:
        with pytest.raises(UsageError, match=match):
            sql(statement, url, **options)  # type: ignore[arg-type]


def test_what_is_a_query() -> None:
    queries = ["select 1", "-- why\n WITH x AS (SELECT 1) SELECT * FROM x", "(select 1)", "VALUES (1)", "from t"]
    assert all(sql(query, "sqlite:///x").is_query for query in queries)
    assert not any(sql(table, "sqlite:///x").is_query for table in ["selection", "public.with_x", "from_x"])
