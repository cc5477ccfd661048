"""Pictures of an evaluation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headrace.viz import (
    Cell,
    Column,
    Interval,
    Markup,
    Section,
    badge,
    card,
    cards,
    intervals,
    join,
    key_values,
    lines,
    note,
    number,
    table,
    tag,
)

if TYPE_CHECKING:
    from headrace.evaluation.result import EvalResult, SliceResult
    from headrace.metrics import MetricValue

__all__ = ["evaluation_sections", "evaluation_view"]


def evaluation_view(result: EvalResult) -> Markup:
    """Return everything as one fragment."""
    return join(tag("section", tag("h2", part.title), part.body) for part in evaluation_sections(result))


def evaluation_sections(result: EvalResult) -> list[Section]:
    """Return the verdict, the metrics, the slices, the differences and the curves as parts of a page."""
    sections = [
        Section("verdict", "Verdict", _verdict(result)),
        Section("metrics", "Metrics", _metrics(result), note=f"{result.overall.rows:,} rows"),
    ]
    if result.slices:
        sections.append(Section("slices", "Slices", _slices(result), note=f"{len(result.slices)} slices"))
    if result.differences:
        sections.append(Section("differences", "Against the baseline", _differences(result)))
    if result.curves.roc or result.curves.calibration:
        sections.append(Section("curves", "Curves", _curves(result)))
    return sections


def _verdict(result: EvalResult) -> Markup:
    if not result.checks:
        return join([badge("blessed", "good"), note("No thresholds were set, so nothing was checked.", "warn")])
    rows = [
        (
            Cell(badge("met", "good") if check.ok else badge("missed", "bad"), sort=float(check.ok)),
            check.metric,
            check.slice,
            check.rule.replace("_", " "),
            Cell(check.note, kind="muted") if check.value is None else check.value,
            check.bound,
        )
        for check in result.checks
    ]
    columns = (
        Column("", "markup"),
        Column("metric"),
        Column("slice"),
        Column("rule"),
        Column("value", "number"),
        Column("bound", "number"),
    )
    head = badge("blessed", "good") if result.blessed else badge("not blessed", "bad")
    return join([head, table(columns, rows)])


def _metrics(result: EvalResult) -> Markup:
    rows = [(name, *_cells(found)) for name, found in result.overall.metrics.items()]
    columns = (Column("metric"), Column("value", "number"), Column("interval"), Column("note"))
    facts = key_values(
        {
            "task": result.task.replace("_", " "),
            "rows": f"{result.overall.rows:,}",
            "rows without a label": f"{result.rows_without_label:,}",
        }
    )
    return join([facts, table(columns, rows)])


def _cells(found: MetricValue) -> tuple[object, ...]:
    interval = ""
    if found.lower is not None and found.upper is not None:
        interval = f"{number(found.lower)} to {number(found.upper)}"
    remark = found.reason or ""
    if found.error_bound is not None:
        remark = f"within {number(found.error_bound)} of the exact value"
    return (found.value if found.defined else None, interval, remark)


def _slices(result: EvalResult) -> Markup:
    names = list(result.overall.metrics)
    columns = [Column("slice"), Column("rows", "number"), *(Column(name, "number") for name in names)]
    every = [result.overall, *result.slices]
    rows = [(one.name, one.rows, *(_slice_cell(one, name) for name in names)) for one in every]
    bound = {check.metric: check.bound for check in result.checks if check.rule in ("min", "max")}
    pictures = [
        card(
            name,
            intervals(
                [one.name for one in every],
                [_interval(one.metrics.get(name)) for one in every],
                threshold=bound.get(name),
                label=f"{name} by slice",
            ),
        )
        for name in names
        if any(name in one.metrics and one.metrics[name].lower is not None for one in every)
    ]
    return join([table(columns, rows), cards(*pictures)])


def _slice_cell(one: SliceResult, name: str) -> object:
    found = one.metrics.get(name)
    if found is None:
        return Cell("too few rows", kind="muted")
    if not found.defined:
        return Cell(tag("span", "undefined", title=found.reason), kind="muted")
    return found.value


def _interval(found: MetricValue | None) -> Interval:
    if found is None or not math.isfinite(found.value):
        return Interval(None)
    return Interval(found.value, found.lower, found.upper)


def _differences(result: EvalResult) -> Markup:
    rows = [(one.metric, one.slice, one.baseline, one.value, one.change) for one in result.differences]
    columns = (
        Column("metric"),
        Column("slice"),
        Column("baseline", "number"),
        Column("value", "number"),
        Column("change", "number"),
    )
    remark = note(
        f"Both models were evaluated on the same rows ({result.baseline}), so chance moves them together: "
        "a change is surer than the two intervals by themselves suggest."
    )
    return join([remark, table(columns, rows)])


def _curves(result: EvalResult) -> Markup:
    curves = result.curves
    roc = [(x, y) for x, y, _ in curves.roc]
    pr = [(x, y) for x, y, _ in curves.pr]
    calibration = [(prediction, label) for _, _, prediction, label, _ in curves.calibration]
    return cards(
        _curve("ROC", roc, "false positive rate", "true positive rate", diagonal=True),
        _curve("Precision and recall", pr, "recall", "precision"),
        _curve("Calibration", calibration, "mean prediction", "share of positives", diagonal=True, points=None),
    )


def _curve(
    title: str,
    found: list[tuple[float, float]],
    x_label: str,
    y_label: str,
    *,
    diagonal: bool = False,
    points: bool | None = False,
) -> Markup:
    picture = lines(
        {"model": found},
        x_label=x_label,
        y_label=y_label,
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        diagonal=diagonal,
        points=points,
        label=f"{title} curve",
    )
    return card(title, picture)
