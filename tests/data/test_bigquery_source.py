"""With a client in the place of Google's: it has the methods that are used, and its messages are of Google's types."""

from __future__ import annotations

import datetime as dt
import inspect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from headrace.data import BigQuerySource, bigquery, bigquery_dataset
from headrace.errors import DataError, UsageError
from headrace.testing import SourceSuite
from headrace.testing.sources import digest_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.data import Dataset

storage = pytest.importorskip("google.cloud.bigquery_storage")
google_bigquery = pytest.importorskip("google.cloud.bigquery")
api_errors = pytest.importorskip("google.api_core.exceptions")
auth_errors = pytest.importorskip("google.auth.exceptions")

TABLE = pa.table(
    {
        "id": pa.array(range(200), pa.int64()),
        "word": pa.array([None if n % 7 == 0 else f"w{n % 5}" for n in range(200)]),
        "price": pa.array([n / 4 for n in range(200)]).cast(pa.decimal128(38, 9)),
        "at": pa.array([dt.datetime(2026, 1, 1, n % 24) for n in range(200)], pa.timestamp("us", "UTC")),  # noqa: DTZ001
        "noon": pa.array([dt.time(12)] * 200, pa.time64("us")),
    }
)
EXPECTED = TABLE.set_column(2, "price", TABLE["price"].cast(pa.float64()))
EXPECTED = EXPECTED.set_column(3, "at", TABLE["at"].cast(pa.timestamp("us"))).set_column(
    4, "noon", pa.array(["12:00:00"] * 200)
)
NAME = "shop.sales.orders"
PATH = "projects/shop/datasets/sales/tables/orders"


class Google:
    """What Google has: tables, and the sessions that have begun."""

    def __init__(self) -> None:
        self.tables: dict[str, pa.Table] = {PATH: TABLE}
        self.kind = "TABLE"
        self.etag = "one"
        self.queries: list[str] = []
        self.sessions: list[Any] = []
        self.open = 0
        self.streams: dict[str, pa.Table] = {}

    def query_client(self, _: BigQuerySource) -> Any:
        self.open += 1
        return SimpleNamespace(project="payer", get_table=self.get_table, query=self.query, close=self.close)

    def read_client(self) -> Any:
        self.open += 1
        transport = SimpleNamespace(close=self.close)
        return SimpleNamespace(
            create_read_session=self.create_read_session, read_rows=self.read_rows, transport=transport
        )

    def close(self) -> None:
        self.open -= 1

    def get_table(self, name: str) -> Any:
        if name != NAME:
            raise api_errors.NotFound(f"Table {name} was not found")
        reference = google_bigquery.TableReference.from_string(name)
        return SimpleNamespace(
            project=reference.project,
            dataset_id=reference.dataset_id,
            table_id=reference.table_id,
            table_type=self.kind,
            etag=self.etag,
            modified=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            num_rows=200,
        )

    def query(self, query: str) -> Any:
        self.queries.append(query)
        self.tables["projects/payer/datasets/_anonymous/tables/1"] = TABLE
        destination = google_bigquery.TableReference.from_string("payer._anonymous.1")
        return SimpleNamespace(result=lambda: None, destination=None if "SCRIPT" in query else destination)

    def create_read_session(self, *, parent: str, read_session: Any, max_stream_count: int) -> Any:
        assert parent == "projects/payer"
        assert read_session.data_format == storage.types.DataFormat.ARROW
        self.sessions.append(read_session)
        chosen = set(read_session.read_options.selected_fields)
        table = self.tables[read_session.table]
        unknown = chosen - set(table.column_names)
        if unknown:
            raise api_errors.InvalidArgument(f"request failed: The following selected fields do not exist: {unknown}")
        table = table.select([name for name in table.column_names if not chosen or name in chosen])
        count = min(max_stream_count or 3, table.num_rows)
        streams = []
        for number in range(count):
            name = f"projects/payer/locations/eu/sessions/{len(self.sessions)}/streams/{number}"
            first, last = number * table.num_rows // count, (number + 1) * table.num_rows // count
            self.streams[name] = table.slice(first, last - first)
            streams.append(storage.types.ReadStream(name=name))
        return storage.types.ReadSession(
            arrow_schema={"serialized_schema": table.schema.serialize().to_pybytes()}, streams=streams
        )

    def read_rows(self, name: str) -> Iterator[Any]:
        for batch in self.streams[name].to_batches(max_chunksize=30):
            yield storage.types.ReadRowsResponse(
                arrow_record_batch={"serialized_record_batch": batch.serialize().to_pybytes()}, row_count=batch.num_rows
            )


@pytest.fixture(autouse=True)
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    there = Google()
    monkeypatch.setattr(bigquery_dataset, "query_client", there.query_client)
    monkeypatch.setattr(bigquery_dataset, "read_client", there.read_client)
    yield there
    assert there.open == 0


def test_the_methods_are_googles() -> None:
    read = storage.BigQueryReadClient
    assert {"parent", "read_session", "max_stream_count"} <= set(inspect.signature(read.create_read_session).parameters)
    assert "name" in inspect.signature(read.read_rows).parameters
    assert isinstance(inspect.getattr_static(read, "transport"), property)
    client = google_bigquery.Client
    assert {"project", "location"} <= set(inspect.signature(client).parameters)
    assert "query" in inspect.signature(client.query).parameters
    assert "table" in inspect.signature(client.get_table).parameters
    assert callable(client.close)
    for name in ("project", "dataset_id", "table_id", "table_type", "etag", "modified", "num_rows"):
        assert hasattr(google_bigquery.Table, name)
    assert hasattr(google_bigquery.QueryJob, "destination")
    assert hasattr(google_bigquery.QueryJob, "result")


class TestTable(SourceSuite):
    @pytest.fixture
    def source(self) -> BigQuerySource:
        return bigquery(NAME)

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED

    def test_streams_are_shards(self, dataset: Dataset) -> None:
        assert len(dataset.shards) == 3


class TestQuery(SourceSuite):
    @pytest.fixture
    def source(self) -> BigQuerySource:
        return bigquery("SELECT * FROM sales.orders", "payer", streams=1)

    @pytest.fixture
    def expected(self) -> pa.Table:
        return EXPECTED


def test_columns_and_conditions_are_googles_work(google: Google) -> None:
    dataset = bigquery(NAME, columns=["word", "id"], where="id < 5").dataset()
    assert dataset.columns == ["word", "id"]
    assert dataset.count_rows() == 200
    options = google.sessions[0].read_options
    assert list(options.selected_fields) == ["word", "id"]
    assert options.row_restriction == "id < 5"
    assert google.sessions[0].table == PATH
    assert not google.queries


def test_views_are_run(google: Google) -> None:
    google.kind = "VIEW"
    bigquery(NAME, columns=["id"], where="id < 5").dataset()
    assert google.queries == ["SELECT `id` FROM `shop.sales.orders` WHERE id < 5"]
    assert google.sessions[0].table == "projects/payer/datasets/_anonymous/tables/1"
    assert google.sessions[0].read_options.row_restriction == ""


def test_a_table_without_rows(google: Google) -> None:
    google.tables[PATH] = TABLE.slice(0, 0)
    dataset = bigquery(NAME).dataset()
    assert dataset.count_rows() == 0
    assert dataset.to_table(["id"]).schema.names == ["id"]


def test_fingerprints(google: Google) -> None:
    first = bigquery(NAME).fingerprint(digest_file)
    assert not google.sessions
    google.etag = "two"
    assert bigquery(NAME).fingerprint(digest_file) != first
    query = bigquery("SELECT 1").fingerprint(digest_file)
    google.etag = "three"
    assert bigquery("SELECT 1").fingerprint(digest_file) == query
    asked = len(google.queries)
    assert bigquery("SELECT 1", version="7").fingerprint(digest_file) != query
    assert len(google.queries) == asked


def test_errors_are_ours(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"refuses.*Table shop\.sales\.order was not found"):
        bigquery("shop.sales.order").dataset()
    with pytest.raises(DataError, match="selected fields do not exist"):
        bigquery(NAME, columns=["idd"]).dataset()
    with pytest.raises(DataError, match="no result to read"):
        bigquery("WITH SCRIPT").dataset()

    def refuse(_: BigQuerySource) -> Any:
        raise auth_errors.DefaultCredentialsError("Your default credentials were not found.")

    monkeypatch.setattr(bigquery_dataset, "query_client", refuse)
    with pytest.raises(DataError, match=r"needs credentials.*gcloud auth application-default login"):
        bigquery(NAME).dataset()


def test_arguments_that_are_wrong() -> None:
    with pytest.raises(UsageError, match=r"project\.dataset\.table"):
        bigquery("orders")
    with pytest.raises(UsageError, match="list of names"):
        bigquery(NAME, columns="id")
    with pytest.raises(UsageError, match="streams"):
        bigquery(NAME, streams=-1)
    with pytest.raises(UsageError, match="where is for tables"):
        bigquery("SELECT 1", where="x")
    assert bigquery("`shop.sales.orders`").statement == NAME
    assert bigquery("SELECT * FROM `shop.sales.orders`;").statement == "SELECT * FROM `shop.sales.orders`"
