"""Lineage: what an artifact was made from, and what was made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.metadata.records import ArtifactRecord, ExecutionRecord, ExternalInput

__all__ = ["LineageGraph", "collect"]


class _Facts(Protocol):
    def producers(self, artifact_ids: Sequence[str]) -> list[ExecutionRecord]: ...
    def consumers(self, artifact_ids: Sequence[str]) -> list[ExecutionRecord]: ...
    def artifacts_by_id(self, ids: Sequence[str]) -> list[ArtifactRecord]: ...


@dataclass(frozen=True)
class LineageGraph:
    """An artifact with everything upstream and downstream of it.

    Parameters
    ----------
    artifact
        The one that was asked for.
    artifacts
        All artifacts of the graph, by id.
    upstream
        Executions that led to it, its own maker first, then theirs.
    downstream
        Executions that used it, or what was made from it.
    """

    artifact: ArtifactRecord
    artifacts: dict[str, ArtifactRecord]
    upstream: tuple[ExecutionRecord, ...]
    downstream: tuple[ExecutionRecord, ...]

    @property
    def data(self) -> tuple[ExternalInput, ...]:
        """The files and other data from outside that the artifact depends on."""
        return tuple(dict.fromkeys(x for execution in self.upstream for x in execution.external))

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """Pairs of ids, from artifact to execution and from execution to artifact."""
        return tuple(
            edge
            for execution in (*self.upstream, *self.downstream)
            for edge in (
                *((artifact, execution.id) for _, artifact in execution.inputs),
                *((execution.id, artifact) for _, artifact in execution.outputs),
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as JSON values."""
        from dataclasses import asdict

        def plain(execution: ExecutionRecord) -> dict[str, Any]:
            values = asdict(execution)
            for side in ("inputs", "outputs"):
                values[side] = [{"name": name, "artifact": artifact} for name, artifact in values[side]]
            values["external"] = list(values["external"])
            return values

        return {
            "artifact": asdict(self.artifact),
            "artifacts": {i: asdict(record) for i, record in self.artifacts.items()},
            "upstream": [plain(execution) for execution in self.upstream],
            "downstream": [plain(execution) for execution in self.downstream],
            "data": [asdict(x) for x in self.data],
        }


def collect(facts: _Facts, artifact: ArtifactRecord) -> LineageGraph:
    """Walk from an artifact to its beginnings and to its ends."""
    upstream: dict[str, ExecutionRecord] = {}
    wanted = [artifact.id]
    while wanted:
        new = [e for e in facts.producers(wanted) if e.id not in upstream]
        upstream.update((e.id, e) for e in new)
        wanted = sorted({i for e in new for _, i in e.inputs})
    downstream: dict[str, ExecutionRecord] = {}
    wanted = [artifact.id]
    while wanted:
        new = [e for e in facts.consumers(wanted) if e.id not in downstream]
        downstream.update((e.id, e) for e in new)
        wanted = sorted({i for e in new for _, i in e.outputs})
    ids = {artifact.id}
    for execution in (*upstream.values(), *downstream.values()):
        ids.update(i for _, i in (*execution.inputs, *execution.outputs))
    found = {record.id: record for record in facts.artifacts_by_id(sorted(ids))}
    return LineageGraph(artifact, found, tuple(upstream.values()), tuple(downstream.values()))
