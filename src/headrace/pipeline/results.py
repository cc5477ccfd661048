"""What a run reports while it goes on and at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 - the dataclasses' fields are looked at when the program runs
from typing import TYPE_CHECKING, Literal

from headrace import errors
from headrace.errors import HeadraceError, StepError

if TYPE_CHECKING:
    from headrace.metadata import ArtifactRecord, RunState, StepState
    from headrace.pipeline.spec import Failure

__all__ = ["EventKind", "RunEvent", "RunResult", "StepResult"]

EventKind = Literal[
    "run started", "started", "reused", "finished", "failed", "found wanting", "skipped", "cancelled", "run finished"
]


@dataclass(frozen=True)
class RunEvent:
    """Something that happened in a run.

    Parameters
    ----------
    kind
        ``run started`` and ``run finished`` are about the run, the others about a step.
    run_id, step_id, component
        ``step_id`` and ``component`` are None for the run.
    at
        Seconds since 1970.
    seconds
        How long the step or run took, where it has ended.
    peak_memory
        Bytes, for a step that has ended.
    message
        Why it failed or was skipped; the pipeline's name for the run.
    steps
        Ids of all steps, when the run starts.
    """

    kind: EventKind
    run_id: str
    at: float
    step_id: str | None = None
    component: str | None = None
    seconds: float | None = None
    peak_memory: int | None = None
    message: str | None = None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepResult:
    """How one step ended.

    Parameters
    ----------
    id, component
        The step's id and its component's name.
    state
        ``done``, ``reused``, ``failed``, ``found wanting``, ``skipped`` or ``cancelled``.
    seconds
        Wall time; 0 where nothing ran.
    outputs
        Artifacts by name of the output.
    paths
        Their folders, absolute.
    log
        File with what the step printed.
    failure
        Why it failed, with the last lines of its log.
    """

    id: str
    component: str
    state: StepState
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    key: str | None = None
    outputs: dict[str, ArtifactRecord] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)
    log: Path | None = None
    failure: Failure | None = None

    @property
    def error(self) -> HeadraceError | None:
        """The failure as an exception: the step's own where it was headrace's, else a ``StepError``."""
        failure = self.failure
        if failure is None:
            return None
        log = f"Its log is {self.log}" if self.log is not None else None
        kind = getattr(errors, failure.error, None)
        if failure.ours and isinstance(kind, type) and issubclass(kind, HeadraceError):
            return kind(failure.rule or failure.message, got=failure.got, where=failure.where, fix=failure.fix or log)
        return StepError(
            f"Step {self.id!r} must succeed", got=f"{failure.error}: {failure.message}", where=failure.where, fix=log
        )


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Parameters
    ----------
    run_id
        Its name in the home.
    state
        ``done``, ``failed``, ``found wanting`` or ``cancelled``.
    steps
        In the order of the pipeline.
    exit_code
        0 done, 1 failed (or what the failing error says), 3 found wanting, 130 cancelled.
    seconds
        Wall time.
    """

    run_id: str
    pipeline: str
    state: RunState
    steps: list[StepResult]
    exit_code: int
    seconds: float

    def step(self, step_id: str) -> StepResult:
        """Return one step's result.

        Raises
        ------
        UsageError
            If there is no step with this id.
        """
        for step in self.steps:
            if step.id == step_id:
                return step
        raise errors.UsageError(
            "A step of the run is wanted", got=step_id, fix=errors.did_you_mean(step_id, [s.id for s in self.steps])
        )

    def raise_for_state(self) -> None:
        """Raise the first step's error if the run failed or was found wanting."""
        for state in ("failed", "found wanting"):
            for step in self.steps:
                if step.state == state and step.error is not None:
                    raise step.error
