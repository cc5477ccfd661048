"""A training run as a page fragment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace import viz

if TYPE_CHECKING:
    from headrace.training.result import TrainResult

__all__ = ["view"]

# Metrics that share a chart, and how its axis is named.
CHARTS = {
    "loss": ("loss", "validation_loss"),
    "area under the ROC curve": ("validation_auc",),
    "accuracy": ("validation_accuracy",),
    "root mean squared error": ("validation_rmse",),
}


def view(result: TrainResult) -> viz.Markup:
    """Return key facts, the learning curve, and the parameters."""
    facts = {
        "estimator": result.estimator,
        "label": result.label,
        "features": ", ".join(result.features),
        "rows": ", ".join(f"{name} {viz.number(count)}" for name, count in result.rows.items()),
        "time": viz.duration(result.seconds),
        "rows per second": viz.number(result.rows_per_second),
    }
    if result.classes:
        facts["classes"] = ", ".join(result.classes)
    if result.resumed_from is not None:
        facts["resumed"] = f"after epoch {result.resumed_from}"
    facts |= {
        name.replace("_", " "): viz.number(value)
        for name, value in result.metrics.items()
        if name not in {"seconds", "rows_per_second"}
    }
    unit = "round" if result.estimator.startswith("BoostedTrees") else "epoch"
    charts = []
    for title, names in CHARTS.items():
        shown = {name.replace("_", " "): result.series[name] for name in names if len(result.series.get(name, ())) > 1}
        if shown:
            charts.append(viz.lines(shown, x_label=unit, y_label=title, label=f"{title} by {unit}"))
    parameters = viz.key_values({name: str(value) for name, value in result.params.items()})
    return viz.join([viz.key_values(facts), *charts, viz.details("Parameters", parameters)])
