"""What the metadata says: plain values that cross the boundary of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "ArtifactRecord",
    "ExecutionRecord",
    "ExternalInput",
    "RunRecord",
    "RunState",
    "StepRecord",
    "StepState",
    "StoredFileDigest",
]

RunState = Literal["running", "done", "failed", "found wanting", "cancelled", "interrupted"]
StepState = Literal[
    "waiting", "running", "done", "reused", "failed", "found wanting", "skipped", "cancelled", "interrupted"
]


@dataclass(frozen=True)
class ArtifactRecord:
    """A published folder.

    Parameters
    ----------
    id
        Unique in its home.
    type
        Name of the artifact type.
    path
        Relative to the home.
    digest
        Of names and bytes in the folder.
    size
        Bytes of all files.
    created
        Seconds since 1970.
    properties
        Small facts for people, as JSON values.
    """

    id: str
    type: str
    path: str
    digest: str
    size: int
    created: float
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ExternalInput:
    """A file or other data from outside the home that a step depends on.

    Parameters
    ----------
    parameter
        The component's parameter through which it came.
    path
        Where it was.
    digest
        Of its content at that time.
    """

    parameter: str
    path: str
    digest: str


@dataclass(frozen=True)
class ExecutionRecord:
    """One completed execution of a component.

    ``inputs`` and ``outputs`` hold ``(name, artifact id)`` in order. Times are seconds (since 1970 for ``started`` and
    ``finished``), ``peak_memory`` is bytes.
    """

    id: str
    key: str
    component: str
    code_digest: str
    parameters: dict[str, Any]
    run_id: str
    step_id: str
    state: Literal["done", "found wanting"]
    started: float
    finished: float
    cpu_seconds: float
    peak_memory: int
    headrace_version: str
    inputs: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    external: tuple[ExternalInput, ...] = ()


@dataclass(frozen=True)
class StepRecord:
    """One step of one run; ``execution_id`` is another run's where it was reused. Times are seconds since 1970."""

    run_id: str
    step_id: str
    position: int
    component: str
    upstream: tuple[str, ...]
    state: StepState
    key: str | None = None
    execution_id: str | None = None
    started: float | None = None
    finished: float | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class RunRecord:
    """One run of a pipeline. Times are seconds since 1970."""

    id: str
    pipeline: str
    file: str
    parameters: dict[str, Any]
    state: RunState
    started: float
    finished: float | None
    exit_code: int | None
    pid: int
    host: str


@dataclass(frozen=True)
class StoredFileDigest:
    """A file's digest, good for as long as size, time of change (nanoseconds) and inode stay."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    digest: str
