"""Publication: a blessed model becomes a version, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from headrace.components.artifacts import ExampleStatistics, InfraBlessing, Model, ModelEvaluation, PushedModel
from headrace.components.place import registry_here
from headrace.errors import NotBlessedError
from headrace.pipeline import component, current_step

__all__ = ["pusher"]


@component
def pusher(
    model: Model,
    evaluation: ModelEvaluation,
    blessing: InfraBlessing | None = None,
    *,
    to: str,
    statistics: ExampleStatistics | None = None,
) -> PushedModel:
    """Publish a model under ``models/<to>/<next version>/``.

    Parameters
    ----------
    model
        What to publish.
    evaluation
        Its evaluation, which must bless it.
    blessing
        Its crash test, which must have gone well.
    to
        The model's name in the registry.
    statistics
        Statistics of the training data, kept beside the model so that skew can be measured later; without slices.

    Raises
    ------
    NotBlessedError
        If the evaluation or the crash test refused the model.
    """
    result = evaluation.load()
    if not result.blessed:
        failed = "; ".join(str(check) for check in result.checks if not check.ok)
        raise NotBlessedError(
            "Only a model that its evaluation blessed is published",
            got=failed,
            where=f"pusher to {to}",
            fix="Look at the slices in the run's report",
        )
    if blessing is not None and not blessing.verdict["ok"]:
        raise NotBlessedError(
            "Only a model that passed the crash test is published",
            got=blessing.verdict["reason"],
            where=f"pusher to {to}",
        )
    step = current_step()
    with TemporaryDirectory() as folder:
        extras: dict[str, Path] = {}
        if statistics is not None:
            extras["statistics.json"] = Path(folder) / "statistics.json"
            statistics.load().whole().save(extras["statistics.json"])
        version = registry_here().publish(
            to,
            model.path,
            evaluation=evaluation.path / "evaluation.json",
            extras=extras,
            lineage=None if step is None else step.provenance(),
            key=f"{model.digest}-{evaluation.digest}",
        )
    pushed = PushedModel.create()
    target = {"name": version.name, "version": version.version, "path": str(version.path), "digest": version.digest}
    (pushed.path / "push.json").write_text(json.dumps(target, indent=2), "utf-8")
    pushed.properties |= target
    return pushed
