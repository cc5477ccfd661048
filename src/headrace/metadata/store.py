"""Changing the metadata."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from headrace.errors import MetadataError, StorageError
from headrace.metadata import tables as t
from headrace.metadata.reading import MetadataReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from headrace.metadata.records import (
        ArtifactRecord,
        ExecutionRecord,
        RunRecord,
        RunState,
        StepRecord,
        StoredFileDigest,
    )

__all__ = ["MetadataStore"]


class MetadataStore(MetadataReader):
    """Reads and changes a home's metadata; every method that changes is one transaction.

    Safe for many processes at once: writers of SQLite wait for one another. One store belongs to one thread at a time.

    Parameters
    ----------
    location
        A home folder, which is made where it is absent, or an SQLAlchemy URL.

    Raises
    ------
    MetadataError
        If the database cannot be used.
    """

    def __init__(self, location: str | Path, *, home: Path | None = None) -> None:
        if not (isinstance(location, str) and "://" in location):
            from pathlib import Path as _Path

            try:
                _Path(location).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError("The home must be a folder", got=error.strerror, where=str(location)) from error
        self._open(location, home, create=True)

    @contextmanager
    def _changing(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
                yield connection
        except sa.exc.IntegrityError as error:
            raise MetadataError("Metadata must be consistent", got=str(error.orig)) from error
        except sa.exc.DBAPIError as error:
            raise t.database_error(error, self._engine, "writable") from error

    def begin_run(self, run: RunRecord, steps: Sequence[StepRecord]) -> None:
        """Write down a new run and its steps."""
        with self._changing() as connection:
            connection.execute(t.runs.insert(), {**asdict(run), "parameters": _json(run.parameters)})
            if steps:
                connection.execute(t.steps.insert(), [_step_values(step) for step in steps])

    def end_run(self, run_id: str, state: RunState, exit_code: int, finished: float) -> None:
        """Write down how a run ended."""
        with self._changing() as connection:
            self._end_run(connection, run_id, state, exit_code, finished)

    def interrupt_run(self, run_id: str, finished: float) -> None:
        """Mark a run whose process died, with those of its steps that had not ended."""
        with self._changing() as connection:
            unfinished = t.steps.c.state.in_(("waiting", "running"))
            connection.execute(
                t.steps.update().where(t.steps.c.run_id == run_id, unfinished).values(state="interrupted")
            )
            still = t.runs.c.state == "running"
            connection.execute(
                t.runs.update().where(t.runs.c.id == run_id, still).values(state="interrupted", finished=finished)
            )

    def update_steps(self, steps: Iterable[StepRecord]) -> None:
        """Replace steps by what is now known of them."""
        with self._changing() as connection:
            for step in steps:
                self._put_step(connection, step)

    def record_execution(
        self, execution: ExecutionRecord, artifacts: Sequence[ArtifactRecord], step: StepRecord
    ) -> None:
        """Write down an execution, what it made and read, and its step, all at once."""
        with self._changing() as connection:
            if artifacts:
                connection.execute(
                    t.artifacts.insert(), [{**asdict(a), "properties": _json(a.properties)} for a in artifacts]
                )
            values = asdict(execution)
            for side in ("inputs", "outputs", "external"):
                del values[side]
            connection.execute(t.executions.insert(), {**values, "parameters": _json(execution.parameters)})
            events = [
                {
                    "execution_id": execution.id,
                    "direction": direction,
                    "position": position,
                    "name": name,
                    "artifact_id": artifact_id,
                }
                for direction, ends in (("input", execution.inputs), ("output", execution.outputs))
                for position, (name, artifact_id) in enumerate(ends)
            ]
            if events:
                connection.execute(t.events.insert(), events)
            if execution.external:
                connection.execute(
                    t.external_inputs.insert(),
                    [
                        {"execution_id": execution.id, "position": position, **asdict(x)}
                        for position, x in enumerate(execution.external)
                    ],
                )
            self._put_step(connection, step)

    def put_file_digests(self, digests: Iterable[StoredFileDigest]) -> None:
        """Remember digests of files."""
        with self._changing() as connection:
            for digest in digests:
                connection.execute(t.file_digests.delete().where(t.file_digests.c.path == digest.path))
                connection.execute(t.file_digests.insert(), {**asdict(digest), "inode": str(digest.inode)})

    def _end_run(
        self, connection: sa.Connection, run_id: str, state: RunState, exit_code: int, finished: float
    ) -> None:
        connection.execute(
            t.runs.update().where(t.runs.c.id == run_id).values(state=state, exit_code=exit_code, finished=finished)
        )

    def _put_step(self, connection: sa.Connection, step: StepRecord) -> None:
        values = _step_values(step)
        same = (t.steps.c.run_id == step.run_id) & (t.steps.c.step_id == step.step_id)
        if connection.execute(t.steps.update().where(same), values).rowcount == 0:
            connection.execute(t.steps.insert(), values)


def _step_values(step: StepRecord) -> dict[str, Any]:
    error = None if step.error is None else _json(step.error)
    return {**asdict(step), "upstream": _json(list(step.upstream)), "error": error}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
