"""What a step knows of the run that it is part of."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.pipeline.artifact import Artifact

__all__ = ["StepContext", "current_step", "new_folder", "running"]


@dataclass
class StepContext:
    """The step that is running.

    Parameters
    ----------
    run_id, step_id
        Names in this home.
    key
        Digest of the step's code, parameters and inputs.
    home
        The home folder.
    scratch
        A folder for work that may go on after the step was killed; the next try of a step with the same code,
        parameters and inputs finds it again. It is removed once the step has succeeded.
    staging
        Where artifacts lie until they are published.
    """

    run_id: str
    step_id: str
    key: str
    home: Path
    scratch: Path
    staging: Path
    facts: dict[str, Any] = field(default_factory=dict, repr=False)
    created: list[Artifact] = field(default_factory=list, repr=False)

    def provenance(self) -> dict[str, Any]:
        """Return the run and every step that this one builds on, with digests of their code, parameters and data.

        JSON values: ``run_id``, ``pipeline``, ``file``, ``parameters``, ``headrace_version``, ``step_id`` and
        ``steps``, from step id to ``component``, ``key``, ``code_digest``, ``parameters``, ``inputs`` and ``outputs``
        (name, type, artifact id, digest) and ``data`` (parameter, path, digest).
        """
        return dict(self.facts)

    def folder(self, type_name: str) -> Path:
        """Make a new empty folder in the staging area."""
        number = 0
        while True:
            path = self.staging / f"{number:03d}-{type_name}"
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                number += 1
            else:
                return path


_current: ContextVar[StepContext | None] = ContextVar("headrace_step", default=None)
# Threads that a step starts do not inherit context variables, and a process runs at most one step.
_process_step: list[StepContext] = []
_loose: list[Path] = []


def current_step() -> StepContext | None:
    """Return the context of the step that is running, or None outside a run."""
    return _current.get() or (_process_step[-1] if _process_step else None)


class running:  # noqa: N801 - used as a verb: with running(context)
    """Make a context the current one for a block."""

    def __init__(self, context: StepContext) -> None:
        self._context = context

    def __enter__(self) -> StepContext:
        self._token = _current.set(self._context)
        _process_step.append(self._context)
        return self._context

    def __exit__(self, *_: object) -> None:
        _process_step.remove(self._context)
        _current.reset(self._token)


def new_folder(type_name: str) -> Path:
    """Make a new empty folder: in the current step's staging area, or outside a run for the life of the process."""
    step = current_step()
    if step is not None:
        return step.folder(type_name)
    if not _loose:
        _loose.append(Path(tempfile.mkdtemp(prefix="headrace-")))
        atexit.register(shutil.rmtree, _loose[0], ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{type_name}-", dir=_loose[0]))
