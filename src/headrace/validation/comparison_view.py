"""A comparison of data sets as a table, the most drifted features first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.viz import Cell, Column, Markup, badge, join, meter, note, percent, table

if TYPE_CHECKING:
    from headrace.validation.comparison import Comparison, FeatureComparison
    from headrace.viz import Kind

__all__ = ["comparison_view"]


def comparison_view(comparison: Comparison) -> Markup:
    """Return a fragment: the verdict, then one row a feature and data set."""
    drifted = comparison.drifted
    others = ", ".join(
        f"{name} ({rows:,} rows)" for name, rows in zip(comparison.datasets, comparison.rows[1:], strict=True)
    )
    against = f"{comparison.baseline} ({comparison.rows[0]:,} rows)"
    count = f"{len(drifted)} feature{'s' * (len(drifted) != 1)} differ{'s' * (len(drifted) == 1)}"
    text = f"{count if drifted else 'No feature differs'} between {against} and {others}."
    verdict = note(text, _kind(drifted=bool(drifted)))
    columns = [
        Column("feature"),
        Column("data set"),
        Column("verdict", "markup"),
        Column("Jensen-Shannon", "markup"),
        Column("Hellinger", "number"),
        Column("PSI", "number"),
        Column("KS", "number"),
        Column("L∞", "number"),
        Column("Wasserstein", "number"),
        Column("chi²", "number"),
        Column("count difference", "number"),
        Column("missing"),
        Column("p", "number"),
    ]
    rows = [_row(one) for one in comparison.features]
    return join([verdict, table(columns, rows, caption="Distances, the most drifted first")])


def _kind(*, drifted: bool) -> Kind:
    return "warn" if drifted else "good"


def _row(one: FeatureComparison) -> list[object]:
    verdict = badge("drifted", "warn") if one.drifted else badge("same", "good")
    if one.type is None or one.baseline_type is None:
        verdict = badge("gone" if one.type is None else "new", "bad")
    elif one.drifted and one.distances is None:
        verdict = badge(f"{one.baseline_type} became {one.type}", "bad")
    missing = ""
    if one.missing or one.baseline_missing:
        missing = f"{percent(one.baseline_missing)}\u00a0→\u00a0{percent(one.missing)}"
    head: list[object] = [one.feature, one.dataset, Cell(verdict, not one.drifted)]
    apart = one.distances
    if apart is None:
        return [*head, "", None, None, None, None, None, None, None, missing, None]
    divergence = apart.jensen_shannon
    return [
        *head,
        Cell(meter(divergence, f"{divergence:.4f}", _kind(drifted=one.drifted)), divergence),
        apart.hellinger,
        apart.psi,
        apart.kolmogorov_smirnov,
        apart.linf,
        apart.wasserstein,
        apart.chi_squared.statistic,
        apart.normalized_abs_difference,
        missing,
        one.p_value,
    ]
