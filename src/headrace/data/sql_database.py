"""Databases to read from: through SQLAlchemy, ADBC or DuckDB."""

from __future__ import annotations

import re
import urllib.parse
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from headrace.data.sql_source import safe_url
from headrace.errors import DataError, MissingExtraError, UsageError, did_you_mean, import_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ArrowDatabase", "Database", "RowDatabase", "open_database", "plain_batches", "plain_schema"]

BATCH_ROWS = 65_536
FETCH_ROWS = 8_192


class Database(Protocol):
    """An open connection."""

    def quote(self, name: str) -> str:
        """Return a name as it is written in SQL."""
        ...

    def one(self, query: str) -> tuple[Any, ...]:
        """Return the first row of a query."""
        ...

    def tables(self) -> list[str]:
        """Return the names of tables and views."""
        ...

    def columns(self, query: str) -> list[str]:
        """Return the names of the columns of a query, without reading rows."""
        ...


def _nothing_of(query: str) -> str:
    return f"SELECT * FROM ({query}) AS headrace_source WHERE 1 = 0"  # noqa: S608 - the query is the user's own


class RowDatabase:
    """A database whose driver gives rows, through SQLAlchemy."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def quote(self, name: str) -> str:
        """Return a name as it is written in SQL."""
        return str(self._connection.dialect.identifier_preparer.quote_identifier(name))

    def _execute(self, query: str) -> Any:
        # Without parameters, drivers take no sign in the query for a place of one.
        options = {"stream_results": True, "no_parameters": True, "yield_per": FETCH_ROWS}
        return self._connection.execution_options(**options).exec_driver_sql(query)

    def one(self, query: str) -> tuple[Any, ...]:
        """Return the first row of a query."""
        with self._execute(query) as result:
            return tuple(result.first())

    def tables(self) -> list[str]:
        """Return the names of tables and views."""
        import sqlalchemy

        inspector = sqlalchemy.inspect(self._connection)
        return [*inspector.get_table_names(), *inspector.get_view_names()]

    def columns(self, query: str) -> list[str]:
        """Return the names of the columns of a query, without reading rows."""
        with self._execute(_nothing_of(query)) as result:
            return list(result.keys())

    def declared(self, table: str) -> dict[str, str]:
        """Return the types that a table declares, where they have a counterpart."""
        import sqlalchemy
        from sqlalchemy import types

        schema, _, name = table.rpartition(".")
        kinds = {
            types.Boolean: "bool",
            types.Integer: "int64",
            types.Numeric: "float64",
            types.DateTime: "timestamp",
            types.Date: "date32",
            types.LargeBinary: "bytes",
            types.String: "string",
        }
        found = {}
        for column in sqlalchemy.inspect(self._connection).get_columns(name, schema or None):
            kind = next((kind for base, kind in kinds.items() if isinstance(column["type"], base)), None)
            if kind is not None:
                found[str(column["name"])] = kind
        return found

    def rows(self, query: str) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a query, some at a time."""
        with self._execute(query) as result:
            for rows in result.partitions(FETCH_ROWS):
                yield [tuple(row) for row in rows]


class ArrowDatabase:
    """A database whose driver gives Arrow batches."""

    def __init__(self, connection: Any, tables: str) -> None:
        self._connection = connection
        self._tables = tables

    @contextmanager
    def _reader(self, query: str) -> Iterator[pa.RecordBatchReader]:
        if hasattr(self._connection, "sql"):
            # DuckDB's relations stream; the results of its cursors do not.
            yield pa.RecordBatchReader.from_stream(self._connection.sql(query))
            return
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            with cursor.fetch_record_batch() as reader:
                yield reader

    def quote(self, name: str) -> str:
        """Return a name as it is written in SQL."""
        return '"' + name.replace('"', '""') + '"'

    def one(self, query: str) -> tuple[Any, ...]:
        """Return the first row of a query."""
        return tuple(column[0].as_py() for column in next(self.batches(query)).columns)

    def tables(self) -> list[str]:
        """Return the names of tables and views."""
        with self._reader(self._tables) as reader:
            return [str(name) for name in reader.read_all().column(0).to_pylist()]

    def columns(self, query: str) -> list[str]:
        """Return the names of the columns of a query, without reading rows."""
        return list(self.schema(query).names)

    def schema(self, query: str) -> pa.Schema:
        """Return the columns of a query and their types, without reading rows."""
        with self._reader(_nothing_of(query)) as reader:
            return plain_schema(reader.schema)

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query."""
        with self._reader(query) as reader:
            for batch in reader:
                yield from plain_batches(batch)


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return the columns with the types that the rest of the house knows, without the database's notes."""
    return pa.schema([pa.field(field.name, _plain_type(field)) for field in schema])


def plain_batches(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield a batch's rows with the types of `plain_schema`, at most 65,536 at a time."""
    columns = [_plain(column, field) for column, field in zip(batch.columns, batch.schema, strict=True)]
    whole = pa.RecordBatch.from_arrays(columns, schema=plain_schema(batch.schema))
    for start in range(0, whole.num_rows, BATCH_ROWS):
        yield whole.slice(start, BATCH_ROWS)


def _is_number(field: pa.Field) -> bool:
    """Tell whether text is a number of any size, which ADBC gives as text."""
    return isinstance(field.type, pa.OpaqueType) and field.type.type_name == "numeric"


def _plain_type(field: pa.Field) -> pa.DataType:
    kind = field.type
    types = pa.types
    if _is_number(field) or types.is_decimal(kind):
        return pa.float64()
    # A list's or struct's parts carry the database's notes in their metadata, which say nothing here.
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(_plain_type(kind.value_field))
    if isinstance(kind, pa.BaseExtensionType) or types.is_time(kind) or types.is_interval(kind):
        return pa.string()
    return kind


def _plain(column: pa.Array, field: pa.Field) -> pa.Array:
    kind = _plain_type(field)
    if isinstance(column.type, pa.BaseExtensionType) and pa.types.is_string(column.storage.type):
        column = column.storage
    if column.type == kind:
        return column
    if pa.types.is_float64(kind) and not pa.types.is_decimal(column.type):
        return pa.array([None if value is None else float(value) for value in column.to_pylist()], kind)
    if pa.types.is_string(kind):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], kind)
    return column.cast(kind)


@contextmanager
def open_database(url: str) -> Iterator[RowDatabase | ArrowDatabase]:
    """Connect, and turn what goes wrong within into errors that show no password.

    Raises
    ------
    DataError
        If the database cannot be reached, or refuses a query.
    MissingExtraError
        If the driver is not installed.
    """
    kind = url.partition("://")[0].partition("+")[0]
    if kind == "duckdb":
        with _duckdb(url) as database:
            yield database
        return
    if url.startswith(("postgresql://", "postgres://")):
        module = _adbc()
        if module is not None:
            with _postgresql(url, module) as database:
                yield database
            return
    with _sqlalchemy(url) as database:
        yield database


def _problem(url: str, error: BaseException, *, reached: bool) -> DataError:
    text = str(getattr(error, "orig", None) or error).strip()
    password = re.search(r"^[^:/?#]+://[^:@/?#]*:(.*)@[^@]*$", url)
    for secret in {password[1], urllib.parse.unquote(password[1])} if password else set():
        text = text.replace(secret, "***") if secret else text
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return DataError(
        "The database refuses the query" if reached else "The database cannot be reached",
        got=(lines[0] if lines else type(error).__name__)[:300],
        where=safe_url(url),
        fix=None if reached else "Check the URL, the user and the password, and that the database runs",
    )


def _file_of(url: str) -> Path | None:
    name = urllib.parse.unquote(url.partition("://")[2].partition("?")[0])
    return Path(name[1:]) if len(name) > 1 else None


def _check_file(url: str) -> None:
    path = _file_of(url)
    if path is not None and str(path) != ":memory:" and not path.is_file():
        # Connecting would make an empty database there.
        names = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(
            "The file of the database does not exist", got=str(path.absolute()), fix=did_you_mean(path.name, names)
        )


@contextmanager
def _sqlalchemy(url: str) -> Iterator[RowDatabase]:
    import sqlalchemy
    from sqlalchemy import exc

    if url.startswith("sqlite") and "uri=true" not in url:
        _check_file(url)
    try:
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    except exc.NoSuchModuleError as error:
        fix = "Install the SQLAlchemy dialect of this database, or check the URL's beginning"
        raise UsageError("The kind of database is unknown", got=safe_url(url), fix=fix) from error
    except (exc.ArgumentError, ValueError):
        fix = "Write signs as @ : / in a password as %40 %3A %2F"
        raise UsageError("The URL of the database cannot be read", got=safe_url(url), fix=fix) from None
    except ModuleNotFoundError as error:
        fix = "Install the package that has it, or name another driver in the URL, as in mysql+pymysql://"
        if url.startswith("postgres"):
            fix = "Run: pip install 'headrace[adbc]', and begin the URL with postgresql://"
        raise MissingExtraError("The driver of the database is not installed", got=str(error.name), fix=fix) from error
    reached = False
    try:
        with engine.connect() as connection:
            reached = True
            yield RowDatabase(connection)
    except exc.SQLAlchemyError as error:
        raise _problem(url, error, reached=reached) from None
    finally:
        engine.dispose()


def _adbc() -> Any:
    with suppress(ImportError):
        return import_extra("adbc_driver_postgresql.dbapi", "adbc")
    return None


def _encoded(url: str) -> str:
    """Return the URL with a password that holds no sign of a URL; what is encoded already stays as it is."""
    kind, _, rest = url.partition("://")
    account, at, place = rest.partition("/")[0].rpartition("@")
    user, colon, password = account.partition(":")
    quoted = urllib.parse.quote(urllib.parse.unquote(password), safe="")
    return f"{kind}://{user}{colon}{quoted}{at}{place}{rest[len(account) + len(at) + len(place) :]}"


@contextmanager
def _postgresql(url: str, module: Any) -> Iterator[ArrowDatabase]:
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))"
    reached = False
    try:
        with module.connect(_encoded(url)) as connection:
            reached = True
            yield ArrowDatabase(connection, tables)
    except module.Error as error:
        raise _problem(url, error, reached=reached) from None


@contextmanager
def _duckdb(url: str) -> Iterator[ArrowDatabase]:
    module = import_extra("duckdb", "sql")
    _check_file(url)
    reached = False
    try:
        path = _file_of(url)
        with module.connect(":memory:" if path is None else str(path), read_only=path is not None) as connection:
            reached = True
            yield ArrowDatabase(connection, "SELECT table_name FROM information_schema.tables")
    except module.Error as error:
        raise _problem(url, error, reached=reached) from None
