from __future__ import annotations

from headrace.schema import (
    Annotation,
    BoolDomain,
    Comparator,
    DatasetConstraints,
    Feature,
    ImageDomain,
    NaturalLanguageDomain,
    NumExamplesComparator,
    Rule,
    Schema,
    SparseFeature,
    TimeDomain,
    UniqueConstraints,
    ValueCountRange,
    diff,
)
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
    assert "string domain" not in shown
    assert "<th" in shown
    domains = str(diff_view(diff(SCHEMA, Schema(SCHEMA.features, string_domains={"jobs": ("a",)}))))
    assert "string domain" in domains
    assert "jobs" in domains


FULL = Schema(
    (
        Feature("age", "INT", 0.9, min_count=1000, unique_constraints=UniqueConstraints(2, None)),
        Feature("job", "STRING", domain="jobs", not_in_environment=("serving",), null_values=("?",)),
        Feature("tags", "STRING", value_counts=(ValueCountRange(1, 5), ValueCountRange()), in_environment=("lab",)),
        Feature("pixels", "FLOAT", shape=(28, 3), lifecycle_stage="BETA"),
        Feature("old", "INT", lifecycle_stage="DEBUG_ONLY"),
        Feature("answer", "STRING", bool_domain=BoolDomain("yes", "no")),
        Feature("day", "STRING", time_domain=TimeDomain("%d.%m.%Y")),
        Feature("photo", "BYTES", image_domain=ImageDomain(0.9, 2000)),
        Feature("text", "STRING", natural_language_domain=NaturalLanguageDomain("jobs", 0.5)),
        Feature("link", "STRING", semantic_domain="url", annotation=Annotation(("pii",), ("Ask Ada.",))),
        Feature("fare", "FLOAT", drift=Comparator(psi=0.2, chi_squared=0.01), skew=Comparator(wasserstein=3.0)),
        Feature("p", "STRUCT", features=(Feature("city", "STRING", group_required=True, values=("<Oslo>",)),)),
    ),
    string_domains={"jobs": ("clerk", "cook")},
    default_environments=("training", "serving"),
    sparse_features=(SparseFeature("thin", "pixels", ("age",)),),
    dataset_constraints=DatasetConstraints(10, None, NumExamplesComparator(0.5, 2.0), NumExamplesComparator(0.9)),
    rules=(Rule("adult", "age > 17", max_fraction=0.01, environments=("training",), description="By law."),),
    annotation=Annotation(("people",), ("Of the census.",)),
    tfx="represent_variable_length_as_ragged: true",
)


def test_everything_is_shown() -> None:
    shown = str(schema_view(FULL))
    for words in [
        *("in 90.0% of rows", "in 1,000 rows", "2 or more distinct values", "not in serving", "in lab"),
        *("1 to 5, each any number", "28 by 3", "beta", "debug only", "true is yes, false is no", "times as %d.%m.%Y"),
        *("images, 90.0% of a known kind, up to 2,000 bytes", "text, 50.0% in the words of jobs", "URLs"),
        *("tagged pii", "Ask Ada.", "PSI ≤ 0.2, χ² p ≥ 0.01", "Wasserstein ≤ 3", "1 field", "&lt;Oslo&gt;", "city"),
        *("clerk, cook", "job, text", "pixels at age", "age &gt; 17", "1.0% of the rows may break it", "By law."),
        *("10 or more", "50.0% to 200.0%", "at least 90.0%", "training, serving", "people", "Of the census."),
        *("represent_variable_length_as_ragged",),
    ]:
        assert words in shown, words


def test_columns_that_say_nothing_take_no_room() -> None:
    shown = str(schema_view(Schema((Feature("x", "INT", 1.0),))))
    assert "presence" in shown
    assert not any(title in shown for title in ("environments", "watched", "notes", "values in a row", "Rules"))
