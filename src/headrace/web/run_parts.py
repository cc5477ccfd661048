"""The parts of a run's page that come from its record: graph, parameters, lineage, steps and logs."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from headrace.viz import (
    Cell,
    Column,
    DagNode,
    Markup,
    Span,
    badge,
    bytes_,
    code,
    dag,
    details,
    duration,
    join,
    key_values,
    moment,
    note,
    percent,
    table,
    tag,
    timeline,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.metadata import ArtifactRecord, RunRecord, StepRecord
    from headrace.viz import Kind
    from headrace.web.facts import RunFacts

__all__ = ["graph_part", "header_part", "lineage_part", "parameters_part", "steps_part"]

_DIGEST = 12
_SHORT = 100
# State of a step: how the graph draws it, the tone of its badge, and its word.
_STATES: dict[str, tuple[str, Kind, str]] = {
    "waiting": ("waiting", "muted", "waiting"),
    "running": ("running", "info", "running"),
    "done": ("done", "good", "done"),
    "reused": ("cached", "info", "cached"),
    "failed": ("failed", "bad", "failed"),
    "found wanting": ("refused", "warn", "found wanting"),
    "skipped": ("skipped", "muted", "skipped"),
    "cancelled": ("cancelled", "warn", "cancelled"),
    "interrupted": ("cancelled", "warn", "interrupted"),
}


def _state(state: str) -> tuple[str, Kind, str]:
    return _STATES.get(state, ("", "muted", state))


def _seconds(step: StepRecord) -> float | None:
    return None if step.started is None or step.finished is None else step.finished - step.started


def _took(facts: RunFacts, step: StepRecord) -> str:
    """Return a step's time, or where it was reused the time that this saved."""
    if step.state == "reused":
        execution = facts.executions.get(step.step_id)
        return "cached" if execution is None else f"cached, was {duration(execution.finished - execution.started)}"
    seconds = _seconds(step)
    if step.state == "done" and seconds is not None:
        return duration(seconds)
    word = _state(step.state)[2]
    return word if seconds is None else f"{word}, {duration(seconds)}"


def _short(digest: str) -> Markup:
    cut = digest.rpartition(":")[2][:_DIGEST]
    return tag("code", cut, title=digest)


def header_part(facts: RunFacts) -> Markup:
    """Return the verdicts as badges and the run's main facts."""
    run = facts.run
    reused = sum(step.state == "reused" for step in facts.steps)
    marks = [badge(*_run_badge(run)), *_verdicts(facts)]
    if reused:
        marks.append(badge(f"{reused} of {len(facts.steps)} steps cached", "muted"))
    about = {
        "run": code(run.id),
        "started": moment(run.started),
        "took": duration(facts.seconds),
        "peak memory of a step": bytes_(max((s.peak_memory for s in facts.steps if s.peak_memory), default=None)),
        "file": code(run.file),
        "host": run.host,
    }
    failed = [step for step in facts.steps if step.error]
    return join(
        [
            tag("p", marks, class_="hr-marks"),
            key_values(about),
            *(_error(step) for step in failed),
        ]
    )


def _verdicts(facts: RunFacts) -> Iterator[Markup]:
    """Say what the steps that judge have found; which step it was, where several judge the same."""
    several = Counter(made.artifact.type for made in facts.made())
    for made in facts.made("ExampleAnomalies", "ModelEvaluation", "InfraBlessing", "PushedModel"):
        verdict = _verdict(made.artifact)
        if verdict is not None:
            text, kind = verdict
            yield badge(f"{made.step.step_id}: {text}" if several[made.artifact.type] > 1 else text, kind)


def _verdict(artifact: ArtifactRecord) -> tuple[str, Kind] | None:
    found = artifact.properties
    if artifact.type == "ExampleAnomalies":
        errors, warnings = (int(found.get(key) or 0) for key in ("errors", "warnings"))
        if not errors and not warnings:
            return "no anomalies", "good"
        return _counted(errors + warnings, "anomaly", "anomalies"), "bad" if errors else "warn"
    if artifact.type == "ModelEvaluation" and "blessed" in found:
        return ("blessed", "good") if found["blessed"] else ("not blessed", "bad")
    if artifact.type == "InfraBlessing":
        return ("crash test passed", "good") if found.get("ok") else ("crash test failed", "bad")
    if artifact.type == "PushedModel" and "name" in found:
        return f"pushed {found['name']}/{found.get('version')}", "info"
    return None


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _run_badge(run: RunRecord) -> tuple[str, Kind]:
    kinds: dict[str, Kind] = {"done": "good", "failed": "bad", "running": "info"}
    return run.state, kinds.get(run.state, "warn")


def _error(step: StepRecord) -> Markup:
    error = dict(step.error or {})
    rule = error.get("rule")
    kind = error.get("error", "")
    said = rule or ": ".join(str(part) for part in (kind, error.get("message")) if part)
    shown = ("got", "where", "fix") if rule else ("where",)
    facts = {key: _plain(error[key]) for key in shown if error.get(key) not in {None, ""}}
    head = tag("strong", f"{step.step_id} {_state(step.state)[2]}")
    body = join([head, tag("p", said), key_values(facts) if facts else None])
    return note(body, "warn" if step.state == "found wanting" else "bad")


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    short = json.dumps(value, ensure_ascii=False, default=str)
    return short if len(short) <= _SHORT else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def graph_part(facts: RunFacts) -> Markup:
    """Return the pipeline's graph with times and cache hits; a box leads to the step's log."""
    nodes = [
        DagNode(step.step_id, step.step_id, _took(facts, step), _state(step.state)[0], f"#step-{step.step_id}")
        for step in facts.steps
    ]
    edges = [(before, step.step_id) for step in facts.steps for before in step.upstream]
    return dag(nodes, edges, label=f"Graph of pipeline {facts.run.pipeline}")


def parameters_part(facts: RunFacts) -> Markup:
    """Return the run's parameters, and those of every step."""
    own = key_values({name: _value(value) for name, value in facts.run.parameters.items()})
    parts = [own if facts.run.parameters else tag("p", "The pipeline was run without parameters.", class_="hr-muted")]
    for step in facts.steps:
        execution = facts.executions.get(step.step_id)
        if execution is not None and execution.parameters:
            rows = [[name, _value(value)] for name, value in execution.parameters.items()]
            body = table([Column("parameter"), Column("value", "markup")], rows, sortable=False)
            parts.append(details(f"{step.step_id}: {_counted(len(rows), 'parameter', 'parameters')}", body))
    return join(parts)


def _value(value: Any) -> Markup:
    text = _plain(value)
    return code(text, block=True) if "\n" in text or len(text) > 240 else code(text)


def lineage_part(facts: RunFacts) -> Markup:
    """Return what was made from what, with the digests of data, code and artifacts."""
    data, code_rows, artifact_rows = [], [], []
    nodes: dict[str, DagNode] = {}
    edges: list[tuple[str, str]] = []
    for step in facts.steps:
        execution = facts.executions.get(step.step_id)
        if execution is None:
            continue
        code_rows.append(
            [
                step.step_id,
                _short(execution.code_digest),
                _short(execution.key),
                execution.headrace_version,
                badge("cached", "info") if step.state == "reused" else "",
                code(execution.run_id),
            ]
        )
        outputs = [i for _, i in execution.outputs]
        for outside in execution.external:
            node = f"file {outside.path}"
            name = outside.path.replace("\\", "/").rstrip("/").rpartition("/")[2] or outside.path
            nodes[node] = DagNode(node, name, outside.digest.rpartition(":")[2][:_DIGEST], "input")
            edges += [(node, output) for output in outputs]
            data.append([outside.path, _short(outside.digest), step.step_id, outside.parameter])
        edges += [(source, output) for _, source in execution.inputs for output in outputs]
    for made in facts.made():
        one = made.artifact
        state = "output" if one.type == "PushedModel" else _state(made.step.state)[0]
        digest = one.digest.rpartition(":")[2][:_DIGEST]
        nodes[one.id] = DagNode(one.id, one.type, f"{made.step.step_id} · {digest}", state)
        artifact_rows.append(
            [
                one.type,
                made.step.step_id,
                _short(one.digest),
                Cell(bytes_(one.size), one.size),
                moment(one.created),
                code(one.path),
            ]
        )
    return join(
        [
            dag(list(nodes.values()), edges, label="Lineage: what was made from what") if nodes else None,
            table(
                [Column("data"), Column("digest", "markup"), Column("read by"), Column("parameter")],
                data,
                caption="Data from outside",
                empty="no file was read",
            ),
            table(
                [
                    Column("step"),
                    Column("code digest", "markup"),
                    Column("key", "markup", help="of code, parameters, inputs and version"),
                    Column("headrace"),
                    Column("", "markup"),
                    Column("executed in run", "markup"),
                ],
                code_rows,
                caption="Code",
                empty="no step has ended",
            ),
            table(
                [
                    Column("artifact"),
                    Column("step"),
                    Column("digest", "markup"),
                    Column("size", "number"),
                    Column("made"),
                    Column("folder", "markup"),
                ],
                artifact_rows,
                caption="Artifacts",
                empty="no artifact was made",
            ),
        ]
    )


def steps_part(facts: RunFacts) -> Markup:
    """Return the timeline, times and memory, and the logs."""
    spans = [
        Span(step.step_id, step.started, step.finished, _state(step.state)[0], _took(facts, step))
        for step in facts.steps
    ]
    rows = []
    for step in facts.steps:
        seconds = _seconds(step)
        busy = step.cpu_seconds / seconds if step.cpu_seconds is not None and seconds else None
        begun = None if step.started is None else step.started - facts.run.started
        _, kind, word = _state(step.state)
        rows.append(
            [
                step.step_id,
                step.component,
                Cell(badge(word, kind), word),
                Cell(duration(seconds), seconds),
                Cell(duration(step.cpu_seconds), step.cpu_seconds),
                Cell(percent(busy, 0), busy),
                Cell(bytes_(step.peak_memory), step.peak_memory),
                Cell(duration(begun), begun),
            ]
        )
    times = table(
        [
            Column("step"),
            Column("component"),
            Column("state", "markup"),
            Column("took", "number"),
            Column("processor time", "number"),
            Column("processors", "number", help="processor time as a share of the time taken; 200% is two at work"),
            Column("peak memory", "number"),
            Column("began after", "number", help="the start of the run"),
        ],
        rows,
        caption="Times and memory",
    )
    logs = [tag("div", _log(facts, step), id=f"step-{step.step_id}") for step in facts.steps]
    return join([timeline(spans, label="When each step ran"), times, tag("h3", "Logs", class_="hr-gap"), *logs])


def _log(facts: RunFacts, step: StepRecord) -> Markup:
    text = facts.log(step)
    lines = 0 if not text else text.count("\n") + (not text.endswith("\n"))
    _, kind, word = _state(step.state)
    about = f"{step.step_id} ({_counted(lines, 'line', 'lines')})"
    body = code(text, block=True) if text else tag("p", "This step has written nothing.", class_="hr-muted")
    parts = [_error(step), body] if step.error else [body]
    return details(join([about, " ", badge(word, kind)]), join(parts), open=step.state == "failed")
