from __future__ import annotations

from headrace.tuning import SearchResult, Trial
from headrace.tuning.view import view
from headrace.viz import embed


def test_it_shows_the_best_and_the_failed() -> None:
    trials = (
        Trial(number=0, params={"rate": 0.5}, state="complete", value=0.75, seconds=1.0),
        Trial(number=1, params={"rate": 2.0}, state="failed", value=None, seconds=0.1, error="<too fast>"),
        Trial(number=2, params={"rate": 0.125}, state="complete", value=0.875, seconds=1.0),
    )
    result = SearchResult(best_params={"rate": 0.125}, best_value=0.875, direction="maximize", trials=trials)
    shown = view(result)
    assert "0.875" in shown
    assert "0.125" in shown
    assert "&lt;too fast&gt;" in shown
    assert "<too fast>" not in shown
    assert result._repr_html_() == embed(shown)
