"""A search as a page fragment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace import viz

if TYPE_CHECKING:
    from headrace.tuning.result import SearchResult

__all__ = ["view"]


def view(result: SearchResult) -> viz.Markup:
    """Return the best parameters, the course of the search, and a table of all trials."""
    best = result.best_trial
    failed = sum(trial.value is None for trial in result.trials)
    facts = {"best value": viz.number(result.best_value), "best trial": str(best.number)}
    facts |= {name: str(value) for name, value in result.best_params.items()}
    facts["trials"] = f"{len(result.trials)}, of them {failed} failed" if failed else str(len(result.trials))
    points = [(float(trial.number), trial.value) for trial in result.trials if trial.value is not None]
    better = max if result.direction == "maximize" else min
    so_far = [(number, better(value for _, value in points[: index + 1])) for index, (number, _) in enumerate(points)]
    chart = viz.lines(
        {"value": points, "best so far": so_far}, x_label="trial", y_label="value", label="Values by trial"
    )
    names = list(result.best_params)
    columns = [viz.Column("trial"), viz.Column("value"), *(viz.Column(name) for name in names), viz.Column("time")]
    rows = [
        [
            str(trial.number),
            viz.badge(f"failed: {trial.error}", "bad") if trial.value is None else viz.number(trial.value),
            *(str(trial.params[name]) for name in names),
            viz.duration(trial.seconds),
        ]
        for trial in result.trials
    ]
    return viz.join([viz.key_values(facts), chart, viz.table(columns, rows)])
