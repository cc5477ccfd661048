"""Anomalies as a verdict and a table, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.validation.wording import counted
from headrace.viz import Cell, Column, Markup, badge, join, note, percent, table, tag

if TYPE_CHECKING:
    from headrace.validation.anomalies import Anomalies, Anomaly

__all__ = ["anomalies_view", "display_anomalies"]

_SHOWN = 5


def display_anomalies(anomalies: Anomalies) -> Markup:
    """Return the anomalies as markup, which a notebook shows."""
    return anomalies_view(anomalies)


def anomalies_view(anomalies: Anomalies) -> Markup:
    """Return a fragment: the verdict, then one row an anomaly, features with errors first, each feature's together."""
    splits = ", ".join(anomalies.splits)
    if not anomalies.anomalies:
        return note(f"The data fits its schema ({splits})." if splits else "The data fits its schema.", "good")
    errors, warnings = len(anomalies.errors), len(anomalies.warnings)
    counts = [counted(errors, "error")] * bool(errors) + [counted(warnings, "warning")] * bool(warnings)
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
        Column("share", "number", percent),
    ]
    return join([verdict, table(columns, [_row(anomaly) for anomaly in _sorted(anomalies)], caption="Anomalies")])


def _sorted(anomalies: Anomalies) -> list[Anomaly]:
    """Return the anomalies by feature, features with errors first, and within a feature errors first."""
    order: dict[str | None, tuple[bool, int]] = {}
    for place, anomaly in enumerate(anomalies):
        mild, first = order.get(anomaly.feature, (True, place))
        order[anomaly.feature] = mild and anomaly.severity == "warning", first
    return sorted(anomalies, key=lambda one: (order[one.feature], one.severity == "warning"))


def _row(anomaly: Anomaly) -> list[object]:
    error = anomaly.severity == "error"
    parts: list[object] = [anomaly.message]
    if anomaly.row_numbers:
        rows = ", ".join(f"{row:,}" for row in anomaly.row_numbers[:_SHOWN])
        more = ", …" if len(anomaly.row_numbers) > _SHOWN or (anomaly.rows or 0) > _SHOWN else ""
        parts.append(tag("div", f"Rows {rows}{more}", class_="hr-muted"))
    if anomaly.suggestion:
        parts.append(tag("div", anomaly.suggestion, class_="hr-muted"))
    # Of drift and skew the fraction is a distance, and no share of the rows.
    share = anomaly.fraction if anomaly.rows is not None else None
    return [
        anomaly.feature or "(all)",
        anomaly.split,
        Cell(badge(anomaly.severity, "bad" if error else "warn"), anomaly.severity),
        anomaly.name or anomaly.rule,
        join(parts),
        anomaly.rows,
        share,
    ]
