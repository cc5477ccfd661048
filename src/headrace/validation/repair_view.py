"""The account of a repair as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.validation.view import anomalies_view
from headrace.viz import Column, Markup, join, note, table

if TYPE_CHECKING:
    from headrace.validation.repair_policy import RepairReport

__all__ = ["repair_view"]


def repair_view(report: RepairReport) -> Markup:
    """Return a fragment: how many rows, what was changed, what was set aside, and what is left."""
    counts = f"{report.rows_in:,} rows in, {report.rows_out:,} out, {report.rows_set_aside:,} set aside."
    changes = [
        [one.feature, one.action, one.values, "; ".join(f"{a!r} → {b!r}" for a, b in one.examples[:5])]
        for one in report.changes
    ]
    columns = [Column("feature"), Column("action"), Column("values", "number"), Column("before → after")]
    aside = [[one.reason, one.rows, ", ".join(map(str, one.first))] for one in report.set_aside]
    reasons = [Column("reason"), Column("rows", "number"), Column("some of them")]
    return join(
        [
            note(counts, "warn" if report.rows_set_aside else "good"),
            table(columns, changes, caption="Changes", empty="nothing was changed"),
            table(reasons, aside, caption="Rows set aside", empty="no row was set aside"),
            anomalies_view(report.remaining),
        ]
    )
