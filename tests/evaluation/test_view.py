from __future__ import annotations

from headrace.evaluation import Curves, EvalResult, SliceResult, evaluation_sections, evaluation_view
from headrace.metrics import MetricValue


def test_values_are_escaped_and_undefined_ones_explained() -> None:
    undefined = MetricValue.undefined("there are no <b>positive</b> examples")
    result = EvalResult(
        task="binary_classification",
        overall=SliceResult((), 10, {"auc": MetricValue(0.5, 0.25, 0.75, error_bound=1e-6)}),
        slices=(
            SliceResult((("name", "<script>alert(1)</script>"),), 4, {"auc": undefined}),
            SliceResult((("name", "few"),), 1, {}),
        ),
    )
    html = evaluation_view(result)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "no &lt;b&gt;positive" in html
    assert "too few rows" in html
    assert "of the exact value" in html
    assert "No thresholds were set" in html


def test_sections_follow_what_there_is() -> None:
    bare = EvalResult(task="regression", overall=SliceResult((), 1, {"rmse": MetricValue(1.0)}))
    assert [part.id for part in evaluation_sections(bare)] == ["verdict", "metrics"]
    curves = Curves(roc=((0.0, 0.0, 1.0), (1.0, 1.0, 0.0)))
    full = EvalResult(task="binary_classification", overall=bare.overall, slices=(bare.overall,), curves=curves)
    assert [part.id for part in evaluation_sections(full)] == ["verdict", "metrics", "slices", "curves"]
