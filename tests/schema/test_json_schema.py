from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from headrace.schema import Annotation, BoolDomain, Feature, Schema, ValueCountRange

SCHEMA = Schema(
    (
        Feature("age", "INT", 1.0, min=0, max=120, annotation=Annotation((), ("In years.",))),
        Feature("fare", "FLOAT", min=0.0, max=float("inf")),
        Feature("job", "STRING", domain="jobs"),
        Feature("rare", "STRING", values=("a", "b"), min_domain_mass=0.9),
        Feature("answer", "STRING", bool_domain=BoolDomain("yes", "no")),
        Feature("link", "STRING", semantic_domain="url"),
        Feature("at", "TIMESTAMP"),
        Feature("photo", "BYTES"),
        Feature("on", "BOOL", 1.0),
        Feature("tags", "STRING", values=("x", "y"), value_counts=(ValueCountRange(1, 3),)),
        Feature("one", "INT", value_counts=(ValueCountRange(1, 1),)),
        Feature("pixels", "FLOAT", 1.0, shape=(2, 2)),
        Feature("person", "STRUCT", features=(Feature("city", "STRING", group_required=True), Feature("zip", "INT"))),
        Feature("old", "INT", 1.0, lifecycle_stage="DEPRECATED"),
        Feature("label", "STRING", 1.0, values=("no", "yes"), not_in_environment=("serving",)),
    ),
    string_domains={"jobs": ("clerk", "cook")},
    annotation=Annotation((), ("Of people.",)),
)
GOOD = {"age": 3, "on": True, "pixels": [[1, 2.5], [3, 4]], "label": "no"}


def fits(row: Any, environment: str | None = None) -> bool:
    form = SCHEMA.to_json_schema(environment=environment)
    jsonschema.Draft202012Validator.check_schema(form)
    checker = jsonschema.Draft202012Validator(form, format_checker=jsonschema.FormatChecker(["email", "date"]))
    return bool(checker.is_valid(row))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"fare": 3, "job": "cook", "rare": "c", "answer": "yes", "link": "https://a.example", "old": "anything"},
        {"fare": None, "job": None, "answer": None, "tags": None, "person": None},
        {"tags": ["x", "y"], "one": 4, "person": {"city": "Oslo"}, "more": 1, "photo": "aGk="},
    ],
)
def test_good_rows_fit(more: dict[str, Any]) -> None:
    assert fits(GOOD | more)


@pytest.mark.parametrize(
    "more",
    [
        {"age": None},
        {"age": 121},
        {"age": 3.5},
        {"age": "3"},
        {"on": 1},
        {"fare": -1},
        {"job": "king"},
        {"answer": "perhaps"},
        {"tags": []},
        {"tags": ["z"]},
        {"tags": "x"},
        {"one": [4]},
        {"pixels": [[1, 2]]},
        {"pixels": [[1, 2], [3]]},
        {"person": {}},
        {"person": {"city": 3}},
        {"label": "maybe"},
        {"label": None},
    ],
)
def test_bad_rows_do_not(more: dict[str, Any]) -> None:
    assert not fits(GOOD | more)


def test_environments_and_notes() -> None:
    served = {key: value for key, value in GOOD.items() if key != "label"}
    assert not fits(served)
    assert fits(served, "serving")
    form = SCHEMA.to_json_schema()
    assert form["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert form["$comment"] == "Of people."
    assert form["properties"]["age"]["description"] == "In years."
    assert form["properties"]["old"] == {"deprecated": True}
    assert "maximum" not in form["properties"]["fare"]
    assert form["properties"]["link"]["format"] == "uri"
