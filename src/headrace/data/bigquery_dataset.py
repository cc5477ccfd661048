"""Tables and queries of BigQuery as a dataset: a shard is a stream of a read session."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headrace.data.dataset import Dataset
from headrace.data.memory import normalise_dataset
from headrace.data.sql_database import plain_batches, plain_schema
from headrace.data.sql_dataset import content_digest
from headrace.errors import DataError, import_extra

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.data.bigquery_source import BigQuerySource

__all__ = ["BigQueryShard", "content_of", "open_bigquery"]

# What the Storage Read API reads as it is; everything else is a query's result first.
_STORED = {"TABLE", "SNAPSHOT", "CLONE"}


def query_client(source: BigQuerySource) -> Any:
    """Return the client for tables and queries."""
    module = import_extra("google.cloud.bigquery", "bigquery")
    return module.Client(project=source.project, location=source.location)


def read_client() -> Any:
    """Return the client for read sessions."""
    return import_extra("google.cloud.bigquery_storage", "bigquery").BigQueryReadClient()


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn the client's errors into ours."""
    calls = import_extra("google.api_core.exceptions", "bigquery")
    auth = import_extra("google.auth.exceptions", "bigquery")
    try:
        yield
    except auth.GoogleAuthError as error:
        raise DataError(
            "BigQuery needs credentials",
            got=str(error).splitlines()[0][:300],
            where=what,
            fix="Run: gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS",
        ) from error
    except (calls.GoogleAPIError, OSError) as error:
        message = str(getattr(error, "message", None) or error)
        raise DataError("BigQuery refuses, or cannot be reached", got=message[:300], where=what) from error


@dataclass(frozen=True)
class BigQueryShard:
    """One stream of a read session."""

    stream: str
    # The session's schema as it came, without which a batch cannot be read.
    wire_schema: bytes = field(repr=False)

    @property
    def num_rows(self) -> int | None:
        """Rows of the stream: only reading can tell."""
        return None

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the stream's rows, at least one batch, of at most 65,536 rows."""
        own = pa.ipc.read_schema(pa.py_buffer(self.wire_schema))
        schema = plain_schema(own)
        names = schema.names if columns is None else list(columns)
        empty = True
        with _asking(self.stream):
            client = read_client()
            try:
                for message in client.read_rows(self.stream):
                    packed = pa.py_buffer(message.arrow_record_batch.serialized_record_batch)
                    for batch in plain_batches(pa.ipc.read_record_batch(packed, own)):
                        empty = False
                        yield batch.select(names)
            finally:
                client.transport.close()
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=schema).select(names)


def open_bigquery(source: BigQuerySource) -> Dataset:
    """Begin a read session, and return the dataset of its streams."""
    types = import_extra("google.cloud.bigquery_storage", "bigquery").types
    with _asking(source.statement):
        client = query_client(source)
        try:
            table, restriction = _table_to_read(client, source)
            parent = f"projects/{client.project}"
        finally:
            client.close()
        options = types.ReadSession.TableReadOptions(
            selected_fields=list(source.columns or ()), row_restriction=restriction or ""
        )
        wanted = types.ReadSession(table=table, data_format=types.DataFormat.ARROW, read_options=options)
        reader = read_client()
        try:
            session = reader.create_read_session(parent=parent, read_session=wanted, max_stream_count=source.streams)
        finally:
            reader.transport.close()
    wire_schema = bytes(session.arrow_schema.serialized_schema)
    schema = plain_schema(pa.ipc.read_schema(pa.py_buffer(wire_schema)))
    shards = tuple(BigQueryShard(stream.name, wire_schema) for stream in session.streams)
    dataset = Dataset(schema, shards or (_EmptyShard(schema),))
    # The fields of a session stand in the order of the table.
    return normalise_dataset(dataset if source.columns is None else dataset.select(source.columns))


@dataclass(frozen=True)
class _EmptyShard:
    """A table without rows has a session without streams."""

    schema: pa.Schema

    @property
    def num_rows(self) -> int | None:
        return 0

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        batch = pa.RecordBatch.from_pylist([], schema=self.schema)
        yield batch if columns is None else batch.select(list(columns))


def _table_to_read(client: Any, source: BigQuerySource) -> tuple[str, str | None]:
    """Return the table's path, and the condition that is still to be met; queries and views are run."""
    query = source.statement
    if not source.is_query:
        table = client.get_table(source.statement)
        if table.table_type in _STORED:
            return _path(table), source.where
        chosen = ", ".join(f"`{name}`" for name in source.columns or ()) or "*"
        query = f"SELECT {chosen} FROM `{table.project}.{table.dataset_id}.{table.table_id}`"  # noqa: S608 - it is there
        query += "" if source.where is None else f" WHERE {source.where}"
    job = client.query(query)
    job.result()
    if job.destination is None:
        raise DataError("The query has no result to read", got=query[:300], fix="Write a query that begins with SELECT")
    return _path(job.destination), None


def _path(table: Any) -> str:
    return f"projects/{table.project}/datasets/{table.dataset_id}/tables/{table.table_id}"


def content_of(source: BigQuerySource) -> str:
    """Return what says which rows a table holds; of a query or a view the digest of the rows."""
    if not source.is_query:
        with _asking(source.statement):
            client = query_client(source)
            try:
                table = client.get_table(source.statement)
            finally:
                client.close()
        if table.table_type in _STORED:
            return f"table:{table.etag}:{table.modified}:{table.num_rows}"
    return content_digest(open_bigquery(source))
