"""Tables and queries of BigQuery as a source: the description only; ``bigquery_dataset`` reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace.data.dataset import Dataset

__all__ = ["BigQuerySource", "bigquery"]

_QUERY = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:select|with|from)\s|\s*\(", re.IGNORECASE)
_TABLE = re.compile(r"(?:[^\s.`]+[.:])?[^\s.`]+\.[^\s`]+\Z")


@dataclass(frozen=True)
class BigQuerySource:
    """A table or query of BigQuery; made by `bigquery`."""

    statement: str
    project: str | None = None
    columns: tuple[str, ...] | None = None
    where: str | None = None
    streams: int = 0
    location: str | None = None
    version: str | None = None

    @property
    def is_query(self) -> bool:
        """Whether the statement is a query; else it is the name of a table."""
        return _QUERY.match(self.statement) is not None

    def dataset(self) -> Dataset:
        """Open the data: begins a read session, which lasts for some hours; a query is run.

        Raises
        ------
        DataError
            If BigQuery cannot be reached, or has no such table or column.
        MissingExtraError
            If the client is not installed.
        """
        from headrace.data.bigquery_dataset import open_bigquery

        return open_bigquery(self)

    def fingerprint(self, digest_file: Callable[[Path], str]) -> str:  # noqa: ARG002 - there is no file
        """Return the identity of the content and of all options.

        Of a table it is what BigQuery says of it: its etag, the time of its last change, and its number of rows; of a
        query or a view a digest of all rows. ``version`` stands for either.
        """
        from headrace.data.bigquery_dataset import content_of

        options = {name: getattr(self, name) for name in sorted(self.__dataclass_fields__) if name != "version"}
        content = f"version:{self.version}" if self.version is not None else content_of(self)
        return json.dumps({"source": "bigquery", "options": options, "content": content}, sort_keys=True)


def bigquery(
    table_or_query: str,
    project: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    where: str | None = None,
    streams: int = 0,
    location: str | None = None,
    version: str | None = None,
) -> BigQuerySource:
    """Describe a table or query of BigQuery; needs the extra ``bigquery`` and Google's default credentials.

    Rows come through the Storage Read API, in Arrow batches. All streams of a session have the rows that were there
    when it began. A query or a view is run, and its result, a temporary table, is read.

    Parameters
    ----------
    table_or_query
        A query (it begins with SELECT, WITH, FROM or a bracket), or a table as ``project.dataset.table`` or
        ``dataset.table``.
    project
        The project that is billed; that of the credentials when None.
    columns
        Read only these: nothing else leaves BigQuery.
    where
        A condition on rows of a table, as in SQL.
    streams
        The most streams to read from at the same time; as many as BigQuery sees fit when 0.
    location
        Where a query runs, as "EU".
    version
        The identity of the rows, for the fingerprint.

    Examples
    --------
    >>> bigquery("bigquery-public-data.samples.natality", columns=["year", "weight_pounds"]).is_query
    False
    """
    statement = str(table_or_query).strip().rstrip(";").strip()
    query = _QUERY.match(statement) is not None
    statement = statement if query else statement.strip("`")
    if not query and _TABLE.match(statement) is None:
        raise UsageError(
            "A query or a table of BigQuery is needed",
            got=table_or_query,
            fix="Write project.dataset.table, or SELECT …",
        )
    if isinstance(columns, str):
        raise UsageError("columns is a list of names", got=columns, fix=f"Write columns=[{columns!r}]")
    if streams < 0:
        raise UsageError("streams is a number", got=streams)
    if where is not None and query:
        raise UsageError("where is for tables", got=where, fix="Write the condition into the query")
    chosen = None if columns is None else tuple(columns)
    return BigQuerySource(statement, project, chosen, where, int(streams), location, version)
