from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.errors import AnomaliesFound, DataError, UsageError
from headrace.schema import Comparator, Feature, Schema
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
