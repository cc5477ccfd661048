"""Anomalies as a verdict and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.viz import Cell, Column, Markup, badge, join, note, table, tag

if TYPE_CHECKING:
    from headrace.validation.anomalies import Anomalies, Anomaly

__all__ = ["anomalies_view", "display_anomalies"]


def display_anomalies(anomalies: Anomalies) -> Markup:
    """Return the anomalies as markup, which a notebook shows."""
    return anomalies_view(anomalies)


def anomalies_view(anomalies: Anomalies) -> Markup:
    """Return a fragment: the verdict, then one row an anomaly."""
    splits = ", ".join(anomalies.splits)
    if not anomalies.anomalies:
        return note(f"The data fits its schema ({splits})." if splits else "The data fits its schema.", "good")
    errors, warnings = len(anomalies.errors), len(anomalies.warnings)
    counts = [f"{errors} error{'s' * (errors != 1)}"] * bool(errors)
    counts += [f"{warnings} warning{'s' * (warnings != 1)}"] * bool(warnings)
    verdict = note(
        f"{' and '.join(counts)} in {splits}." if splits else f"{' and '.join(counts)}.", "bad" if errors else "warn"
    )
    columns = [
        Column("feature"),
        Column("data set"),
        Column("severity", "markup"),
        Column("rule"),
        Column("what was found", "markup"),
        Column("rows", "number"),
    ]
    return join([verdict, table(columns, [_row(anomaly) for anomaly in anomalies.anomalies], caption="Anomalies")])


def _row(anomaly: Anomaly) -> list[object]:
    error = anomaly.severity == "error"
    what = join([anomaly.message, tag("div", anomaly.suggestion, class_="hr-muted") if anomaly.suggestion else ""])
    return [
        anomaly.feature or "(all)",
        anomaly.split,
        Cell(badge(anomaly.severity, "bad" if error else "warn"), anomaly.severity),
        anomaly.rule,
        what,
        anomaly.rows,
    ]
