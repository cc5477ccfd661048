"""What the steps that something builds on did, as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.pipeline.digest import describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.metadata import ArtifactRecord
    from headrace.pipeline.digest import Recipe
    from headrace.pipeline.graph import Graph

__all__ = ["provenance"]


def provenance(
    graph: Graph,
    step_ids: Sequence[str],
    keys: Mapping[str, str],
    recipes: Mapping[str, Recipe],
    outputs: Mapping[str, Mapping[str, ArtifactRecord]],
) -> dict[str, Any]:
    """Describe the code, parameters, inputs, outputs and outside data of steps.

    Parameters
    ----------
    graph
        Their pipeline.
    step_ids
        Which ones.
    keys, recipes
        By step.
    outputs
        By step and name, for those that have ended.
    """
    steps: dict[str, Any] = {}
    for step_id in step_ids:
        step, recipe = graph.steps[step_id], recipes[step_id]
        steps[step_id] = {
            "component": step.component.name,
            "key": keys[step_id],
            "code_digest": recipe.code_digest,
            "parameters": {name: describe(value) for name, value in step.parameters.items()},
            "inputs": [_artifact(name, outputs[ref.step_id][ref.output]) for name, ref in step.refs],
            "outputs": [_artifact(name, record) for name, record in outputs.get(step_id, {}).items()],
            "data": [{"parameter": x.parameter, "path": x.path, "digest": x.digest} for x in recipe.external],
        }
    return {
        "pipeline": graph.name,
        "parameters": {key: describe(value) for key, value in graph.parameters.items()},
        "steps": steps,
    }


def _artifact(name: str, record: ArtifactRecord) -> dict[str, Any]:
    return {"name": name, "type": record.type, "artifact": record.id, "digest": record.digest}
