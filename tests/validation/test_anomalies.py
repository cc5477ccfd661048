from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from headrace.errors import AnomaliesFound, DataError, UsageError
from headrace.schema import (
    Comparator,
    DatasetConstraints,
    Feature,
    Rule,
    Schema,
    UniqueConstraints,
    ValueCountRange,
)
from headrace.validation import Anomalies, Anomaly

if TYPE_CHECKING:
    from pathlib import Path

AGE = Feature("age", "INT", 1.0, min=0, max=100)
JOB = Feature("job", "STRING", 1.0, values=("a",), drift=Comparator(linf=0.1))
SCHEMA = Schema((AGE, JOB))


def anomaly(suggested: Feature | None, split: str = "train") -> Anomaly:
    name = None if suggested is None else suggested.name
    return Anomaly(name, "range", "error", split, "message.", suggested=suggested, suggestion="Mend it")


def test_changes_of_one_feature_are_joined() -> None:
    found = Anomalies(
        (
            anomaly(Feature("age", "INT", 1.0, min=-5, max=100)),
            anomaly(Feature("age", "INT", 0.9, min=0, max=120)),
            anomaly(Feature("age", "INT", 1.0, min=-2, max=110), "eval"),
            anomaly(Feature("job", "STRING", 1.0, values=("a", "b"), drift=Comparator(linf=0.1))),
            anomaly(Feature("job", "STRING", 1.0, values=("a", "c"), drift=Comparator(linf=0.3)), "eval"),
        )
    )
    changed = found.accept(SCHEMA)
    assert changed["age"] == Feature("age", "INT", 0.9, min=-5, max=120)
    assert changed["job"] == Feature("job", "STRING", 1.0, values=("a", "b", "c"), drift=Comparator(linf=0.3))


def test_only_what_is_picked_is_accepted() -> None:
    wide = anomaly(Feature("age", "INT", 1.0, min=-5, max=100))
    more = anomaly(Feature("job", "STRING", 1.0, values=("a", "b")))
    found = Anomalies((wide, more))
    assert found.accept(SCHEMA, [wide])["job"] == JOB
    assert found.accept(SCHEMA, lambda one: one.feature == "job")["age"] == AGE
    assert found.accept(SCHEMA, []) == SCHEMA


def test_features_come_and_go() -> None:
    gone = Anomaly("job", "column_missing", "error", "train", "message.", removes=True)
    new = anomaly(Feature("sex", "STRING"))
    assert Anomalies((gone, gone, new)).accept(SCHEMA).names == ("age", "sex")


def test_what_no_schema_helps_cannot_be_accepted() -> None:
    nothing = anomaly(None)
    assert Anomalies((nothing,)).accept(SCHEMA) == SCHEMA
    with pytest.raises(UsageError, match="Mend it"):
        Anomalies((nothing,)).accept(SCHEMA, [nothing])


def test_errors_and_warnings() -> None:
    warning = Anomaly("x", "column_new", "warning", "train", "x is new.")
    assert Anomalies((warning,)).ok
    Anomalies((warning,)).raise_for_errors()
    found = Anomalies((warning, *[anomaly(AGE)] * 5), ("train",))
    assert not found.ok
    assert (len(found), len(found.errors), len(found.warnings)) == (6, 5, 1)
    with pytest.raises(AnomaliesFound, match="and 2 more") as caught:
        found.raise_for_errors()
    assert caught.value.exit_code == 3


def test_files_read_back_the_same(tmp_path: Path) -> None:
    found = Anomalies((anomaly(JOB), anomaly(None)), ("train",))
    found.save(tmp_path / "anomalies.json")
    assert Anomalies.load(tmp_path / "anomalies.json") == found
    assert found.to_dict()["anomalies"][0]["suggested"]["values"] == ["a"]
    (tmp_path / "x.json").write_text("{}}")
    with pytest.raises(DataError, match=r"x\.json"):
        Anomalies.load(tmp_path / "x.json")
    with pytest.raises(DataError, match="absent"):
        Anomalies.load(tmp_path / "absent.json")


def test_changes_reach_into_structs() -> None:
    city, code = Feature("city", "STRING", values=("Ulm",)), Feature("code", "INT", min=0)
    schema = Schema((Feature("place", "STRUCT", features=(city, code)), AGE))
    more, new = Feature("city", "STRING", values=("Ulm", "Bonn")), Feature("new", "INT")
    found = Anomalies(
        (
            Anomaly("place.city", "domain_values", "error", "a", "m.", suggested=more, path=("place", "city")),
            Anomaly("place.code", "column_missing", "error", "a", "m.", removes=True, path=("place", "code")),
            Anomaly(
                "place.new", "column_new", "warning", "a", "m.", suggested=Feature("new", "INT"), path=("place", "new")
            ),
        )
    )
    changed = found.accept(schema)
    assert changed["place"].features == (more, new)
    assert changed["age"] == AGE


def test_changes_keep_what_they_do_not_mean() -> None:
    rules = (Rule("r", "age > 0"),)
    schema = Schema((AGE,), string_domains={"d": ("a",)}, rules=rules, dataset_constraints=DatasetConstraints(5, 10))
    found = Anomalies(
        (
            anomaly(Feature("age", "INT", 0.5, min=0, max=100)),
            Anomaly(None, "few_examples", "error", "a", "m.", suggested_constraints=DatasetConstraints(3, 10)),
            Anomaly(None, "few_examples", "error", "b", "m.", suggested_constraints=DatasetConstraints(2, 10)),
            Anomaly(None, "many_examples", "error", "b", "m.", suggested_constraints=DatasetConstraints(5, 12)),
        )
    )
    changed = found.accept(schema)
    assert (changed.rules, changed.string_domains) == (rules, {"d": ("a",)})
    assert changed.dataset_constraints == DatasetConstraints(2, 12)
    assert changed["age"].min_fraction == 0.5


def test_bounds_of_all_kinds_are_joined() -> None:
    old = Feature(
        "x",
        "INT",
        value_counts=(ValueCountRange(2, 3),),
        unique_constraints=UniqueConstraints(2, 4),
        drift=Comparator(psi=0.1, chi_squared=0.05),
    )

    def wider(**changes: Any) -> Anomaly:
        return anomaly(replace(old, **changes))

    found = Anomalies(
        (
            wider(value_counts=(ValueCountRange(1, 3),)),
            wider(value_counts=(ValueCountRange(2, 9),)),
            wider(unique_constraints=UniqueConstraints(2, 7)),
            wider(unique_constraints=UniqueConstraints(1, 4)),
            wider(drift=Comparator(psi=0.3, chi_squared=0.05)),
            wider(drift=Comparator(psi=0.1, chi_squared=0.01)),
            wider(drift=Comparator(psi=0.2, chi_squared=0.02)),
        )
    )
    assert found.accept(Schema((old,)))["x"] == replace(
        old,
        value_counts=(ValueCountRange(1, 9),),
        unique_constraints=UniqueConstraints(1, 7),
        drift=Comparator(psi=0.3, chi_squared=0.01),
    )


def test_junit_has_a_test_for_each_anomaly_and_each_clean_data_set() -> None:
    found = Anomalies(
        (
            Anomaly("age", "range", "error", "train", "age is <large> & \x00.", examples=("999",), row_numbers=(3,)),
            Anomaly("x", "custom", "warning", "train", "x is odd.", suggestion="Look.", name="odd"),
        ),
        ("train", "eval"),
    )
    root = ET.fromstring(found.to_junit("census"))
    (suite,) = root
    assert suite.attrib == {"name": "census", "tests": "3", "failures": "1", "errors": "0", "skipped": "0"}
    error, warning, clean = suite
    failure = error.find("failure")
    assert failure is not None
    assert failure.get("message") == "age is <large> & \ufffd."
    assert failure.text == "age is <large> & \ufffd.\nseen: 999\nrows: 3"
    assert (error.get("classname"), error.get("name")) == ("census.train", "age: range")
    assert warning.get("name") == "x: odd"
    assert warning.findtext("system-out") == "x is odd.\nfix: Look."
    assert clean.attrib == {"classname": "census.eval", "name": "fits the schema"}
