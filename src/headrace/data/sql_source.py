"""Rows of databases as a source: the description only; ``sql_dataset`` reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from headrace.data.dataset import Dataset

__all__ = ["SQL_TYPES", "SqlSource", "safe_url", "sql"]

SQL_TYPES = {
    "int64": "int64",
    "int": "int64",
    "float64": "float64",
    "float": "float64",
    "string": "string",
    "str": "string",
    "bool": "bool",
    "timestamp": "timestamp",
    "timestamp[us]": "timestamp",
    "date32": "date32",
    "date": "date32",
    "bytes": "bytes",
    "binary": "bytes",
}
PARTITIONS = 8
_DEFAULTS = {"columns": None, "partition_on": None, "partitions": PARTITIONS, "types": (), "version": None}
_QUERY = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:select|with|values|from|table)\b|\s*\(", re.IGNORECASE)
_SECRET = re.compile(r"(?<=[?&])([^=&]*(?:pass|pwd|secret|token|key|credential)[^=&]*)=[^&]*", re.IGNORECASE)


def safe_url(url: str) -> str:
    """Return a URL without what must not be shown.

    >>> safe_url("postgresql://anna:secret@db.example/sales?sslpassword=x")
    'postgresql://anna:***@db.example/sales?sslpassword=***'
    """
    hidden = re.sub(r"^([^:/?#]+://[^:@/?#]*):.*@(?=[^@]*$)", r"\1:***@", url)
    return _SECRET.sub(r"\1=***", hidden)


@dataclass(frozen=True, repr=False)
class SqlSource:
    """A table or query of a database; made by `sql`."""

    statement: str
    url: str
    columns: tuple[str, ...] | None = None
    partition_on: str | None = None
    partitions: int = PARTITIONS
    types: tuple[tuple[str, str], ...] = ()
    version: str | None = None

    def __repr__(self) -> str:
        options = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "url"}
        given = [f"{name}={value!r}" for name, value in options.items() if value != _DEFAULTS.get(name, "")]
        return f"SqlSource(url={safe_url(self.url)!r}, {', '.join(given)})"

    @property
    def is_query(self) -> bool:
        """Whether the statement is a query; else it is the name of a table."""
        return _QUERY.match(self.statement) is not None

    def dataset(self) -> Dataset:
        """Open the data: asks the database for the columns and, with ``partition_on``, for their range.

        Where the driver does not say the types of a query's columns, all rows are read once.

        Raises
        ------
        DataError
            If the database cannot be reached, or has no such table or column.
        MissingExtraError
            If the driver is not installed.
        """
        from headrace.data.sql_dataset import open_sql

        return open_sql(self)

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:  # noqa: ARG002 - there is no file
        """Return the identity of all rows, whatever their order, and of all options; ``version`` stands for the rows.

        The password is no part of it.
        """
        from headrace.data.sql_dataset import content_digest

        options = {
            name: getattr(self, name) for name in sorted(self.__dataclass_fields__) if name not in {"url", "version"}
        }
        content = f"version:{self.version}" if self.version is not None else content_digest(self.dataset())
        return json.dumps(
            {"source": "sql", "url": safe_url(self.url), "options": options, "content": content}, sort_keys=True
        )


def sql(
    query_or_table: str,
    url: str,
    *,
    partition_on: str | None = None,
    partitions: int = PARTITIONS,
    columns: Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    version: str | None = None,
) -> SqlSource:
    """Describe a table or query of a database.

    Rows are streamed. PostgreSQL is read through ADBC where the extra ``adbc`` is installed, DuckDB through the extra
    ``sql``, every other database, and SQLite, through SQLAlchemy and its driver.

    The partitions are read one by one, and maybe at the same time, at different moments: rows that change meanwhile
    may be read as before or as after. Where that matters, read from a snapshot or a table that is not written to.

    Parameters
    ----------
    query_or_table
        A query (it begins with SELECT, WITH, VALUES, FROM or a bracket), or a table as ``name`` or ``schema.name``.
    url
        As SQLAlchemy has it: ``sqlite:///data.db``, ``postgresql://user:password@host/database``,
        ``duckdb:///data.duckdb``. The password is never shown.
    partition_on
        A column of numbers, dates or timestamps. Its range is cut evenly into partitions, which are read in parallel;
        missing values are a partition of their own.
    partitions
        How many, without the one of missing values.
    columns
        Read only these.
    types
        Types that are not to be found out: int64, float64, string, bool, timestamp, date32, bytes. For databases
        that are read through SQLAlchemy.
    version
        The identity of the rows, as a date or a number of a release. Without it, the fingerprint is a digest of all
        rows, for which they are all read.

    Examples
    --------
    >>> sql("SELECT * FROM people WHERE age > 17", "sqlite:///census.db", partition_on="id").is_query
    True
    >>> sql("people", "postgresql://anna:secret@db.example/census")
    SqlSource(url='postgresql://anna:***@db.example/census', statement='people')
    """
    statement = str(query_or_table).strip().rstrip(";").strip()
    if not statement:
        raise UsageError("A table or a query is needed", got=query_or_table)
    if "://" not in str(url):
        raise UsageError(
            "The URL of a database names its kind",
            got=safe_url(str(url)),
            fix="Write sqlite:///data.db, duckdb:///data.duckdb or postgresql://user@host/database",
        )
    if partitions < 1:
        raise UsageError("There is at least one partition", got=partitions)
    if isinstance(columns, str):
        raise UsageError("columns is a list of names", got=columns, fix=f"Write columns=[{columns!r}]")
    known = {}
    for name, kind in (types or {}).items():
        if kind not in SQL_TYPES:
            raise UsageError(f"The type of {name!r} is unknown", got=kind, fix=did_you_mean(str(kind), SQL_TYPES))
        known[name] = SQL_TYPES[kind]
    return SqlSource(
        statement,
        str(url),
        None if columns is None else tuple(columns),
        partition_on,
        int(partitions),
        tuple(sorted(known.items())),
        version,
    )
