from __future__ import annotations

from headrace.training import TrainResult
from headrace.training.view import view
from headrace.viz import embed


def test_it_shows_facts_curve_and_parameters() -> None:
    result = TrainResult(
        estimator="DNNClassifier",
        params={"hidden_units": [8, 4]},
        label="<label>",
        weight=None,
        features=("age", "town"),
        classes=("no", "yes"),
        rows={"train": 300, "eval": 100},
        seconds=2.0,
        fit_seconds=1.5,
        rows_per_second=1000.0,
        resumed_from=1,
        series={"loss": [(1, 0.5), (2, 0.25)], "validation_loss": [(1, 0.5), (2, 0.375)]},
    )
    shown = view(result)
    assert "&lt;label&gt;" in shown
    assert "<label>" not in shown
    assert "<svg" in shown
    assert "0.375" in shown
    assert "after epoch 1" in shown
    assert result._repr_html_() == embed(shown)
