"""Reading the metadata."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from headrace.errors import MetadataError, did_you_mean
from headrace.metadata import tables as t
from headrace.metadata.lineage import LineageGraph, collect
from headrace.metadata.records import (
    ArtifactRecord,
    ExecutionRecord,
    ExternalInput,
    RunRecord,
    StepRecord,
    StoredFileDigest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DATABASE_NAME", "MetadataReader"]

DATABASE_NAME = "metadata.db"


class MetadataReader:
    """Reads what runs, executions and artifacts a home has.

    Parameters
    ----------
    location
        A home folder or an SQLAlchemy URL.

    Raises
    ------
    MetadataError
        If there is no database, it cannot be read, or a newer headrace wrote it.
    """

    def __init__(self, location: str | Path, *, home: Path | None = None) -> None:
        self._open(location, home, create=False)

    def _open(self, location: str | Path, home: Path | None, *, create: bool) -> None:
        if isinstance(location, str) and "://" in location:
            self.home = (home or Path(".headrace")).resolve()
            self._engine = t.open_engine(location, create=create)
            return
        self.home = Path(location).resolve()
        database = self.home / DATABASE_NAME
        if not create and not database.is_file():
            raise MetadataError(
                "A home has a metadata database",
                got=f"no {DATABASE_NAME}",
                where=str(self.home),
                fix="Run a pipeline first, or name another home with --home",
            )
        self._engine = t.open_engine(database, create=create)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            raise t.database_error(error, self._engine, "readable") from error

    # ---- runs and steps

    def runs(self, *, limit: int | None = None, state: str | None = None) -> list[RunRecord]:
        """Return runs, the newest first, with the state that was last written down."""
        query = sa.select(t.runs).order_by(t.runs.c.started.desc(), t.runs.c.id.desc()).limit(limit)
        if state is not None:
            query = query.where(t.runs.c.state == state)
        with self._reading() as connection:
            return [_run(row) for row in connection.execute(query)]

    def run(self, run_id: str) -> RunRecord:
        """Return one run, by its id or the start of it where that is unique.

        Raises
        ------
        MetadataError
            If there is no such run, or several.
        """
        with self._reading() as connection:
            rows = connection.execute(sa.select(t.runs).where(t.runs.c.id.startswith(run_id, autoescape=True))).all()
            known = [] if rows else list(connection.execute(sa.select(t.runs.c.id)).scalars())
        exact = [row for row in rows if row.id == run_id] or rows
        if len(exact) == 1:
            return _run(exact[0])
        if exact:
            raise MetadataError("The start of a run's id must belong to one run", got=f"{run_id}, of {len(exact)} runs")
        raise MetadataError("A run that exists is wanted", got=run_id, fix=did_you_mean(run_id, known))

    def steps(self, run_id: str) -> list[StepRecord]:
        """Return the steps of a run, in the order of the pipeline."""
        query = sa.select(t.steps).where(t.steps.c.run_id == run_id).order_by(t.steps.c.position)
        with self._reading() as connection:
            return [_step(row) for row in connection.execute(query)]

    # ---- executions and artifacts

    def find_execution(self, key: str) -> ExecutionRecord | None:
        """Return the newest completed execution with this step key."""
        query = (
            sa.select(t.executions.c.id)
            .where(t.executions.c.key == key, t.executions.c.state == "done")
            .order_by(t.executions.c.finished.desc())
            .limit(1)
        )
        with self._reading() as connection:
            found = connection.execute(query).scalar()
            return None if found is None else self._executions(connection, [found])[0]

    def executions(self, ids: Sequence[str]) -> list[ExecutionRecord]:
        """Return the executions with these ids."""
        with self._reading() as connection:
            return self._executions(connection, ids)

    def artifact(self, artifact_id: str) -> ArtifactRecord:
        """Return one artifact.

        Raises
        ------
        MetadataError
            If there is none with this id.
        """
        found = self.artifacts_by_id([artifact_id])
        if found:
            return found[0]
        with self._reading() as connection:
            known = list(connection.execute(sa.select(t.artifacts.c.id)).scalars())
        raise MetadataError("An artifact that exists is wanted", got=artifact_id, fix=did_you_mean(artifact_id, known))

    def artifacts_by_id(self, ids: Sequence[str]) -> list[ArtifactRecord]:
        """Return those artifacts that exist, in the order of ``ids``."""
        with self._reading() as connection:
            rows = _select_in(connection, sa.select(t.artifacts), t.artifacts.c.id, ids)
        found = {row.id: _artifact(row) for row in rows}
        return [found[i] for i in ids if i in found]

    def artifacts(
        self, *, type_name: str | None = None, run_id: str | None = None, limit: int | None = None
    ) -> list[ArtifactRecord]:
        """Return artifacts, the newest first; of one type, or those that one run made."""
        query = sa.select(t.artifacts).order_by(t.artifacts.c.created.desc(), t.artifacts.c.id.desc()).limit(limit)
        if type_name is not None:
            query = query.where(t.artifacts.c.type == type_name)
        if run_id is not None:
            made = (
                sa.select(t.events.c.artifact_id)
                .join(t.executions, t.executions.c.id == t.events.c.execution_id)
                .where(t.executions.c.run_id == run_id, t.events.c.direction == "output")
            )
            query = query.where(t.artifacts.c.id.in_(made))
        with self._reading() as connection:
            return [_artifact(row) for row in connection.execute(query)]

    def artifact_ids_of_run(self, run_id: str) -> set[str]:
        """Return the ids of all artifacts that begin with a run's id."""
        query = sa.select(t.artifacts.c.id).where(t.artifacts.c.id.startswith(f"{run_id}-", autoescape=True))
        with self._reading() as connection:
            return set(connection.execute(query).scalars())

    def resolve_artifact(self, reference: str | Path) -> ArtifactRecord:
        """Return the artifact with this id, or the one whose folder this path is or is in.

        Raises
        ------
        MetadataError
            If there is none.
        """
        found = self.artifacts_by_id([str(reference)])
        if found:
            return found[0]
        place = Path(reference).resolve()
        for folder in (place, *place.parents):
            if not folder.is_relative_to(self.home):
                break
            relative = folder.relative_to(self.home).as_posix()
            with self._reading() as connection:
                row = connection.execute(sa.select(t.artifacts).where(t.artifacts.c.path == relative)).first()
            if row is not None:
                return _artifact(row)
        return self.artifact(str(reference))

    # ---- lineage

    def lineage(self, reference: str | Path) -> LineageGraph:
        """Return what an artifact was made from, and what was made from it.

        Parameters
        ----------
        reference
            An artifact's id or a path in its folder.

        Raises
        ------
        MetadataError
            If there is no such artifact.
        """
        return collect(self, self.resolve_artifact(reference))

    def producers(self, artifact_ids: Sequence[str]) -> list[ExecutionRecord]:
        """Return the executions that made these artifacts."""
        return self._by_event(artifact_ids, "output")

    def consumers(self, artifact_ids: Sequence[str]) -> list[ExecutionRecord]:
        """Return the executions that read these artifacts."""
        return self._by_event(artifact_ids, "input")

    def readers_of_file(self, path: str | Path) -> list[ExecutionRecord]:
        """Return the executions that depend on an outside file."""
        query = sa.select(t.external_inputs.c.execution_id).where(t.external_inputs.c.path == str(path)).distinct()
        with self._reading() as connection:
            return self._executions(connection, list(connection.execute(query).scalars()))

    def file_digests(self) -> dict[str, StoredFileDigest]:
        """Return the known digests of files, by path."""
        with self._reading() as connection:
            return {
                row.path: StoredFileDigest(row.path, row.size, row.mtime_ns, int(row.inode), row.digest)
                for row in connection.execute(sa.select(t.file_digests))
            }

    def _by_event(self, artifact_ids: Sequence[str], direction: str) -> list[ExecutionRecord]:
        query = sa.select(t.events.c.execution_id).where(t.events.c.direction == direction).distinct()
        with self._reading() as connection:
            ids = sorted({row[0] for row in _select_in(connection, query, t.events.c.artifact_id, artifact_ids)})
            return self._executions(connection, ids)

    def _executions(self, connection: sa.Connection, ids: Sequence[str]) -> list[ExecutionRecord]:
        rows = {row.id: row for row in _select_in(connection, sa.select(t.executions), t.executions.c.id, ids)}
        events = _select_in(connection, sa.select(t.events), t.events.c.execution_id, ids)
        outside = _select_in(connection, sa.select(t.external_inputs), t.external_inputs.c.execution_id, ids)
        events.sort(key=lambda row: row.position)
        outside.sort(key=lambda row: row.position)

        def ends(execution: str, direction: str) -> tuple[tuple[str, str], ...]:
            return tuple(
                (e.name, e.artifact_id) for e in events if e.execution_id == execution and e.direction == direction
            )

        return [
            ExecutionRecord(
                id=i,
                key=rows[i].key,
                component=rows[i].component,
                code_digest=rows[i].code_digest,
                parameters=json.loads(rows[i].parameters),
                run_id=rows[i].run_id,
                step_id=rows[i].step_id,
                state=rows[i].state,
                started=rows[i].started,
                finished=rows[i].finished,
                cpu_seconds=rows[i].cpu_seconds,
                peak_memory=rows[i].peak_memory,
                headrace_version=rows[i].headrace_version,
                inputs=ends(i, "input"),
                outputs=ends(i, "output"),
                external=tuple(ExternalInput(x.parameter, x.path, x.digest) for x in outside if x.execution_id == i),
            )
            for i in ids
            if i in rows
        ]


def _select_in(
    connection: sa.Connection, query: sa.Select[Any], column: sa.ColumnElement[str], values: Sequence[str]
) -> list[sa.Row[Any]]:
    # Databases limit how many values one statement may carry.
    step = 500
    rows: list[sa.Row[Any]] = []
    for start in range(0, len(values), step):
        rows.extend(connection.execute(query.where(column.in_(values[start : start + step]))))
    return rows


def _run(row: sa.Row[Any]) -> RunRecord:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
    return RunRecord(**{**values, "parameters": json.loads(row.parameters)})


def _step(row: sa.Row[Any]) -> StepRecord:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
    error = None if row.error is None else json.loads(row.error)
    return StepRecord(**{**values, "upstream": tuple(json.loads(row.upstream)), "error": error})


def _artifact(row: sa.Row[Any]) -> ArtifactRecord:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
    return ArtifactRecord(**{**values, "properties": json.loads(row.properties)})
