from __future__ import annotations

from headrace.schema import Comparator, Feature, Schema, diff
from headrace.schema.view import diff_view, schema_view

SCHEMA = Schema(
    (
        Feature("<age>", "INT", 1.0, min=0),
        Feature("job", "STRING", 0.5, values=tuple("abcdefghijkl"), min_domain_mass=0.9, drift=Comparator(linf=0.1)),
    )
)


def test_every_feature_has_a_row_and_is_escaped() -> None:
    shown = str(schema_view(SCHEMA))
    assert "&lt;age&gt;" in shown
    assert "<age>" not in shown
    assert "0 to ∞" in shown
    assert "a, b, c, d, e, f, g, h and 4 more" in shown
    assert "drift: L∞ ≤ 0.1" in shown


def test_a_notebook_gets_styles_along() -> None:
    assert "<style>" in SCHEMA._repr_html_()


def test_changes_are_shown() -> None:
    shown = str(diff_view(diff(SCHEMA, SCHEMA.without_feature("job"))))
    assert "removed" in shown
    assert "job" in shown
