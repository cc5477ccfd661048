"""Mended data, and the account of what was done to it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.data import Dataset, csv, dataset_from_table
from headrace.engines import LocalEngine
from headrace.errors import UsageError
from headrace.schema import BoolDomain, Feature, Schema, ValueCountRange
from headrace.schema import Rule as SqlRule
from headrace.statistics import generate_statistics
from headrace.validation import (
    FeaturePolicy,
    RepairPolicy,
    RepairReport,
    infer_schema,
    repair,
    validate_examples,
    validate_statistics,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource


def mended(
    values: list[Any] | pa.Array, feature: Feature, policy: FeaturePolicy | None = None
) -> tuple[list[Any], RepairReport]:
    """Return one column, mended, after checking the account."""
    data = dataset_from_table(pa.table({feature.name: values}), 2)
    chosen = RepairPolicy(default=policy or FeaturePolicy())
    result, report = repair(data, Schema((feature,)), chosen)
    table = result.to_table()
    assert report.rows_in == len(values)
    assert report.rows_out == table.num_rows
    assert report.rows_in == report.rows_out + report.rows_set_aside
    return table[feature.name].to_pylist(), report


def actions(report: RepairReport) -> dict[str, int]:
    return {change.action: change.values for change in report.changes}


def test_texts_are_trimmed_cast_and_spelled() -> None:
    values, report = mended([" 1", "+2", "x", None], Feature("x", "INT"))
    assert values == [1, 2, None]
    assert actions(report) == {"trim": 1, "cast": 2}
    assert [(aside.reason, aside.rows, aside.first) for aside in report.set_aside] == [("x:type", 1, (2,))]
    values, report = mended(["1.5", "+.5", "1e3", "3."], Feature("x", "FLOAT"))
    assert values == [1.5, 0.5, 1000.0, 3.0]
    values, report = mended(["A", "b.", " c ", "d"], Feature("x", "STRING", values=("a", "b", "c")))
    assert values == ["a", "b", "c"]
    assert report.changes[1].examples == (("A", "a"), ("b.", "b"))
    assert str(report).splitlines()[0] == "4 rows in, 3 out, 1 set aside"
    assert "x: spelling changed 2 values ('A' → 'a', 'b.' → 'b')" in str(report)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["true", "FALSE", "1"], "BOOL", [True, False, True]),
        ([1, 0], "BOOL", [True, False]),
        ([1.0, 2.5, None], "INT", [1, None]),
        ([1, 2], "STRING", ["1", "2"]),
        ([True, False], "INT", [1, 0]),
        (["2026-11-25", "2026-11-25T01:00:00+01:00"], "TIMESTAMP", [dt.datetime(2026, 11, 25)] * 2),  # noqa: DTZ001
        (["12345678901234567890", "1"], "INT", [1]),
        ([b"a"], "INT", []),
    ],
)
def test_casts(values: list[Any], kind: Any, expected: list[Any]) -> None:
    assert mended(values, Feature("x", kind))[0] == expected


def test_nothing_is_cast_where_that_is_not_wanted() -> None:
    values, report = mended(["1 ", "2"], Feature("x", "INT"), FeaturePolicy(cast=False, trim=False, wrong_type="null"))
    assert values == [None, None]
    assert actions(report) == {"null:number_in_text": 2}


@pytest.mark.parametrize(
    ("policy", "expected", "done"),
    [
        (FeaturePolicy(), ["a"], {}),
        (FeaturePolicy(out_of_domain="null"), ["a", None, None], {"null:domain_values": 2}),
        (FeaturePolicy(out_of_domain="keep"), ["a", "x", "y"], {}),
        (FeaturePolicy(other="b"), ["a", "b", "b"], {"other": 2}),
        (FeaturePolicy(mapping={"x": "b"}), ["a", "b"], {"mapping": 1}),
        (FeaturePolicy(out_of_domain="null", fill="b"), ["a", "b", "b"], {"null:domain_values": 2, "fill": 2}),
    ],
)
def test_what_becomes_of_strangers(policy: FeaturePolicy, expected: list[Any], done: dict[str, int]) -> None:
    values, report = mended(["a", "x", "y"], Feature("x", "STRING", values=("a", "b")), policy)
    assert values == expected
    assert actions(report) == done
    assert report.remaining.ok == (policy.out_of_domain != "keep")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (FeaturePolicy(), [5]),
        (FeaturePolicy(out_of_range="clip"), [1, 5, 9]),
        (FeaturePolicy(out_of_range="null"), [None, 5, None]),
        (FeaturePolicy(out_of_range="keep"), [-3, 5, 99]),
    ],
)
def test_what_becomes_of_numbers_out_of_range(policy: FeaturePolicy, expected: list[Any]) -> None:
    assert mended([-3, 5, 99], Feature("x", "INT", min=0.5, max=9.9), policy)[0] == expected


def test_what_becomes_of_nan_and_of_missing_values() -> None:
    nan, inf = float("nan"), float("inf")
    values, report = mended([1.0, nan, inf], Feature("x", "FLOAT"))
    assert values == [1.0, None, None]
    assert actions(report) == {"null:nan": 1, "null:infinite": 1}
    # What repair clears is missing, and where nothing may be missing the row goes.
    values, report = mended([1.0, nan, None], Feature("x", "FLOAT", 1.0))
    assert values == [1.0]
    assert report.set_aside[0].reason == "x:missing_values"
    assert mended([1.0, nan, None], Feature("x", "FLOAT", 1.0), FeaturePolicy(fill=0.5))[0] == [1.0, 0.5, 0.5]
    assert mended([1.0, None], Feature("x", "FLOAT", 1.0), FeaturePolicy(missing="keep"))[0] == [1.0, None]
    assert mended(["a", "?"], Feature("x", "STRING", null_values=("?",)))[0] == ["a", None]


def test_what_the_schema_tolerates_is_left_alone() -> None:
    values = ["a"] * 9 + ["x"]
    assert mended(values, Feature("x", "STRING", values=("a",), min_domain_mass=0.9))[0] == values
    assert len(mended(values, Feature("x", "STRING", values=("a",), min_domain_mass=0.95))[0]) == 9
    assert mended([1] * 9 + [None], Feature("x", "INT", 0.9))[0] == [1] * 9 + [None]


def test_truth_values_are_spelled_too() -> None:
    feature = Feature("x", "STRING", bool_domain=BoolDomain("Yes", "No"))
    assert mended(["YES", "no", "perhaps"], feature)[0] == ["Yes", "No"]


def test_ambiguous_spellings_are_not_guessed() -> None:
    values, report = mended(["US", "us", "Us"], Feature("x", "STRING", values=("US", "us")))
    assert values == ["US", "us"]
    assert actions(report) == {}


def test_lists_stay_or_go_whole() -> None:
    feature = Feature("x", "INT", max=9, value_counts=(ValueCountRange(1, 2),))
    values, report = mended([[1], [1, 2, 3], [99], None], feature)
    assert values == [[1], None]
    assert {aside.reason for aside in report.set_aside} == {"x:many_values", "x:range"}
    assert mended([[1], [99]], feature, FeaturePolicy(out_of_range="clip"))[0] == [[1]]


def test_repeated_keys_and_values() -> None:
    table = {"k": [1, 1, 2, 3], "s": ["a", "a", "a", "b"], "v": [1, 2, 3, 4]}
    schema = Schema((Feature("k", "INT"), Feature("s", "STRING"), Feature("v", "INT", max=3)))
    result, report = repair(table, schema, RepairPolicy(duplicates=("k", "s")))
    assert result.to_table()["v"].to_pylist() == [1, 3]
    assert {aside.reason: aside.first for aside in report.set_aside} == {"k,s:duplicate_key": (1,), "v:range": (3,)}
    unique = Schema((Feature("k", "INT", unique=True),))
    assert repair({"k": [1, 1, 2]}, unique)[0].to_table()["k"].to_pylist() == [1, 2]


def test_columns_that_come_and_go() -> None:
    schema = Schema((Feature("x", "INT"), Feature("y", "STRING", 1.0)))
    policy = RepairPolicy(features={"y": FeaturePolicy(fill="none")}, new_columns="drop")
    result, report = repair({"x": [1, 2], "z": [3, 4]}, schema, policy)
    assert result.to_table().to_pydict() == {"x": [1, 2], "y": ["none", "none"]}
    assert (report.columns_added, report.columns_dropped) == (("y",), ("z",))
    assert "z: left out" in str(report)
    _, report = repair({"x": [1, 2], "z": [3, 4]}, schema)
    assert [anomaly.rule for anomaly in report.remaining] == ["column_missing", "column_new"]


def test_rules_in_sql() -> None:
    schema = Schema((Feature("a", "INT"), Feature("b", "INT")), rules=(SqlRule("order", "a <= b"),))
    table = {"a": [1, 5], "b": [2, 4]}
    result, report = repair(table, schema)
    assert result.to_table()["a"].to_pylist() == [1]
    assert report.set_aside[0].reason == "order"
    result, report = repair(table, schema, RepairPolicy(rows="keep"))
    assert result.count_rows() == 2
    assert [anomaly.name for anomaly in report.remaining] == ["order"]
    assert report.remaining.anomalies[0].row_numbers == (1,)


def test_wrong_requests() -> None:
    schema = Schema((Feature("age", "INT"),))
    with pytest.raises(UsageError, match="Did you mean 'age'"):
        repair({"age": [1]}, schema, RepairPolicy(features={"aeg": FeaturePolicy()}))
    with pytest.raises(UsageError, match="out_of_domain is keep, null or set_aside; got clip"):
        FeaturePolicy(out_of_domain="clip")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="headrace_row"):
        repair({"headrace_row": [1]}, schema)


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("x\n1\n2,3\n4\n")
    with pytest.warns(UserWarning, match="1 of 3 rows"):
        result, report = repair(csv(file), Schema((Feature("x", "INT"),)))
    assert (report.rows_in, report.rows_unreadable) == (2, 1)
    assert result.to_table()["x"].to_pylist() == [1, 4]


TEXTS = st.sampled_from(["a", "b", " a", "A", "b.", "zz", "", None])
NUMBERS = st.sampled_from(["1", " 7 ", "12", "-4", "1.5", "none", None])
FLOATS = st.none() | st.sampled_from([0.0, 3.5, -1.0, 1e9, float("nan"), float("inf")])
POLICIES = st.builds(
    FeaturePolicy,
    trim=st.booleans(),
    cast=st.booleans(),
    spelling=st.booleans(),
    wrong_type=st.sampled_from(["null", "set_aside"]),
    out_of_domain=st.sampled_from(["null", "set_aside"]),
    out_of_range=st.sampled_from(["null", "set_aside", "clip"]),
    not_finite=st.sampled_from(["null", "set_aside"]),
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(TEXTS, NUMBERS, FLOATS), min_size=1, max_size=30),
    POLICIES,
    st.integers(1, 10),
    st.sampled_from([0.0, 0.7, 1.0]),
    st.integers(1, 3),
)
def test_no_row_is_lost_and_what_stays_fits(
    tmp_path: Path,
    rows: list[tuple[str | None, str | None, float | None]],
    policy: FeaturePolicy,
    cut: int,
    least: float,
    workers: int,
) -> None:
    table = pa.table(
        {
            "s": pa.array([row[0] for row in rows], pa.string()),
            "n": pa.array([row[1] for row in rows], pa.string()),
            "f": pa.array([row[2] for row in rows], pa.float64()),
            "id": pa.array(range(len(rows))),
        }
    )
    schema = Schema(
        (
            Feature("s", "STRING", least, values=("a", "b"), min_domain_mass=0.9),
            Feature("n", "INT", min=0, max=9, unique=True),
            Feature("f", "FLOAT", least, max=10.0),
            Feature("id", "INT", 1.0),
        )
    )
    side = tmp_path / "side.parquet"
    result, report = repair(
        dataset_from_table(table, cut),
        schema,
        RepairPolicy(default=policy),
        side_file=side,
        engine=LocalEngine(workers),
    )
    kept, aside = result.to_table(), pq.read_table(side)
    assert (report.rows_in, report.rows_out, report.rows_set_aside) == (len(rows), kept.num_rows, aside.num_rows)
    assert sorted(kept["id"].to_pylist() + aside["id"].to_pylist()) == list(range(len(rows)))
    assert aside["headrace_row"].to_pylist() == aside["id"].to_pylist()
    # The rows that were set aside are as they were.
    assert aside.select(table.column_names).to_pydict().__repr__() == table.take(aside["id"]).to_pydict().__repr__()
    assert all(aside["headrace_reasons"].to_pylist())
    assert max((one.rows for one in report.set_aside), default=0) <= aside.num_rows
    # Nothing is left to mend, but for a type that may not be cast, and a data set of no rows at all.
    left = {anomaly.rule for anomaly in validate_examples(result, schema) if anomaly.severity == "error"}
    assert left == {anomaly.rule for anomaly in report.remaining if anomaly.severity == "error"}
    assert left <= ({"no_data"} if kept.num_rows == 0 else set())


def test_the_census_test_file_is_mended(census_source: CensusSource, tmp_path: Path) -> None:
    schema = infer_schema(generate_statistics(census_source("adult.data")))
    result, report = repair(census_source("adult.test"), schema, side_file=tmp_path / "side.parquet")
    assert isinstance(result, Dataset)
    assert (report.rows_in, report.rows_out) == (16_281, 16_281)
    (change,) = report.changes
    assert (change.feature, change.action, change.values) == ("income", "spelling", 16_281)
    assert change.examples == (("<=50K.", "<=50K"), (">50K.", ">50K"))
    assert list(report.remaining) == []
    assert list(validate_statistics(generate_statistics(result), schema)) == []
    assert pq.read_table(tmp_path / "side.parquet").num_rows == 0
    old = schema.with_feature(msgspec.structs.replace(schema["age"], max=80))
    _, report = repair(census_source("adult.test"), old)
    assert report.to_dict()["set_aside"][0]["reason"] == "age:range"
    assert "age:range" in report._repr_html_()
    assert '"rows_in": 16281' in report.to_json()
