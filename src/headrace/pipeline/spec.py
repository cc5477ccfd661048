"""What a runner and a worker tell each other, as JSON files."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.metadata import StoredFileDigest

__all__ = ["Failure", "InputArtifact", "Product", "WorkOrder", "WorkResult"]


class InputArtifact(msgspec.Struct, frozen=True):
    """A published artifact that a step takes."""

    id: str
    type: str
    path: str
    digest: str
    properties: dict[str, Any]


class WorkOrder(msgspec.Struct, frozen=True):
    """One step to run.

    ``inputs`` has, by parameter, the artifacts it takes; ``parameters`` are the pipeline's, as they were given.
    """

    run_id: str
    step_id: str
    key: str
    recipe: str
    home: str
    staging: str
    scratch: str
    file: str
    module: str | None
    pipeline: str
    parameters: dict[str, Any]
    inputs: dict[str, list[InputArtifact] | None]
    facts: dict[str, Any]
    file_digests: dict[str, StoredFileDigest]
    runner_pid: int
    lock_descriptors: list[int]


class Product(msgspec.Struct, frozen=True):
    """One artifact that a step has made, still in the staging area."""

    name: str
    type: str
    folder: str
    digest: str
    size: int
    properties: dict[str, Any]


class Failure(msgspec.Struct, frozen=True):
    """Why a step failed.

    Parameters
    ----------
    error
        Name of the exception's class.
    message
        Its text.
    exit_code
        3 for a finding, 1 for a failure, unless the exception says otherwise.
    ours
        Whether it is one of headrace's errors, which say all by themselves.
    where
        File and line.
    rule, got, fix
        The parts of one of headrace's errors.
    log_tail
        The last lines of the step's log.
    """

    error: str
    message: str
    exit_code: int = 1
    ours: bool = False
    where: str | None = None
    rule: str | None = None
    got: str | None = None
    fix: str | None = None
    log_tail: tuple[str, ...] = ()


class WorkResult(msgspec.Struct, frozen=True):
    """What came of a step; ``peak_memory`` is bytes, times are seconds."""

    products: list[Product]
    failure: Failure | None
    started: float
    finished: float
    cpu_seconds: float
    peak_memory: int
