"""What the metadata and the folders of a home know of one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.metadata import ArtifactRecord, ExecutionRecord, RunRecord, StepRecord

__all__ = ["Made", "RunFacts", "read_run"]

LOG_BYTES = 200_000


@dataclass(frozen=True)
class Made:
    """An artifact, and the step and the output under which the run has it."""

    step: StepRecord
    output: str
    artifact: ArtifactRecord
    folder: Path


@dataclass(frozen=True)
class RunFacts:
    """A run with its steps, their executions and all artifacts that these read or made.

    Parameters
    ----------
    home
        Where everything lies.
    run
        The run.
    steps
        In the order of the pipeline.
    executions
        By step id; another run's where the step was reused, none where it did not end.
    artifacts
        By id.
    """

    home: Path
    run: RunRecord
    steps: tuple[StepRecord, ...]
    executions: dict[str, ExecutionRecord]
    artifacts: dict[str, ArtifactRecord]

    def made(self, *type_names: str) -> Iterator[Made]:
        """Return the artifacts of some types, or of all, in the order of the steps."""
        for step in self.steps:
            execution = self.executions.get(step.step_id)
            for output, artifact_id in execution.outputs if execution else ():
                artifact = self.artifacts.get(artifact_id)
                if artifact is not None and (not type_names or artifact.type in type_names):
                    yield Made(step, output, artifact, self.home / artifact.path)

    def log(self, step: StepRecord) -> str | None:
        """Return what a step has written, or where it was reused what it wrote then; the end of it where it is long."""
        execution = self.executions.get(step.step_id)
        run_id, step_id = (execution.run_id, execution.step_id) if execution else (step.run_id, step.step_id)
        path = self.home / "runs" / run_id / f"{step_id}.log"
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - LOG_BYTES))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        return text if size <= LOG_BYTES else "…" + text

    @property
    def seconds(self) -> float | None:
        """How long the run took, or has taken to the last thing that is known of it."""
        ends = [self.run.finished, *(step.finished for step in self.steps)]
        known = [end for end in ends if end is not None]
        return max(known) - self.run.started if known else None


def read_run(home: Path, run_id: str) -> RunFacts:
    """Read a run, by its id or the start of it.

    Raises
    ------
    MetadataError
        If there is no such run, or the metadata cannot be read.
    """
    from headrace.metadata import MetadataReader
    from headrace.pipeline import run_states, step_states

    with MetadataReader(home) as reader:
        (run,) = run_states(reader, [reader.run(run_id)])
        steps = tuple(step_states(run, reader.steps(run.id)))
        ids = [step.execution_id for step in steps if step.execution_id is not None]
        found = {execution.id: execution for execution in reader.executions(ids)}
        wanted = {i for execution in found.values() for _, i in (*execution.inputs, *execution.outputs)}
        artifacts = {artifact.id: artifact for artifact in reader.artifacts_by_id(sorted(wanted))}
    executions = {step.step_id: found[step.execution_id] for step in steps if step.execution_id in found}
    return RunFacts(home, run, steps, executions, artifacts)
