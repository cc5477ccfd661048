from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from headrace.data import cleaning
from headrace.errors import SchemaError
from headrace.schema import Comparator, Feature, Schema

if TYPE_CHECKING:
    from pathlib import Path

LABEL = Feature("income", "STRING", 1.0, values=("<=50K", ">50K"), not_in_environment=("serving",))
AGE = Feature("age", "INT", 1.0, min=0, max=120)
CENSUS = Schema((AGE, Feature("job", "STRING", strip=True, null_values=("?",)), LABEL))


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"type": "INT", "min": 5, "max": 2}, "min is not above max"),
        ({"type": "STRING", "min": 5}, "min is for INT and FLOAT"),
        ({"type": "INT", "values": ("a",)}, "values is for STRING"),
        ({"type": "STRING", "values": ("a", "a")}, "lists each value once"),
        ({"type": "STRING", "min_domain_mass": 0.9}, "needs a domain"),
        ({"type": "STRING", "values": ("?",), "null_values": ("?",)}, "not both"),
        ({"type": "STRING", "values": (" a",), "strip": True}, "never matches"),
        ({"type": "INT", "min_fraction": 1.5}, "share between 0 and 1"),
        ({"type": "INT", "allow_nan": True}, "allow_nan is for FLOAT"),
        ({"type": "FLOAT", "min": float("nan")}, "min is a number"),
        ({"type": "INT", "drift": Comparator(linf=0.1)}, "drift.linf is for STRING"),
        ({"type": "TIMESTAMP", "skew": Comparator(jensen_shannon=0.1)}, "not measured on TIMESTAMP"),
        ({"type": "TIMESTAMP", "unique": True}, "unique is for INT and STRING"),
    ],
)
def test_a_feature_that_contradicts_itself_is_refused(given: dict[str, Any], rule: str) -> None:
    with pytest.raises(SchemaError, match=rule) as caught:
        Feature("x", **given)
    assert caught.value.where == "feature 'x'"


def test_an_unknown_type_gets_advice() -> None:
    with pytest.raises(SchemaError, match="Did you mean 'STRING'"):
        Feature("x", "STRNG")  # type: ignore[arg-type]


@pytest.mark.parametrize("thresholds", [{}, {"linf": 2.0}, {"jensen_shannon": -0.1}])
def test_a_comparator_has_thresholds_between_0_and_1(thresholds: dict[str, float]) -> None:
    with pytest.raises(SchemaError):
        Comparator(**thresholds)


def test_a_feature_stands_once() -> None:
    with pytest.raises(SchemaError, match="'age' twice"):
        Schema((AGE, AGE))


def test_look_ups() -> None:
    assert CENSUS["age"] is AGE
    assert CENSUS.get("aeg") is None
    assert "job" in CENSUS
    assert "jobs" not in CENSUS
    with pytest.raises(SchemaError, match="Did you mean 'age'"):
        CENSUS["aeg"]


def test_environments() -> None:
    assert CENSUS.environments == ("serving",)
    assert CENSUS.in_environment("serving").names == ("age", "job")
    assert CENSUS.in_environment(None) == CENSUS


def test_features_are_replaced_in_place_or_added() -> None:
    wider = Feature("age", "INT", 1.0, min=0, max=150)
    assert CENSUS.with_feature(wider).names == CENSUS.names
    assert CENSUS.with_feature(wider)["age"].max == 150
    assert CENSUS.with_feature(Feature("sex", "STRING")).names[-1] == "sex"
    assert CENSUS.without_feature("job").names == ("age", "income")


def test_arrow_schema_has_types_presence_and_cleaning() -> None:
    schema = CENSUS.arrow_schema()
    assert schema.field("age").type == pa.int64()
    assert not schema.field("age").nullable
    assert schema.field("job").nullable
    assert cleaning(schema.field("job")).strip
    assert cleaning(schema.field("job")).null_values == ("?",)
    assert not cleaning(schema.field("income"))
    kinds = [Feature("f", "FLOAT"), Feature("b", "BOOL"), Feature("t", "TIMESTAMP")]
    assert Schema(tuple(kinds)).arrow_schema().types == [pa.float64(), pa.bool_(), pa.timestamp("us")]


def test_save_and_load(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    CENSUS.save(path)
    CENSUS.save(path)
    assert Schema.load(path) == CENSUS
    assert [file.name for file in tmp_path.iterdir()] == ["schema.yaml"]


def test_a_file_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"absent\.yaml"):
        Schema.load(tmp_path / "absent.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SchemaError, match=r"binary\.yaml"):
        Schema.load(binary)
