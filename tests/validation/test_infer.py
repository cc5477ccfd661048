from __future__ import annotations

import pyarrow as pa
import pytest

from headrace.data import Cleaning, dataset_from_table, with_cleaning
from headrace.errors import UsageError
from headrace.schema import Feature
from headrace.statistics import Statistics, generate_statistics
from headrace.validation import infer_schema, validate_statistics

TABLE = pa.table(
    {
        "id": [1, 2, 3],
        "x": [0.5, None, float("nan")],
        "job": ["b", "a", "b"],
        "gap": [None, "z", None],
        "old": [True, False, True],
        "at": pa.array([1, 2, 3], pa.timestamp("us")),
    }
)


def described(table: pa.Table, name: str = "data") -> Statistics:
    return generate_statistics(dataset_from_table(table), name=name)


def test_the_schema_says_what_was_seen_and_no_more() -> None:
    assert infer_schema(described(TABLE)).features == (
        Feature("id", "INT", 1.0),
        Feature("x", "FLOAT", 0.0, allow_nan=True),
        Feature("job", "STRING", 1.0, values=("a", "b")),
        Feature("gap", "STRING", 0.0, values=("z",)),
        Feature("old", "BOOL", 1.0),
        Feature("at", "TIMESTAMP", 1.0),
    )


def test_what_it_was_inferred_from_fits() -> None:
    statistics = described(TABLE)
    assert len(validate_statistics(statistics, infer_schema(statistics))) == 0
    assert len(validate_statistics(statistics, infer_schema(statistics, ranges=True))) == 0


def test_many_strings_make_no_domain() -> None:
    assert infer_schema(described(TABLE), max_string_domain=1)["job"].values is None
    assert infer_schema(described(TABLE), max_string_domain=2)["job"].values == ("a", "b")
    many = described(pa.table({"s": [f"v{i}" for i in range(2000)]}))
    assert infer_schema(many, max_string_domain=10_000)["s"].values is None


def test_ranges_where_asked() -> None:
    schema = infer_schema(described(TABLE), ranges=True)
    assert (schema["id"].min, schema["id"].max) == (1, 3)
    assert (schema["x"].min, schema["x"].max) == (0.5, 0.5)


def test_several_data_sets_are_joined() -> None:
    other = pa.table({"id": [1.5], "job": ["c"], "gap": ["y"], "new": [1]})
    schema = infer_schema(described(TABLE, "train").merge(described(other, "eval")))
    assert schema["id"] == Feature("id", "FLOAT", 1.0)
    assert schema["job"].values == ("a", "b", "c")
    assert not schema["old"].required
    assert not schema["new"].required


def test_a_column_without_values_takes_the_type_from_elsewhere() -> None:
    both = described(pa.table({"x": pa.nulls(2)}), "train").merge(described(pa.table({"x": [1]}), "eval"))
    assert infer_schema(both)["x"].type == "INT"
    clash = described(pa.table({"x": ["a"]}), "train").merge(described(pa.table({"x": [1]}), "eval"))
    with pytest.raises(UsageError, match="INT and STRING"):
        infer_schema(clash)


def test_cleaning_is_taken_over() -> None:
    field = with_cleaning(pa.field("s", pa.string()), Cleaning(strip=True, null_values=("?",)))
    table = pa.table([pa.array(["a", None])], schema=pa.schema([field]))
    assert infer_schema(described(table))["s"] == Feature(
        "s", "STRING", 0.0, values=("a",), strip=True, null_values=("?",)
    )


def test_an_empty_data_set_demands_nothing() -> None:
    assert infer_schema(described(TABLE.slice(0, 0)))["id"] == Feature("id", "INT", 0.0)
