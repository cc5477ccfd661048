"""Rows that break rules, found one by one."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import Dataset, dataset_from_table
from headrace.engines import LocalEngine
from headrace.errors import SchemaError, UsageError
from headrace.schema import (
    BoolDomain,
    DatasetConstraints,
    Feature,
    ImageDomain,
    NaturalLanguageDomain,
    Schema,
    SparseFeature,
    TimeDomain,
    TokenConstraint,
    ValueCountRange,
    WeightedFeature,
)
from headrace.schema import Rule as SqlRule
from headrace.statistics import generate_statistics
from headrace.validation import (
    Anomalies,
    Anomaly,
    anomaly_statistics,
    infer_schema,
    validate_examples,
    validate_statistics,
)
from headrace.validation.row_checks import RowChecks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource


def cut(columns: dict[str, Any] | pa.Table, rows: int = 3) -> Dataset:
    return dataset_from_table(pa.table(columns), rows)


def only(columns: dict[str, Any] | pa.Table, schema: Schema | Feature, **options: Any) -> Anomaly:
    """Return the one anomaly, after checking that accepting its change, if it has one, makes the data fit."""
    whole = schema if isinstance(schema, Schema) else Schema((schema,))
    anomalies = validate_examples(cut(columns), whole, **options)
    (anomaly,) = anomalies
    if anomaly.acceptable:
        assert list(validate_examples(cut(columns), anomalies.accept(whole), **options)) == []
    assert anomaly.suggestion
    return anomaly


def fits(columns: dict[str, Any] | pa.Table, schema: Schema | Feature) -> bool:
    return list(validate_examples(cut(columns), schema if isinstance(schema, Schema) else Schema((schema,)))) == []


@pytest.mark.parametrize(
    ("values", "feature", "rule", "rows"),
    [
        ([1, None, 3, None], Feature("x", "INT", 1.0), "missing_values", (1, 3)),
        ([1, None, 3, None], Feature("x", "INT", min_count=3), "few_present", (1, 3)),
        ([1, 2, 200, -4, 5], Feature("x", "INT", min=0, max=100), "range", (2, 3)),
        ([1.0, float("nan"), None], Feature("x", "FLOAT"), "nan", (1,)),
        ([1.0, float("-inf"), None], Feature("x", "FLOAT"), "infinite", (1,)),
        (["a", "b", None, "A"], Feature("x", "STRING", values=("a",)), "domain_values", (1, 3)),
        (["y", "n", "?"], Feature("x", "STRING", bool_domain=BoolDomain("y", "n")), "bool_values", (2,)),
        ([0, 1, 7, 1], Feature("x", "INT", bool_domain=BoolDomain("1", "0")), "bool_values", (2,)),
        (["a@b.c", "ab.c"], Feature("x", "STRING", semantic_domain="email"), "semantic_domain", (1,)),
        (["2026", "26a"], Feature("x", "STRING", time_domain=TimeDomain("%Y")), "time_format", (1,)),
        ([True, False], Feature("x", "INT"), "type", (0, 1)),
        (["1", "2"], Feature("x", "INT"), "number_in_text", (0, 1)),
        ([b"BM12", b"x"], Feature("x", "BYTES", image_domain=ImageDomain(0.9)), "image_kind", (1,)),
        ([b"BM12", b"x"], Feature("x", "BYTES", image_domain=ImageDomain(max_image_byte_size=3)), "image_size", (0,)),
        ([1, 2, 1, 3, 1], Feature("x", "INT", unique=True), "unique", (2, 4)),
        (["a", "b", "c", "d", "b"], Feature("x", "STRING", unique=True), "unique", (4,)),
        ([[1], [1, 2], []], Feature("x", "INT", value_counts=(ValueCountRange(1, 2),)), "few_values", (2,)),
        ([[1], [1, 2, 3], None], Feature("x", "INT", value_counts=(ValueCountRange(1, 2),)), "many_values", (1,)),
        ([[1], [2]], Feature("x", "INT"), "nestedness", (0, 1)),
        ([[1, 2], [3], [4, 5]], Feature("x", "INT", shape=(2,)), "shape", (1,)),
        ([[1.0, 2.0], [3.0]], Feature("x", "FLOAT", embedding_dim=2), "embedding_dim", (1,)),
    ],
)
def test_which_rows_break_a_rule(values: list[Any], feature: Feature, rule: str, rows: tuple[int, ...]) -> None:
    anomaly = only({"x": values}, feature)
    assert (anomaly.rule, anomaly.row_numbers, anomaly.rows) == (rule, rows, len(rows))
    good = [value for row, value in enumerate(values) if row not in rows]
    if good and rule not in ("unique", "few_present"):
        assert fits({"x": pa.array(good, pa.array(values).type)}, feature)


def test_text_that_is_partly_numbers() -> None:
    found = validate_examples(cut({"x": ["1", " 2 ", "three", "4.5"]}), Schema((Feature("x", "INT"),)))
    assert {anomaly.rule: anomaly.row_numbers for anomaly in found} == {"type": (2, 3), "number_in_text": (0, 1)}
    assert {anomaly.rule: anomaly.examples for anomaly in found}["type"] == ("three", "4.5")


def test_shares_are_tolerated() -> None:
    values: dict[str, Any] = {"x": ["a"] * 9 + ["b"]}
    assert fits(values, Feature("x", "STRING", values=("a",), min_domain_mass=0.9))
    assert not fits(values, Feature("x", "STRING", values=("a",), min_domain_mass=0.95))
    assert fits({"x": [1] * 9 + [None]}, Feature("x", "INT", 0.9))
    assert fits({"x": [b"BM"] * 9 + [b"x"]}, Feature("x", "BYTES", image_domain=ImageDomain(0.9)))


def test_columns_and_sizes() -> None:
    gone = only({"x": [1]}, Schema((Feature("x", "INT"), Feature("y", "INT", 1.0))))
    assert (gone.rule, gone.severity) == ("column_missing", "error")
    new = only({"x": [1], "y": ["a"]}, Feature("x", "INT"))
    assert (new.rule, new.suggested) == ("column_new", Feature("y", "STRING"))
    few = only({"x": [1]}, Schema((Feature("x", "INT"),), dataset_constraints=DatasetConstraints(5)))
    assert few.rule == "few_examples"
    assert only({"x": pa.array([], pa.int64())}, Feature("x", "INT", 1.0)).rule == "no_data"
    absent = Schema((Feature("x", "INT"), Feature("y", "INT", 1.0, not_in_environment=("serving",))))
    assert list(validate_examples(cut({"x": [1]}), absent, environment="serving")) == []


def test_values_in_lists_and_structs() -> None:
    places = [{"city": "Ulm", "tags": ["a", "b"]}, None, {"city": None, "tags": ["c"]}, {"city": "Bonn", "tags": None}]
    city = Feature("city", "STRING", 1.0, values=("Ulm",))
    tags = Feature("tags", "STRING", values=("a", "b"), value_counts=(ValueCountRange(),))
    schema = Schema((Feature("place", "STRUCT", features=(city, tags)),))
    found = {(anomaly.feature, anomaly.rule): anomaly for anomaly in validate_examples(cut({"place": places}), schema)}
    assert set(found) == {
        ("place.city", "missing_values"),
        ("place.city", "domain_values"),
        ("place.tags", "domain_values"),
    }
    assert found["place.city", "missing_values"].row_numbers == (2,)
    # Two of the three structs that are there have a city.
    assert found["place.city", "missing_values"].fraction == pytest.approx(1 / 3)
    assert found["place.tags", "domain_values"].row_numbers == (2,)
    wider = Anomalies(tuple(found.values())).accept(schema)
    assert list(validate_examples(cut({"place": places}), wider)) == []
    group = Feature("city", "STRING", group_required=True)
    deep = Schema((Feature("place", "STRUCT", features=(group, tags)),))
    assert "group_missing" in [anomaly.rule for anomaly in validate_examples(cut({"place": places}), deep)]


def test_lists_of_structs_and_of_lists() -> None:
    items = [[{"n": 1}, {"n": 50}], [], [{"n": None}]]
    schema = Schema(
        (Feature("items", "STRUCT", value_counts=(ValueCountRange(),), features=(Feature("n", "INT", 1.0, max=9),)),)
    )
    found = {anomaly.rule: anomaly.row_numbers for anomaly in validate_examples(cut({"items": items}), schema)}
    assert found == {"missing_values": (2,), "range": (0,)}
    nested = Feature("x", "INT", value_counts=(ValueCountRange(1), ValueCountRange(1, 2)))
    anomaly = only({"x": [[[1], [2, 3]], [[4, 5, 6]], [[7]]]}, nested)
    assert (anomaly.rule, anomaly.row_numbers, anomaly.name) == ("many_values", (1,), "level 1")


def test_parts_that_do_not_go_together() -> None:
    table = {"v": [[1, 2], [3], None], "i": [[0, 1], [0, 1], None], "w": [[0.5, 0.5], [1.0], [1.0]]}

    def listed(name: str, kind: Any) -> Feature:
        return Feature(name, kind, value_counts=(ValueCountRange(),))

    v = listed("v", "INT")
    sparse = Schema((v, listed("i", "INT")), sparse_features=(SparseFeature("s", "v", ("i",)),))
    anomaly = only({key: table[key] for key in ("v", "i")}, sparse)
    assert (anomaly.rule, anomaly.name, anomaly.row_numbers) == ("sparse_length", "s", (1,))
    weighted = Schema((v, listed("w", "FLOAT")), weighted_features=(WeightedFeature("weights", "v", "w"),))
    anomaly = only({key: table[key] for key in ("v", "w")}, weighted)
    assert (anomaly.rule, anomaly.row_numbers) == ("weighted_length", (2,))


def test_words_in_rows() -> None:
    language = NaturalLanguageDomain("words", 0.9, location_regex="[a-z ]+", tokens=(TokenConstraint("the", 1),))
    feature = Feature("x", "STRING", natural_language_domain=language)
    schema = Schema((feature,), string_domains={"words": ("the", "cat")})
    found = validate_examples(cut({"x": ["the cat", "cat", "the DOG", "the cat the cat"]}), schema)
    assert [anomaly.rule for anomaly in found] == ["location", "vocabulary_coverage", "token_too_few"]
    assert found.anomalies[0].row_numbers == (2,)
    assert found.anomalies[1].examples == ("DOG",)
    assert found.anomalies[2].rows == 1


def test_rules_in_sql() -> None:
    rule = SqlRule("balance", "gain = 0 OR loss = 0", description="no gain with a loss")
    table: dict[str, Any] = {"gain": [0, 5, 7, None, 3], "loss": [1, 0, 2, 3, 1]}
    schema = Schema((Feature("gain", "INT"), Feature("loss", "INT")), rules=(rule,))
    anomaly = only(table, schema)
    assert (anomaly.rule, anomaly.name, anomaly.row_numbers) == ("custom", "balance", (2, 4))
    assert fits(table, msgspec.structs.replace(schema, rules=(msgspec.structs.replace(rule, max_fraction=0.4),)))
    with pytest.raises(SchemaError, match="rule 'typo'"):
        validate_examples(cut(table), schema, rules=[SqlRule("typo", "gian = 0")])
    off = validate_examples(cut(table), schema, severity={"balance": "off"})
    assert list(off) == []


def test_wrong_requests() -> None:
    with pytest.raises(UsageError, match="limit"):
        validate_examples({"x": [1]}, Schema((Feature("x", "INT"),)), limit=-1)
    with pytest.raises(UsageError, match="environment"):
        validate_examples({"x": [1]}, Schema((Feature("x", "INT"),)), environment="serving")


def test_checks_travel_to_other_processes() -> None:
    checks = RowChecks(Schema((Feature("x", "INT", min=0),)), None, (SqlRule("even", "x % 2 = 0"),))
    batch = pa.record_batch({"x": [-2, 1]})
    assert len(checks.look(batch).hits) == 2
    again = pickle.loads(pickle.dumps(checks))
    assert [hit.rule for hit in again.look(batch).hits] == ["range", "custom"]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.none() | st.integers(-3, 12), min_size=1, max_size=60), st.integers(1, 20), st.integers(1, 4))
def test_any_cut_gives_the_same_and_counts_are_those_of_duckdb(
    values: list[int | None], rows: int, workers: int
) -> None:
    table = pa.table({"x": pa.array(values, pa.int64())})
    schema = Schema((Feature("x", "INT", 1.0, min=0, max=9, unique=True),))
    whole = validate_examples(dataset_from_table(table), schema, limit=100)
    assert validate_examples(dataset_from_table(table, rows), schema, limit=100, engine=LocalEngine(workers)) == whole
    query = """SELECT count(*) FILTER (x IS NULL), count(*) FILTER (x < 0 OR x > 9), count(x) - count(DISTINCT x)
               FROM t"""
    connection = duckdb.connect()
    connection.register("t", table)
    counts = connection.execute(query).fetchone()
    assert counts is not None
    found = {anomaly.rule: anomaly.rows for anomaly in whole}
    assert [found.get(rule, 0) for rule in ("missing_values", "range", "unique")] == list(counts)


def test_offending_rows_are_written_beside_bit_for_bit(census_source: CensusSource, tmp_path: Path) -> None:
    schema = infer_schema(generate_statistics(census_source("adult.data")))
    schema = schema.with_feature(msgspec.structs.replace(schema["age"], max=80))
    side = tmp_path / "side.parquet"
    rules = [SqlRule("old", "age < 90")]
    found = validate_examples(census_source("adult.test"), schema, side_file=side, rules=rules, limit=2)
    ages = census_source("adult.test").dataset().to_table(["age"])["age"].to_numpy()
    over = int((ages > 80).sum())
    assert {anomaly.rule: anomaly.rows for anomaly in found} == {"range": over, "domain_values": 16_281, "custom": 12}
    written = pq.read_table(side)
    source = census_source("adult.test").dataset().to_table()
    assert written.num_rows == 16_281
    assert written["headrace_row"].to_pylist() == list(range(16_281))
    assert written.drop_columns(["headrace_row", "headrace_reasons"]).equals(source)
    reasons = written["headrace_reasons"].to_pylist()
    for name, mask in (("age:range", ages > 80), ("old", ages >= 90)):
        assert np.array_equal([name in said for said in reasons], mask)
    within = {"age:range": "off", "domain_values": "off"}
    old = validate_examples(census_source("adult.test"), schema, side_file=side, rules=rules, severity=within)  # type: ignore[arg-type]
    assert [anomaly.rows for anomaly in old] == [12]
    assert pq.read_table(side)["age"].to_pylist() == [90] * 12


def test_a_side_file_of_good_rows_is_empty(tmp_path: Path) -> None:
    validate_examples({"x": [1]}, Schema((Feature("x", "INT"),)), side_file=tmp_path / "side.parquet")
    assert pq.read_table(tmp_path / "side.parquet").num_rows == 0


def test_statistics_of_the_rows_that_break_rules() -> None:
    table = {"x": [1, 2, 300, None, 5], "s": ["a", "b", "a", "a", "c"]}
    schema = Schema((Feature("x", "INT", 1.0, max=100), Feature("s", "STRING", values=("a", "b"))))
    statistics = anomaly_statistics(table, schema)
    assert statistics.names == ("anomalous", "s:domain_values", "x:missing_values", "x:range")
    assert [dataset.num_examples for dataset in statistics] == [3, 1, 1, 1]
    assert statistics["anomalous"].names == ("x", "s")
    assert len(anomaly_statistics({"x": [1], "s": ["a"]}, schema)) == 0


def test_what_means_missing_is_never_added_to_a_domain() -> None:
    feature = Feature("x", "STRING", values=("a",), null_values=("?",), strip=True)
    found = validate_examples(cut({"x": ["a", "?", "b", " c"]}), Schema((feature,)))
    (anomaly,) = found
    assert anomaly.examples == ("?", "b", " c")
    assert found.accept(Schema((feature,)))["x"].values == ("a", "b")
    (anomaly,) = validate_statistics(generate_statistics(cut({"x": ["a", "?"]})), Schema((feature,)))
    assert not anomaly.acceptable


def test_words_of_no_values_break_no_rule() -> None:
    language = NaturalLanguageDomain(tokens=(TokenConstraint("the", 1),))
    assert fits({"x": pa.nulls(3, pa.string())}, Feature("x", "STRING", natural_language_domain=language))
