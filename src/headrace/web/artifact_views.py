"""How each type of artifact shows itself: its folder becomes a fragment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError
from headrace.viz import (
    Column,
    Markup,
    badge,
    bytes_,
    code,
    details,
    duration,
    join,
    key_values,
    note,
    number,
    percent,
    table,
    tag,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from headrace.viz import Kind

__all__ = ["show_artifact"]


def show_artifact(type_name: str, folder: Path) -> Markup:
    """Return what is in an artifact's folder; where that cannot be read, a note that says why."""
    if not folder.is_dir():
        return note("The folder of this artifact is gone, as after a clean-up; its record is kept.", "muted")
    show = _VIEWS.get(type_name, _files)
    try:
        return show(folder)
    except (HeadraceError, OSError, ValueError, KeyError, TypeError) as error:
        return note(f"{type_name} cannot be shown. {type(error).__name__}: {error}", "warn")


def _json(path: Path) -> dict[str, Any]:
    plain = json.loads(path.read_text("utf-8"))
    if not isinstance(plain, dict):
        raise TypeError(f"{path.name} holds no object")
    return plain


def _examples(folder: Path) -> Markup:
    summary = _json(folder / "examples.json")
    rows: Mapping[str, int] = summary["rows"]
    total = sum(rows.values())
    parts = [
        table(
            [Column("split"), Column("rows", "number"), Column("share", "number", percent)],
            [[split, count, count / total if total else None] for split, count in rows.items()],
            caption="Splits",
        )
    ]
    spans = [
        [source, one["span"], one["version"], one["name"]]
        for source, files in summary.get("spans", {}).items()
        for one in files
    ]
    if spans:
        columns = [Column("source"), Column("span", "number"), Column("version", "number"), Column("file")]
        parts.append(table(columns, spans, caption="Spans that were read"))
    aside = summary.get("rows_set_aside", 0)
    if aside:
        parts.append(note(f"{number(aside)} of {number(summary['rows_read'])} rows could not be read.", "warn"))
        parts.append(
            table(
                [Column("file"), Column("row", "number"), Column("reason")],
                [[one["file"], one["row"], one["reason"]] for one in summary.get("unreadable", [])],
                caption="Rows set aside",
            )
        )
    return join(parts)


def _statistics(folder: Path) -> Markup:
    from headrace.statistics import Statistics
    from headrace.statistics.view import statistics_view

    statistics = Statistics.load(folder / "statistics.json")
    slices = statistics.slices()
    if not slices:
        return statistics_view(statistics)
    rows = [[one.dataset, one.slice_key, one.num_examples] for one in slices]
    columns = [Column("data set"), Column("slice"), Column("rows", "number")]
    beside = details(f"{len(slices):,} slices, whose numbers are in statistics.json", table(columns, rows))
    return join([statistics_view(statistics.whole()), beside])


def _schema(folder: Path) -> Markup:
    from headrace.schema import Schema
    from headrace.schema.view import schema_view

    return schema_view(Schema.load(folder / "schema.yaml"))


def _anomalies(folder: Path) -> Markup:
    from headrace.validation import Anomalies
    from headrace.validation.view import anomalies_view

    return anomalies_view(Anomalies.load(folder / "anomalies.json"))


def _diff(folder: Path) -> Markup:
    from headrace.validation import SkewResult
    from headrace.validation.skew_view import skew_view

    files = sorted(folder.glob("*.json"))
    if not files:
        raise ValueError("it holds no split")
    parts = [(file.stem, SkewResult.load(file)) for file in files]
    return join(tag("div", tag("h3", split), skew_view(found), class_="hr-part") for split, found in parts)


def _transform(folder: Path) -> Markup:
    from headrace.transform import TransformGraph
    from headrace.transform.view import view

    return view(TransformGraph.load(folder))


def _evaluation(folder: Path) -> Markup:
    from headrace.evaluation import EvalResult
    from headrace.evaluation.view import evaluation_sections

    found = EvalResult.load(folder / "evaluation.json")
    return join(tag("div", tag("h3", part.title), part.body, class_="hr-part") for part in evaluation_sections(found))


def _model(folder: Path) -> Markup:
    from headrace.training import TrainResult
    from headrace.training.view import view

    signature = folder / "signature.json"
    return join([view(TrainResult.load(folder)), _signature(_json(signature)) if signature.is_file() else None])


def _signature(signature: Mapping[str, Any]) -> Markup:
    rows = [
        ["input", one["name"], one["dtype"], _shape(one), one.get("role", "value")] for one in signature["inputs"]
    ] + [
        ["output", one["name"], one["dtype"], _shape(one), ", ".join(one.get("classes") or [])]
        for one in signature["outputs"]
    ]
    columns = [Column("side"), Column("name"), Column("type"), Column("shape"), Column("role or classes")]
    counts = f"Signature: {len(signature['inputs'])} inputs, {len(signature['outputs'])} outputs"
    return details(counts, table(columns, rows))


def _shape(one: Mapping[str, Any]) -> str:
    return " \u00d7 ".join(map(str, one["shape"]))


def _tuning(folder: Path) -> Markup:
    from headrace.tuning import SearchResult
    from headrace.tuning.view import view

    return view(SearchResult.load(folder))


def _crash_test(folder: Path) -> Markup:
    verdict = _json(folder / "crash_test.json")
    plain = {key: value for key, value in verdict.items() if _is_plain(value) and key not in {"ok", "reason"}}
    kind: Kind = "good" if verdict["ok"] else "bad"
    head = note("Passed: the served answers are the model's own." if verdict["ok"] else verdict["reason"], kind)
    return join([head, key_values({_spoken(key): _measure(key, value) for key, value in plain.items()})])


def _measure(key: str, value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if key.endswith("_seconds"):
            return duration(value)
        if key.endswith("_mb"):
            return bytes_(value * 1024**2)
    return value


def _pushed(folder: Path) -> Markup:
    target = _json(folder / "push.json")
    # A home may have been moved since.
    here = folder.parents[2] / "models" / target["name"] / str(target["version"])
    place = str(here) if here.is_dir() else target["path"]
    head = tag("p", badge(f"{target['name']} version {target['version']}", "good"))
    facts = {"folder": code(place)} | ({"digest": code(target["digest"])} if target.get("digest") else {})
    use = f"hr.load_model({place!r}).predict(rows)"
    return join([head, key_values(facts), tag("h4", "Use it"), code(use, block=True)])


def _files(folder: Path) -> Markup:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [[path.relative_to(folder).as_posix(), path.stat().st_size] for path in found[:200]]
    return table([Column("file"), Column("bytes", "number")], rows, caption="Files")


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _spoken(key: str) -> str:
    return key.removesuffix("_mb").removesuffix("_seconds").replace("_", " ")


_VIEWS: dict[str, Callable[[Path], Markup]] = {
    "Examples": _examples,
    "ExampleStatistics": _statistics,
    "Schema": _schema,
    "ExampleAnomalies": _anomalies,
    "ExamplesDiff": _diff,
    "TransformGraph": _transform,
    "HyperParameters": _tuning,
    "Model": _model,
    "ModelEvaluation": _evaluation,
    "InfraBlessing": _crash_test,
    "PushedModel": _pushed,
}
