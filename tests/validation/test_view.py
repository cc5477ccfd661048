from __future__ import annotations

from headrace.validation import Anomalies, Anomaly, display_anomalies


def test_the_worst_comes_first_and_a_feature_stays_together() -> None:
    found = Anomalies(
        (
            Anomaly("mild", "column_new", "warning", "a", "first."),
            Anomaly("bad", "unique", "warning", "a", "second."),
            Anomaly("bad", "range", "error", "a", "third.", rows=7, fraction=0.5, row_numbers=(1_000, 2, 3, 4, 5, 6)),
        )
    )
    shown = str(display_anomalies(found))
    assert shown.index("third.") < shown.index("second.") < shown.index("first.")
    assert "Rows 1,000, 2, 3, 4, 5, …" in shown
    assert "50.0%" in shown


def test_a_clean_bill() -> None:
    assert "fits its schema (train, eval)" in display_anomalies(Anomalies((), ("train", "eval")))


def test_anomalies_are_listed_and_escaped() -> None:
    found = Anomalies(
        (
            Anomaly("<x>", "range", "error", "train", "<x> is & too large.", rows=3, suggestion="Mend <it>"),
            Anomaly(None, "no_data", "warning", "eval", "There are no rows."),
        ),
        ("train", "eval"),
    )
    shown = str(display_anomalies(found))
    assert "1 error and 1 warning in train, eval." in shown
    assert "&lt;x&gt; is &amp; too large." in shown
    assert "Mend &lt;it&gt;" in shown
    assert "<x>" not in shown
    assert "<style>" in found._repr_html_()
