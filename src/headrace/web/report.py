"""A run's page: one HTML file with everything that is known of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.viz import Section, duration, join, moment, page, tag
from headrace.web.artifact_views import show_artifact
from headrace.web.facts import read_run
from headrace.web.run_parts import graph_part, header_part, lineage_part, parameters_part, steps_part

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.viz import Markup
    from headrace.web.facts import Made, RunFacts

__all__ = ["run_report"]

# Artifact type, the section's anchor and its title, in the order of the page.
_SECTIONS = (
    ("Examples", "data", "Data"),
    ("ExampleStatistics", "statistics", "Statistics"),
    ("ExampleAnomalies", "anomalies", "Anomalies"),
    ("ExamplesDiff", "differences", "Differences"),
    ("Schema", "schema", "Schema"),
    ("TransformGraph", "transform", "Transform"),
    ("HyperParameters", "tuning", "Tuning"),
    ("Model", "training", "Training"),
    ("ModelEvaluation", "evaluation", "Evaluation"),
    ("InfraBlessing", "crash-test", "Crash test"),
    ("PushedModel", "publication", "Publication"),
)


def run_report(home: Path, run_id: str) -> str:
    """Return a run's page.

    Parameters
    ----------
    home
        The home folder.
    run_id
        The run's id, or the start of it.

    Returns
    -------
    str
        HTML that stands alone and loads nothing.

    Raises
    ------
    MetadataError
        If there is no such run, or the metadata cannot be read.
    """
    facts = read_run(home, run_id)
    run = facts.run
    reused = sum(step.state == "reused" for step in facts.steps)
    sections = [
        Section("graph", "Graph", graph_part(facts), f"{len(facts.steps)} steps, {reused} cached"),
        Section("parameters", "Parameters", parameters_part(facts)),
        *_artifact_sections(facts),
        Section("lineage", "Lineage", lineage_part(facts)),
        Section("steps", "Steps", steps_part(facts), duration(facts.seconds)),
    ]
    return page(
        run.pipeline,
        *sections,
        subtitle=f"Run {run.id} of {moment(run.started)}",
        header=header_part(facts),
        document_title=f"{run.pipeline} · {run.id}",
    )


def _artifact_sections(facts: RunFacts) -> list[Section]:
    known = {name for name, _, _ in _SECTIONS}
    others = sorted({made.artifact.type for made in facts.made()} - known)
    wanted = [*_SECTIONS, *((name, f"type-{name}", name) for name in others)]
    sections = []
    for type_name, anchor, title in wanted:
        made = list(facts.made(type_name))
        if made:
            words = ", ".join(one.step.step_id for one in made)
            sections.append(Section(anchor, title, join(_one(one, several=len(made) > 1) for one in made), words))
    return sections


def _one(made: Made, *, several: bool) -> Markup:
    body = show_artifact(made.artifact.type, made.folder)
    if not several:
        return body
    name = made.step.step_id if made.output in {"", "output"} else f"{made.step.step_id}: {made.output}"
    return tag("div", tag("h3", name), body, class_="hr-part")
