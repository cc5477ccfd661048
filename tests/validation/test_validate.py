from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv

from headrace.data import dataset_from_table
from headrace.errors import UsageError
from headrace.schema import Comparator, Feature, Schema
from headrace.statistics import Statistics, generate_statistics
from headrace.validation import Anomaly, compare_statistics, infer_schema, validate_examples, validate_statistics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource


def described(columns: dict[str, Any] | pa.Table, name: str = "data") -> Statistics:
    return generate_statistics(dataset_from_table(pa.table(columns)), name=name)


def only(columns: dict[str, Any], *features: Feature) -> Anomaly:
    """Return the one anomaly, after checking that accepting its change makes the data fit."""
    statistics, schema = described(columns), Schema(features)
    anomalies = validate_statistics(statistics, schema)
    (anomaly,) = anomalies
    assert anomaly.split == "data"
    if anomaly.suggested is not None or anomaly.removes:
        assert len(validate_statistics(statistics, anomalies.accept(schema))) == 0
    return anomaly


def test_missing_values() -> None:
    anomaly = only({"x": [1, None, 3, None]}, Feature("x", "INT", 0.75))
    assert anomaly.rule == "missing_values"
    assert (anomaly.rows, anomaly.fraction) == (2, 0.5)
    assert anomaly.message == "x has a value in at least 75%; 2 of 4 rows (50%) have none."
    assert anomaly.suggested == Feature("x", "INT", 0.5)


def test_no_values_at_all() -> None:
    anomaly = only({"x": pa.nulls(3)}, Feature("x", "INT", 1.0))
    assert anomaly.message == "x has a value in every row; no row has one."


def test_a_column_that_is_gone() -> None:
    anomaly = only({"x": [1]}, Feature("x", "INT"), Feature("y", "INT", 1.0))
    assert (anomaly.rule, anomaly.severity, anomaly.removes) == ("column_missing", "error", True)
    optional = only({"x": [1]}, Feature("x", "INT"), Feature("y", "INT"))
    assert optional.severity == "warning"


def test_a_column_that_is_new() -> None:
    anomaly = only({"x": [1], "y": ["a"]}, Feature("x", "INT"))
    assert (anomaly.rule, anomaly.severity) == ("column_new", "warning")
    assert anomaly.suggested == Feature("y", "STRING", 1.0, values=("a",))


@pytest.mark.parametrize(
    ("values", "kind"), [([1], "STRING"), (["a"], "INT"), ([1.5], "INT"), ([True], "INT"), ([1], "TIMESTAMP")]
)
def test_the_wrong_type(values: list[Any], kind: Any) -> None:
    assert only({"x": values}, Feature("x", kind, 1.0)).rule == "type"


def test_whole_numbers_are_floats_too() -> None:
    assert len(validate_statistics(described({"x": [1]}), Schema((Feature("x", "FLOAT", min=0),)))) == 0


def test_values_outside_the_domain() -> None:
    anomaly = only({"x": ["a", "b", "A", "c", "c", None]}, Feature("x", "STRING", values=("a", "b")))
    assert anomaly.rule == "domain_values"
    assert (anomaly.rows, anomaly.fraction) == (3, 0.5)
    assert anomaly.examples == ("c", "A")
    assert "'c' (2 times), 'A' (once)" in anomaly.message
    assert anomaly.suggested == Feature("x", "STRING", values=("a", "b", "c", "A"))


def test_a_domain_may_hold_most_values_only() -> None:
    feature = Feature("x", "STRING", values=("a",), min_domain_mass=0.75)
    assert len(validate_statistics(described({"x": ["a", "a", "a", "b"]}), Schema((feature,)))) == 0
    assert only({"x": ["a", "b"]}, feature).rule == "domain_values"


def test_a_domain_among_very_many_values() -> None:
    values = ["a"] * 1000 + [f"v{i}" for i in range(4000)]
    anomaly = only({"x": values}, Feature("x", "STRING", values=("a",)))
    assert anomaly.rows is not None
    assert 3900 <= anomaly.rows <= 4000
    assert anomaly.suggested == Feature("x", "STRING")


def test_numbers_out_of_range() -> None:
    anomaly = only({"x": [-1, *range(100), 200]}, Feature("x", "INT", min=0, max=99))
    assert anomaly.rule == "range"
    assert anomaly.examples == ("-1", "200")
    assert anomaly.suggested == Feature("x", "INT", min=-1, max=200)
    assert "lies from -∞ to 99" in only({"x": [100]}, Feature("x", "INT", max=99)).message


def test_odd_floats() -> None:
    assert only({"x": [1.0, float("nan")]}, Feature("x", "FLOAT")).rule == "nan"
    anomaly = only({"x": [1.0, float("inf"), float("-inf")]}, Feature("x", "FLOAT"))
    assert (anomaly.rule, anomaly.rows) == ("infinite", 2)


def test_repeats_where_every_value_is_unique() -> None:
    anomaly = only({"x": ["a", "b", "a"]}, Feature("x", "STRING", unique=True))
    assert (anomaly.rule, anomaly.rows, anomaly.examples) == ("unique", 1, ("a",))
    assert only({"x": [1, 1]}, Feature("x", "INT", unique=True)).rule == "unique"
    many = described({"x": np.arange(150_000), "s": [f"v{i}" for i in range(150_000)]})
    schema = Schema((Feature("x", "INT", unique=True), Feature("s", "STRING", unique=True)))
    assert len(validate_statistics(many, schema)) == 0
    halved = described({"x": np.arange(300_000) // 2})
    assert [anomaly.rule for anomaly in validate_statistics(halved, Schema((schema["x"],)))] == ["unique"]


VALUES = {
    "STRING": st.none() | st.sampled_from("abc"),
    "INT": st.none() | st.integers(-2, 4),
    "FLOAT": st.none() | st.sampled_from([0.0, 1.0, 9.0, float("nan"), float("inf")]),
}


@settings(deadline=None, max_examples=40)
@given(st.data(), st.sampled_from(sorted(VALUES)), st.sampled_from([0.0, 0.5, 1.0]))
def test_statistics_and_rows_tell_the_same(data: st.DataObject, kind: Any, share: float) -> None:
    values = data.draw(st.lists(VALUES[kind], min_size=1, max_size=20))
    types = {"STRING": pa.string(), "INT": pa.int64(), "FLOAT": pa.float64()}
    rules: dict[str, Any] = {"STRING": {"values": ("a", "b"), "min_domain_mass": 0.8, "unique": True}}
    rules |= {"INT": {"min": 0, "max": 3, "unique": True}, "FLOAT": {"max": 5.0}}
    schema = Schema((Feature("x", kind, share, **rules[kind]),))
    table = pa.table({"x": pa.array(values, types[kind])})
    of_statistics, of_rows = validate_statistics(described(table), schema), validate_examples(table, schema)
    assert {anomaly.rule for anomaly in of_statistics} == {anomaly.rule for anomaly in of_rows}
    counts = {anomaly.rule: anomaly.rows for anomaly in of_rows}
    exact = [anomaly for anomaly in of_statistics if anomaly.rule not in ("range", "unique")]
    assert all(anomaly.rows == counts[anomaly.rule] for anomaly in exact)


def test_no_rows() -> None:
    table = pa.table({"x": pa.array([], pa.int64())})
    (anomaly,) = validate_statistics(described(table), Schema((Feature("x", "INT", 1.0),)))
    assert (anomaly.rule, anomaly.feature) == ("no_data", None)


def test_environments() -> None:
    schema = Schema((Feature("x", "INT", 1.0), Feature("y", "INT", 1.0, not_in_environment=("serving",))))
    served = described({"x": [1]})
    assert validate_statistics(served, schema, environment="serving").ok
    assert not validate_statistics(served, schema).ok
    (anomaly,) = (found := validate_statistics(described({"y": [1]}), schema, environment="serving"))
    assert found.accept(schema)["x"].not_in_environment == ("serving",)
    assert "not_in_environment: [serving]" in anomaly.suggestion
    with pytest.raises(UsageError, match="Did you mean 'serving'"):
        validate_statistics(served, schema, environment="servng")


@pytest.mark.parametrize("key", ["drift", "skew"])
def test_distances_to_other_data(key: str) -> None:
    comparator: dict[str, Any] = {key: Comparator(linf=0.2, jensen_shannon=0.01)}
    number: dict[str, Any] = {key: Comparator(None, 0.05)}
    schema = Schema((Feature("s", "STRING", **comparator), Feature("x", "FLOAT", **number)))
    now = described({"s": ["a"] * 9 + ["b"], "x": np.linspace(0, 1, 10)}, "train")
    then = described({"s": ["a", "b"] * 5, "x": np.linspace(0, 1, 10) + 3})
    other: dict[str, Any] = {"previous" if key == "drift" else "serving": then}
    found = validate_statistics(now, schema, **other)
    assert [anomaly.rule for anomaly in found] == [f"{key}_linf", f"{key}_jensen_shannon", f"{key}_jensen_shannon"]
    assert found.anomalies[0].fraction == pytest.approx(0.4)
    assert validate_statistics(now, found.accept(schema), **other).ok
    assert validate_statistics(now, schema).ok
    with pytest.raises(UsageError, match="one data set to compare with"):
        validate_statistics(now, schema, previous=Statistics(()))


def test_the_census_test_file_has_dots_after_its_labels(census_source: CensusSource) -> None:
    train = generate_statistics(census_source("adult.data"), name="train")
    test = generate_statistics(census_source("adult.test"), name="eval")
    schema = infer_schema(train)
    assert validate_statistics(train, schema).ok
    (anomaly,) = (found := validate_statistics(train.merge(test), schema))
    assert (anomaly.feature, anomaly.rule, anomaly.split) == ("income", "domain_values", "eval")
    assert (anomaly.rows, anomaly.fraction) == (16_281, 1.0)
    assert anomaly.examples == ("<=50K.", ">50K.")
    assert "may be meant as '<=50K'" in anomaly.suggestion
    assert validate_statistics(test, found.accept(schema)).ok
    curated = schema.with_feature(
        msgspec.structs.replace(schema["income"], values=("<=50K", ">50K", "<=50K.", ">50K."))
    )
    assert validate_statistics(train.merge(test), curated).ok


def test_flights_drift_from_month_to_month_and_not_between_random_halves(flights_dir: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(flights_dir / "flights.csv.zip") as archive:
        path = archive.extract(archive.namelist()[0], tmp_path)
    options = csv.ConvertOptions(null_values=["", "NA"], include_columns=["month", "dep_delay", "carrier", "hour"])
    table = csv.read_csv(path, convert_options=options)
    month = table["month"].to_numpy()
    watched: dict[str, Any] = {"drift": Comparator(jensen_shannon=0.01)}
    schema = Schema(
        (
            Feature("dep_delay", "INT", **watched),
            Feature("hour", "INT", **watched),
            Feature("carrier", "STRING", drift=Comparator(linf=0.005)),
        )
    )
    columns = ["dep_delay", "hour", "carrier"]

    def part(mask: np.ndarray) -> Statistics:
        return described(table.filter(pa.array(mask)).select(columns))

    half = np.random.default_rng(13).random(month.size) < 0.5
    assert len(validate_statistics(part(half), schema, previous=part(~half))) == 0
    drifted = validate_statistics(part(month == 7), schema, previous=part(month == 1))
    assert {anomaly.feature for anomaly in drifted} == {"dep_delay", "carrier"}
    # Without thresholds, by what is more than chance.
    assert compare_statistics(part(month == 1), part(month == 7)).drifted[0] == "dep_delay"
    assert compare_statistics(part(half), part(~half)).drifted == ()


def test_distances_are_told_in_plain_words() -> None:
    then = generate_statistics({"x": [1.0, 2.0] * 50, "s": ["a", "b"] * 50})
    now = generate_statistics({"x": [8.0, 9.0] * 50, "s": ["c", "d"] * 50})
    watched = Schema(
        (
            Feature("x", "FLOAT", drift=Comparator(jensen_shannon=0.1)),
            Feature("s", "STRING", drift=Comparator(linf=0.1)),
        )
    )
    messages = [anomaly.message for anomaly in validate_statistics(now, watched, previous=then)]
    assert any(message.startswith("x has a Jensen-Shannon divergence of at most 0.1") for message in messages)
    assert any(message.startswith("s has an L-infinity distance of at most 0.1") for message in messages)
