"""The tables, and opening the database that holds them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text
from sqlalchemy.pool import NullPool, StaticPool

from headrace.errors import HeadraceError, MetadataError, StorageError

__all__ = [
    "SCHEMA_VERSION",
    "artifacts",
    "database_error",
    "events",
    "executions",
    "external_inputs",
    "file_digests",
    "open_engine",
    "runs",
    "schema_version",
    "steps",
]

SCHEMA_VERSION = 1
BUSY_SECONDS = 60.0
_LEAST_FREE_BYTES = 64 << 10

_meta = MetaData()

schema_version = Table("schema_version", _meta, Column("version", Integer, primary_key=True))

runs = Table(
    "runs",
    _meta,
    Column("id", Text, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started", Float, nullable=False),
    Column("finished", Float),
    Column("exit_code", Integer),
    Column("pid", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Index("runs_by_state", "state"),
    Index("runs_by_start", "started"),
)

artifacts = Table(
    "artifacts",
    _meta,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("path", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created", Float, nullable=False),
    Column("properties", Text, nullable=False),
    Index("artifacts_by_type", "type", "created"),
)

executions = Table(
    "executions",
    _meta,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("code_digest", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("run_id", Text, ForeignKey("runs.id"), nullable=False),
    Column("step_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started", Float, nullable=False),
    Column("finished", Float, nullable=False),
    Column("cpu_seconds", Float, nullable=False),
    Column("peak_memory", BigInteger, nullable=False),
    Column("headrace_version", Text, nullable=False),
    Index("executions_by_key", "key", "state", "finished"),
)

events = Table(
    "events",
    _meta,
    Column("execution_id", Text, ForeignKey("executions.id"), primary_key=True),
    Column("direction", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("artifact_id", Text, ForeignKey("artifacts.id"), nullable=False),
    Index("events_by_artifact", "artifact_id", "direction"),
)

external_inputs = Table(
    "external_inputs",
    _meta,
    Column("execution_id", Text, ForeignKey("executions.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("parameter", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("external_inputs_by_path", "path"),
)

steps = Table(
    "steps",
    _meta,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("step_id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("component", Text, nullable=False),
    Column("upstream", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("key", Text),
    Column("execution_id", Text, ForeignKey("executions.id")),
    Column("started", Float),
    Column("finished", Float),
    Column("cpu_seconds", Float),
    Column("peak_memory", BigInteger),
    Column("error", Text),
)

file_digests = Table(
    "file_digests",
    _meta,
    Column("path", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("inode", Text, nullable=False),
    Column("digest", Text, nullable=False),
)


def open_engine(location: str | Path, *, create: bool) -> sa.Engine:
    """Open the database at a file path or an SQLAlchemy URL, making its tables where ``create`` says so.

    Raises
    ------
    MetadataError
        If it cannot be opened, has no tables, or was written by a newer headrace.
    """
    if isinstance(location, str) and "://" in location:
        url = sa.make_url(location)
    else:
        # Not as text: a question mark in a folder's name would begin the options of a URL.
        url = sa.URL.create("sqlite", database=str(location))
    lite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {}
    if lite:
        options["connect_args"] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
        options["poolclass"] = StaticPool if url.database in (None, "", ":memory:") else NullPool
        if not create and url.database and _is_read_only(url.database):
            options["creator"] = partial(_connect_read_only, url.database)
    engine = sa.create_engine(url, **options)
    if lite:
        sa.event.listen(engine, "connect", _on_connect)
        sa.event.listen(engine, "begin", _on_begin)
    try:
        version = _version(engine)
        if version is None and create:
            _create(engine)
            version = _version(engine)
    except sa.exc.DBAPIError as error:
        raise database_error(error, engine, "writable" if create else "readable") from error
    if version is None:
        raise MetadataError("A home has a metadata database", got="none", where=str(url), fix="Run a pipeline first")
    if version > SCHEMA_VERSION:
        raise MetadataError(
            f"This headrace reads metadata up to version {SCHEMA_VERSION}",
            got=f"version {version}, written by a newer headrace",
            where=str(url),
            fix="Upgrade headrace: pip install --upgrade headrace",
        )
    return engine


def database_error(error: sa.exc.DBAPIError, engine: sa.Engine, what: str) -> HeadraceError:
    """Return the driver's error as ours: a full disk is told apart from a database that cannot be used."""
    got, place = str(error.orig), engine.url.database or str(engine.url)
    # SQLite calls a full disk an I/O error where it lacks the room for its shared memory.
    if "disk is full" in got or ("disk I/O" in got and _is_full(place)):
        return StorageError(
            "Writing needs free space on the disk, and there is none left",
            got=got,
            where=place,
            fix="Free some space and run again",
        )
    fix = "Look whether the disk is broken" if "disk I/O" in got else None
    if "readonly" in got or "unable to open" in got:
        fix = "Change its permissions and its folder's, or choose another home with --home"
    return MetadataError(f"The metadata database must be {what}", got=got, where=place, fix=fix)


def _is_full(place: str) -> bool:
    try:
        return shutil.disk_usage(Path(place).parent).free < _LEAST_FREE_BYTES
    except OSError:
        return False


def _is_read_only(database: str) -> bool:
    return not all(os.access(path, os.W_OK) for path in (database, Path(database).parent))


def _connect_read_only(database: str) -> sqlite3.Connection:
    # SQLite reads a database with a write-ahead log through files beside it, which cannot be made here. Where no log
    # waits, the database alone says everything.
    log = Path(f"{database}-wal")
    settled = not log.exists() or log.stat().st_size == 0
    uri = f"file:{quote(database)}?mode=ro" + ("&immutable=1" if settled else "")
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)


def _on_connect(connection: Any, _record: object) -> None:
    # The driver must leave transactions to us, or BEGIN IMMEDIATE would come too late.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")


def _on_begin(connection: sa.Connection) -> None:
    # A reader that turns writer midway cannot wait for its turn, so writers say it at the start.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _version(engine: sa.Engine) -> int | None:
    with engine.connect() as connection:
        try:
            found = connection.execute(sa.select(sa.func.max(schema_version.c.version))).scalar()
        except (sa.exc.OperationalError, sa.exc.ProgrammingError) as error:
            if "schema_version" in str(error.orig):
                return None
            raise
    return None if found is None else int(found)


def _create(engine: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        _write_ahead(engine)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        _meta.create_all(connection)
        if connection.execute(sa.select(schema_version.c.version)).first() is None:
            connection.execute(schema_version.insert().values(version=SCHEMA_VERSION))


def _write_ahead(engine: sa.Engine) -> None:
    # SQLite does not wait for a lock when the journal's kind changes, so two processes that meet here try again.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode=WAL")
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
        finally:
            raw.close()
