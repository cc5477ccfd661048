"""Each kind of anomaly: data that shows it, and data that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headrace.data import dataset_from_table
from headrace.errors import SchemaError, UsageError
from headrace.schema import (
    BoolDomain,
    Comparator,
    DatasetConstraints,
    Feature,
    ImageDomain,
    NaturalLanguageDomain,
    NumExamplesComparator,
    Schema,
    SparseFeature,
    TimeDomain,
    TokenConstraint,
    UniqueConstraints,
    ValueCountRange,
    WeightedFeature,
)
from headrace.schema import Rule as SqlRule
from headrace.statistics import (
    BytesStatistics,
    CommonStatistics,
    DatasetStatistics,
    FeatureStatistics,
    LabelStatistics,
    SemanticGuess,
    Statistics,
    StringStatistics,
    StructStatistics,
    ValencyStatistics,
    ValueCount,
    generate_statistics,
)
from headrace.validation import Anomalies, Anomaly, infer_schema, validate_corresponding_slices, validate_statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CensusSource


def described(columns: dict[str, Any] | pa.Table, name: str = "data") -> Statistics:
    return generate_statistics(dataset_from_table(pa.table(columns)), name=name)


def made(*features: FeatureStatistics, rows: int = 10, name: str = "data") -> Statistics:
    """Return statistics of columns that were made by hand."""
    return Statistics((DatasetStatistics(name, rows, features),))


def lists(low: int, high: int, rows: int = 10, total: int | None = None, missing: int = 0) -> CommonStatistics:
    """Return the common statistics of a column of lists."""
    whole = (low + high) * (rows - missing) // 2 if total is None else total
    level = ValencyStatistics(rows - missing, missing, low, high, whole / (rows - missing), whole)
    return CommonStatistics(rows - missing, missing, low, high, whole / (rows - missing), whole, levels=(level,))


def texts(common: CommonStatistics, *values: str) -> FeatureStatistics:
    """Return the statistics of a STRING column ``x`` whose values are all listed."""
    tops = tuple(ValueCount(value, values.count(value)) for value in dict.fromkeys(values))
    return FeatureStatistics("x", "STRING", string_stats=StringStatistics(common, len(tops), tops, 1.0, 1, 1))


def blob(common: CommonStatistics, least: int = 1, most: int = 10) -> FeatureStatistics:
    """Return the statistics of a BYTES column ``x``."""
    return FeatureStatistics("x", "BYTES", bytes_stats=BytesStatistics(common, 1, 5.0, least, most))


def struct(name: str, common: CommonStatistics) -> FeatureStatistics:
    """Return the statistics of a STRUCT column."""
    return FeatureStatistics(name, "STRUCT", struct_stats=StructStatistics(common))


def only(statistics: Statistics, schema: Schema | Feature, **options: Any) -> Anomaly:
    """Return the one anomaly, after checking that accepting its change, if it has one, makes the data fit."""
    whole = schema if isinstance(schema, Schema) else Schema((schema,))
    anomalies = validate_statistics(statistics, whole, **options)
    (anomaly,) = anomalies
    if anomaly.acceptable:
        assert list(validate_statistics(statistics, anomalies.accept(whole), **options)) == []
    assert anomaly.suggestion
    return anomaly


def fits(statistics: Statistics, schema: Schema | Feature, **options: Any) -> bool:
    """Return whether nothing at all is found."""
    whole = schema if isinstance(schema, Schema) else Schema((schema,))
    return list(validate_statistics(statistics, whole, **options)) == []


PLAIN = CommonStatistics(10, 0)


@pytest.fixture(scope="module")
def census(census_source: CensusSource) -> pa.Table:
    """Return the census data, whole."""
    return census_source("adult.data").dataset().to_table()


@pytest.fixture(scope="module")
def schema(census: pa.Table) -> Schema:
    """Return what the census data should look like."""
    return infer_schema(described(census))


def put(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


# ---- census data, broken


def census_broken(census: pa.Table, rule: str) -> tuple[pa.Table, dict[str, Any]]:
    """Return census data that shows an anomaly, and the parts of the feature that it breaks."""
    age, sex = census["age"], census["sex"]
    first = pa.array(np.arange(census.num_rows) < 500)
    if rule == "missing_values":
        return put(census, "age", pc.if_else(first, None, age)), {"name": "age"}
    if rule == "few_present":
        return put(census, "age", pc.if_else(first, None, age)), {
            "name": "age",
            "min_fraction": 0.0,
            "min_count": 32_500,
        }
    if rule == "type":
        return put(census, "age", sex), {"name": "age"}
    if rule == "number_in_text":
        return put(census, "age", age.cast(pa.string())), {"name": "age"}
    if rule == "domain_values":
        return put(census, "sex", pc.if_else(first, "Man", sex)), {"name": "sex"}
    if rule == "bool_values":
        return put(census, "sex", pc.if_else(first, "male", sex)), {
            "name": "sex",
            "values": None,
            "bool_domain": BoolDomain("Male", "Female"),
        }
    if rule == "range":
        return put(census, "age", pc.if_else(first, 999, age)), {"name": "age", "min": 0, "max": 120}
    if rule == "nan":
        return put(census, "age", pc.if_else(first, float("nan"), age.cast(pa.float64()))), {
            "name": "age",
            "type": "FLOAT",
        }
    if rule == "infinite":
        return put(census, "age", pc.if_else(first, float("inf"), age.cast(pa.float64()))), {
            "name": "age",
            "type": "FLOAT",
        }
    if rule == "few_unique":
        return put(census, "sex", pa.array(["Male"] * census.num_rows)), {
            "name": "sex",
            "unique_constraints": UniqueConstraints(min=2),
        }
    assert rule == "many_unique"
    return put(census, "education_num", age), {"name": "education_num", "unique_constraints": UniqueConstraints(max=16)}


@pytest.mark.parametrize(
    "rule",
    [
        *("missing_values", "few_present", "type", "number_in_text", "domain_values", "bool_values", "range", "nan"),
        *("infinite", "few_unique", "many_unique"),
    ],
)
def test_broken_census_data_shows_it_and_whole_data_does_not(census: pa.Table, schema: Schema, rule: str) -> None:
    table, changes = census_broken(census, rule)
    feature = msgspec.structs.replace(schema[changes["name"]], **changes)
    (anomaly,) = validate_statistics(described(table.select([feature.name])), Schema((feature,)))
    assert (anomaly.rule, anomaly.feature, anomaly.severity) == (rule, feature.name, "error")
    if "unique" not in rule:
        expected = census.num_rows if rule in ("type", "number_in_text") else 500
        assert anomaly.rows == pytest.approx(expected, abs=330 if rule == "range" else 0)
        assert anomaly.fraction == pytest.approx(anomaly.rows / census.num_rows)
    assert fits(described(census.select([feature.name])), feature)
    if anomaly.acceptable:
        wider = Anomalies((anomaly,)).accept(Schema((feature,)))
        assert fits(described(table.select([feature.name])), wider)


def test_columns_that_come_and_go(census: pa.Table, schema: Schema) -> None:
    gone = only(described(census.drop_columns(["age"])), schema)
    assert (gone.rule, gone.feature) == ("column_missing", "age")
    new = only(described(census.append_column("height", pa.array(np.arange(census.num_rows)))), schema)
    assert (new.rule, new.feature, new.severity) == ("column_new", "height", "warning")
    assert fits(described(census), schema)


def test_sizes_of_data_sets(census: pa.Table) -> None:
    statistics = described(census.select(["age"]))
    feature = Feature("age", "INT")

    def sized(**limits: Any) -> Schema:
        return Schema((feature,), dataset_constraints=DatasetConstraints(**limits))

    assert only(statistics, sized(min_examples_count=40_000)).rule == "few_examples"
    assert only(statistics, sized(max_examples_count=30_000)).rule == "many_examples"
    assert fits(statistics, sized(min_examples_count=30_000, max_examples_count=40_000))
    half = described(census.slice(0, 16_000).select(["age"]))
    ratio = NumExamplesComparator(0.9, 1.1)
    for key, option in (("drift", "previous"), ("version", "previous_version")):
        limited = sized(**{f"num_examples_{key}": ratio})
        assert only(half, limited, **{option: statistics}).rule == f"few_examples_{key}"
        assert only(statistics, limited, **{option: half}).rule == f"many_examples_{key}"
        assert fits(statistics, limited, **{option: statistics})
        assert fits(statistics, limited)


@pytest.mark.parametrize("key", ["drift", "skew"])
@pytest.mark.parametrize(
    ("name", "column", "threshold"),
    [
        ("linf", "sex", 0.05),
        ("jensen_shannon", "age", 0.02),
        ("normalized_abs_difference", "sex", 0.2),
        ("psi", "age", 0.1),
        ("kolmogorov_smirnov", "age", 0.1),
        ("wasserstein", "age", 1.0),
        ("hellinger", "sex", 0.05),
        ("chi_squared", "sex", 1e-6),
    ],
)
def test_every_distance_is_a_threshold(census: pa.Table, key: str, name: str, column: str, threshold: float) -> None:
    feature = Feature(column, "INT" if column == "age" else "STRING", **{key: Comparator(**{name: threshold})})  # type: ignore[arg-type]
    married = census.filter(pc.equal(census["marital_status"], "Married-civ-spouse")).select([column])
    option = "previous" if key == "drift" else "serving"
    anomaly = only(described(married), feature, **{option: described(census.select([column]))})
    assert anomaly.rule == f"{key}_{name}"
    assert anomaly.p_value is not None
    assert anomaly.p_value < 1e-6
    even = pa.array(np.arange(census.num_rows) % 2 == 0)
    half = described(census.filter(even).select([column]))
    assert fits(half, feature, **{option: described(census.filter(pc.invert(even)).select([column]))})


def test_distances_that_chance_makes_are_warnings_where_that_is_asked_for() -> None:
    feature = Feature("s", "STRING", drift=Comparator(linf=0.01))
    now, then = described({"s": ["a"] * 6 + ["b"] * 4}), described({"s": ["a"] * 5 + ["b"] * 5})
    assert only(now, feature, previous=then).severity == "error"
    mild = only(now, feature, previous=then, significance=0.01)
    assert mild.severity == "warning"
    assert "chance alone would do that with p = 0.65" in mild.message
    assert only(described({"s": ["a"] * 99}), feature, previous=then, significance=0.01).severity == "error"


@pytest.mark.parametrize("key", ["drift", "skew"])
def test_nothing_to_compare_with(key: str) -> None:
    feature = Feature("s", "STRING", **{key: Comparator(linf=0.1)})  # type: ignore[arg-type]
    other = {"previous" if key == "drift" else "serving": described({"t": [1]})}
    anomaly = only(described({"s": ["a"]}), feature, **other)
    assert (anomaly.rule, anomaly.severity) == (f"{key}_no_data", "warning")


# ---- lists


def test_numbers_of_values() -> None:
    bounded = Feature("x", "BYTES", value_counts=(ValueCountRange(2, 4),))
    assert only(made(blob(lists(1, 4))), bounded).rule == "few_values"
    many = only(made(blob(lists(5, 6))), bounded)
    assert (many.rule, many.rows) == ("many_values", 10)
    assert fits(made(blob(lists(2, 4))), bounded)
    assert fits(made(blob(lists(0, 9))), Feature("x", "BYTES", value_counts=(ValueCountRange(),)))
    # A plain column has one value in each row.
    assert fits(made(blob(PLAIN)), Feature("x", "BYTES", value_counts=(ValueCountRange(1, 4),)))
    assert only(made(blob(PLAIN)), bounded).rule == "few_values"


def test_lists_in_lists_have_bounds_of_their_own() -> None:
    inner = ValencyStatistics(30, 0, 0, 7, 3.0, 90)
    outer = ValencyStatistics(10, 0, 3, 3, 3.0, 30)
    deep = blob(CommonStatistics(10, 0, 0, 21, 9.0, 90, levels=(outer, inner)))
    both = Feature("x", "BYTES", value_counts=(ValueCountRange(3, 3), ValueCountRange(1, 5)))
    found = validate_statistics(made(deep), Schema((both,)))
    assert [anomaly.rule for anomaly in found] == ["few_values", "many_values"]
    assert "in a list of level 1" in found.anomalies[0].message
    assert found.accept(Schema((both,)))["x"].value_counts == (ValueCountRange(3, 3), ValueCountRange(0, 7))
    assert fits(made(deep), msgspec.structs.replace(both, value_counts=(ValueCountRange(3), ValueCountRange(0, 7))))


def test_nesting_is_as_the_schema_says() -> None:
    assert only(made(blob(lists(1, 4))), Feature("x", "BYTES")).rule == "nestedness"
    deep = Feature("x", "BYTES", value_counts=(ValueCountRange(), ValueCountRange()))
    assert "lists nested 2 deep by the schema; the data has a list" in only(made(blob(lists(1, 4))), deep).message


def test_shapes() -> None:
    square = Feature("x", "BYTES", shape=(2, 3))
    assert only(made(blob(lists(4, 6))), square).rule == "shape"
    whole = only(made(blob(lists(4, 4))), square)
    assert (whole.rule, whole.rows) == ("shape", 10)
    assert fits(made(blob(lists(6, 6))), square)
    assert fits(made(blob(PLAIN)), Feature("x", "BYTES", shape=()))
    nested = (ValencyStatistics(10, 0, 2, 2, 2.0, 20), ValencyStatistics(20, 0, 3, 3, 3.0, 60))
    assert fits(made(blob(CommonStatistics(10, 0, 6, 6, 6.0, 60, levels=nested))), square)


def test_lengths_of_embeddings() -> None:
    vectors = described({"y": [1.0]})["data"]["y"].num_stats
    assert vectors is not None

    def embedded(low: int, high: int) -> Statistics:
        stats = msgspec.structs.replace(vectors, common_stats=lists(low, high))
        return made(FeatureStatistics("x", "FLOAT", num_stats=stats))

    feature = Feature("x", "FLOAT", embedding_dim=768)
    assert only(embedded(768, 769), feature).rule == "embedding_dim"
    assert only(embedded(384, 384), feature).suggested == msgspec.structs.replace(feature, embedding_dim=384)
    assert fits(embedded(768, 768), feature)


# ---- structs


def test_fields_of_structs() -> None:
    city = Feature("city", "STRING", 1.0, values=("Ulm",), group_required=True)
    place = Feature("place", "STRUCT", 1.0, features=(city,))
    schema = Schema((place,))

    def placed(*values: str, missing: int = 0, **more: FeatureStatistics) -> Statistics:
        common = CommonStatistics(len(values), missing)
        field = msgspec.structs.replace(texts(common, *values), name="place.city", path=("place", "city"))
        return made(struct("place", PLAIN), field, *more.values())

    assert fits(placed(*["Ulm"] * 10), schema)
    other = only(placed(*["Ulm"] * 9, "Bonn"), schema)
    assert (other.rule, other.feature, other.path) == ("domain_values", "place.city", ("place", "city"))
    found = validate_statistics(placed(*["Ulm"] * 8, missing=2), schema)
    assert [anomaly.rule for anomaly in found] == ["missing_values", "group_missing"]
    assert found.anomalies[1].rows == 2
    assert fits(placed(*["Ulm"] * 8, missing=2), found.accept(schema))
    gone = only(made(struct("place", PLAIN)), schema)
    assert (gone.rule, gone.feature) == ("column_missing", "place.city")
    code = msgspec.structs.replace(texts(PLAIN, *["1"] * 10), name="place.code", path=("place", "code"))
    new = only(placed(*["Ulm"] * 10, code=code), schema)
    assert (new.rule, new.feature) == ("column_new", "place.code")
    assert new.suggested is not None
    assert new.suggested.name == "code"


def test_a_whole_struct_is_one_new_column() -> None:
    field = msgspec.structs.replace(texts(PLAIN, *["Ulm"] * 10), name="place.city", path=("place", "city"))
    found = validate_statistics(made(struct("place", PLAIN), field), Schema())
    assert [(anomaly.rule, anomaly.feature) for anomaly in found] == [("column_new", "place")]


# ---- what values mean


def test_meanings_of_text() -> None:
    urls = made(texts(PLAIN, *["https://a.de/x?y=1"] * 9, "htps//b"))
    assert only(urls, Feature("x", "STRING", semantic_domain="url")).examples == ("htps//b",)
    mails = made(texts(PLAIN, *["a@b.de"] * 9, "a at b"))
    assert only(mails, Feature("x", "STRING", semantic_domain="email")).rule == "semantic_domain"
    times = made(texts(PLAIN, *["23:59"] * 9, "24:00"))
    assert only(times, Feature("x", "STRING", semantic_domain="time_of_day")).rule == "semantic_domain"
    mids = made(texts(PLAIN, *["/m/0abc"] * 9, "0abc"))
    assert only(mids, Feature("x", "STRING", semantic_domain="mid")).rule == "semantic_domain"
    dates = made(texts(PLAIN, *["2026-11-25"] * 9, "25.11.2026"))
    assert only(dates, Feature("x", "STRING", time_domain=TimeDomain("%Y-%m-%d"))).rule == "time_format"
    good = {"url": "ftp://a", "email": "a@b.c.de", "time_of_day": "7:05:01.5", "mid": "/g/1_a"}
    for domain, value in good.items():
        assert fits(made(texts(PLAIN, *[value] * 10)), Feature("x", "STRING", semantic_domain=domain))  # type: ignore[arg-type]
    assert fits(made(texts(PLAIN, *["2026-11-25"] * 10)), Feature("x", "STRING", time_domain=TimeDomain("%Y-%m-%d")))


def test_shared_domains() -> None:
    schema = Schema((Feature("x", "STRING", domain="colours"),), string_domains={"colours": ("red",)})
    assert fits(made(texts(PLAIN, *["red"] * 10)), schema)
    anomaly = only(made(texts(PLAIN, *["red"] * 9, "blue")), schema)
    assert anomaly.suggested_values == ("blue",)
    assert Anomalies((anomaly,)).accept(schema).string_domains == {"colours": ("red", "blue")}


def test_numbers_that_are_truth_values() -> None:
    feature = Feature("x", "INT", bool_domain=BoolDomain("1", "0"))
    assert only(described({"x": [0, 1, 2]}), feature).examples == ("2",)
    assert fits(described({"x": [0, 1, 1]}), feature)
    assert only(described({"x": [0.0, 0.5, 1.0]}), msgspec.structs.replace(feature, type="FLOAT")).rule == "bool_values"


def test_text_that_is_no_text() -> None:
    column = texts(PLAIN, *["a"] * 8)
    assert column.string_stats is not None
    broken = msgspec.structs.replace(column.string_stats, invalid_utf8_count=2)
    anomaly = only(made(msgspec.structs.replace(column, string_stats=broken)), Feature("x", "STRING"))
    assert (anomaly.rule, anomaly.rows) == ("invalid_utf8", 2)


def words(**parts: Any) -> Feature:
    return Feature("x", "STRING", natural_language_domain=NaturalLanguageDomain(**parts))


def test_words() -> None:
    text = made(texts(PLAIN, *["the cat sat"] * 6, *["the dog"] * 4))
    domains: dict[str, tuple[str, ...]] = {"words": ("the", "cat", "sat")}
    covered = Schema((words(vocabulary="words", min_coverage=0.9),), string_domains=domains)
    anomaly = only(text, covered)
    assert (anomaly.rule, anomaly.examples) == ("vocabulary_coverage", ("dog",))
    assert anomaly.fraction == pytest.approx(4 / 26)
    assert fits(text, Schema((words(vocabulary="words", min_coverage=0.8),), string_domains=domains))
    short = Schema((words(vocabulary="words", min_avg_token_length=4.0),), string_domains=domains)
    assert only(text, short).rule == "token_length"
    assert fits(text, Schema((words(vocabulary="words", min_avg_token_length=3.0),), string_domains=domains))
    assert only(text, words(location_regex="the .*t")).rule == "location"
    assert fits(text, words(location_regex="the .*"))


@pytest.mark.parametrize(
    ("constraint", "rule", "rows"),
    [
        (TokenConstraint("cat", min_per_row=1), "token_too_few", 4),
        (TokenConstraint("the", max_per_row=0), "token_too_many", 10),
        (TokenConstraint("cat", min_fraction=0.7), "token_fraction_low", 4),
        (TokenConstraint("cat", max_fraction=0.5), "token_fraction_high", 6),
    ],
)
def test_single_words(constraint: TokenConstraint, rule: str, rows: int) -> None:
    text = made(texts(PLAIN, *["the cat sat"] * 6, *["the dog"] * 4))
    anomaly = only(text, words(tokens=(constraint,)))
    assert (anomaly.rule, anomaly.rows) == (rule, rows)
    assert fits(text, words(tokens=(TokenConstraint("the", 1, 1, 1.0, 1.0),)))


def test_images() -> None:
    feature = Feature("x", "BYTES", image_domain=ImageDomain(0.9, 100))
    small = msgspec.structs.replace(blob(PLAIN, 10, 100), semantics=(SemanticGuess("image", 1.0),))
    assert fits(made(small), feature)
    large = msgspec.structs.replace(blob(PLAIN, 10, 101), semantics=small.semantics)
    assert only(made(large), feature).rule == "image_size"
    few = msgspec.structs.replace(small, semantics=(SemanticGuess("image", 0.5),))
    anomaly = only(made(few), feature)
    assert (anomaly.rule, anomaly.rows) == ("image_kind", 5)


def test_what_only_rows_can_tell_is_said_in_one_warning() -> None:
    schema = Schema(
        (Feature("x", "BYTES", image_domain=ImageDomain(0.9)),), rules=(SqlRule("balance", "x IS NOT NULL"),)
    )
    anomaly = only(made(blob(PLAIN)), schema)
    assert (anomaly.rule, anomaly.severity) == ("needs_rows", "warning")
    assert anomaly.message == "Statistics cannot tell the rule balance, the images of x."
    assert fits(made(blob(PLAIN)), schema, severity={"needs_rows": "off"})


# ---- hints


def test_hints_are_warnings() -> None:
    column = texts(PLAIN, *["a"] * 10)
    leak = msgspec.structs.replace(
        column, label=LabelStatistics(1.0, 1.0, 1.0, leakage=True, reason="one value a class")
    )
    anomaly = only(made(leak), Feature("x", "STRING"))
    assert (anomaly.rule, anomaly.severity, anomaly.acceptable) == ("leakage", "warning", False)
    assert "one value a class" in anomaly.message
    innocent = msgspec.structs.replace(column, label=LabelStatistics(0.1, 0.1))
    assert fits(made(innocent), Feature("x", "STRING"))
    copy = msgspec.structs.replace(column, semantics=(SemanticGuess("duplicate", 1.0, of="y"),))
    assert only(made(copy), Feature("x", "STRING")).rule == "duplicate_column"


@pytest.mark.parametrize(
    ("guess", "kind"),
    [
        (SemanticGuess("url", 1.0), "STRING"),
        (SemanticGuess("date_text", 1.0, detail="%Y"), "STRING"),
        (SemanticGuess("image", 1.0), "BYTES"),
    ],
)
def test_meanings_are_suggested(guess: SemanticGuess, kind: Any) -> None:
    value = "2026" if guess.kind == "date_text" else "https://a.de"
    column = blob(PLAIN) if kind == "BYTES" else texts(PLAIN, *[value] * 10)
    anomaly = only(made(msgspec.structs.replace(column, semantics=(guess,))), Feature("x", kind))
    assert (anomaly.rule, anomaly.severity) == ("semantic_suggestion", "warning")
    unsure = msgspec.structs.replace(column, semantics=(msgspec.structs.replace(guess, fraction=0.5),))
    assert fits(made(unsure), Feature("x", kind))


# ---- features made of others

BLOB = Feature("x", "BYTES")


def part(*names: str) -> tuple[Feature, ...]:
    """Return features of lists."""
    return tuple(Feature(name, "BYTES", value_counts=(ValueCountRange(),)) for name in names)


def parts(**lengths: int) -> Statistics:
    """Return statistics of lists of one length each."""
    return made(*(msgspec.structs.replace(blob(lists(n, n)), name=name) for name, n in lengths.items()))


def composed(statistics: Statistics, schema: Schema) -> Anomaly:
    """Return the one anomaly that is not about a missing column."""
    (anomaly,) = (one for one in validate_statistics(statistics, schema) if one.rule != "column_missing")
    return anomaly


def test_sparse_features() -> None:
    schema = Schema(part("value", "i", "j"), sparse_features=(SparseFeature("s", "value", ("i", "j")),))
    assert fits(parts(value=3, i=3, j=3), schema)
    assert {one.rule for one in validate_statistics(parts(), schema)} == {"column_missing"}
    assert composed(parts(i=3, j=3), schema).rule == "sparse_missing_value"
    missing = composed(parts(value=3, i=3), schema)
    assert (missing.rule, missing.feature, missing.name) == ("sparse_missing_index", "j", "s")
    length = composed(parts(value=3, i=3, j=2), schema)
    assert (length.rule, length.feature) == ("sparse_length", "j")


def test_weighted_features() -> None:
    schema = Schema(part("value", "weight"), weighted_features=(WeightedFeature("w", "value", "weight"),))
    assert fits(parts(value=3, weight=3), schema)
    assert composed(parts(weight=3), schema).rule == "weighted_missing_value"
    assert composed(parts(value=3), schema).rule == "weighted_missing_weight"
    assert composed(parts(value=3, weight=4), schema).rule == "weighted_length"


def test_derived_columns() -> None:
    both = Schema(
        (Feature("x", "BYTES"), Feature("y", "BYTES", derived_from=("x",), lifecycle_stage="VALIDATION_DERIVED"))
    )
    assert fits(made(blob(PLAIN)), both)
    orphan = Schema((both.features[1],))
    anomaly = only(made(rows=1), orphan)
    assert (anomaly.rule, anomaly.feature) == ("derived_column", "y")
    staged = msgspec.structs.replace(both.features[1], lifecycle_stage="BETA")
    found = validate_statistics(made(blob(PLAIN)), Schema((both.features[0], staged)))
    assert "derived_column" in [anomaly.rule for anomaly in found]


# ---- the schema


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schema((Feature("x", "STRING", domain="d"),)), "string_domains"),
        (lambda: Schema((words(vocabulary="d"),)), "string_domains"),
        (
            lambda: Schema((BLOB, *part("v", "i")), sparse_features=(SparseFeature("x", "v", ("i",)),)),
            "name",
        ),
        (
            lambda: Schema(
                part("v", "i"),
                sparse_features=(SparseFeature("s", "v", ("i",)),),
                weighted_features=(WeightedFeature("s", "v", "i"),),
            ),
            "name",
        ),
        (lambda: Schema((words(location_regex="("),)), "regular expression"),
        (lambda: Schema((Feature("x", "INT", bool_domain=BoolDomain("yes")),)), "bool_domain|true and false"),
    ],
)
def test_schemas_that_contradict_themselves(make: Callable[[], Schema], message: str) -> None:
    columns = {"INT": described({"x": [1]}), "STRING": made(texts(PLAIN, *["a"] * 10)), "BYTES": made(blob(PLAIN))}
    with pytest.raises(SchemaError, match=message):
        # Some are told when the schema is made, some when its rules are.
        validate_statistics(columns[(schema := make()).features[0].type], schema)


def test_features_at_other_stages_of_their_life_are_left_alone() -> None:
    for stage in ("PLANNED", "ALPHA", "DEPRECATED", "DEBUG_ONLY", "DISABLED"):
        feature = Feature("x", "INT", 1.0, lifecycle_stage=stage)
        assert fits(described({"x": ["a"]}), feature)
        assert fits(made(rows=3), feature)
    assert not fits(made(rows=3), Feature("x", "INT", 1.0, lifecycle_stage="PRODUCTION"))


def test_environments_in_which_a_column_is() -> None:
    label = Feature("label", "STRING", 1.0, in_environment=("training",))
    schema = Schema((Feature("x", "INT", 1.0), label), default_environments=("training", "serving"))
    served, trained = described({"x": [1]}), described({"x": [1], "label": ["a"]})
    assert fits(trained, schema, environment="training")
    gone = only(served, schema, environment="training")
    assert gone.suggested is not None
    assert (gone.suggested.in_environment, gone.suggested.not_in_environment) == ((), ("training",))
    only_there = msgspec.structs.replace(schema, default_environments=("serving",))
    assert fits(trained, only_there, environment="training")
    hidden = Schema((Feature("x", "INT", 1.0), msgspec.structs.replace(label, not_in_environment=("serving",))))
    assert fits(served, hidden, environment="serving")


# ---- rules in SQL


def test_rules_over_statistics(census: pa.Table) -> None:
    statistics = described(census.select(["age", "fnlwgt", "sex"]))
    rules = (
        SqlRule("no zeros", "num_zeros = 0", over="statistics", description="zero means missing"),
        SqlRule("spread", "std_dev / mean < 0.5", over="statistics", features=("fnlwgt",), severity="warning"),
        SqlRule("served", "num_unique < 3", over="statistics", features=("sex",), environments=("serving",)),
    )
    schema = msgspec.structs.replace(infer_schema(statistics), rules=rules)
    anomaly = only(statistics, schema)
    assert (anomaly.rule, anomaly.name, anomaly.feature, anomaly.severity) == ("custom", "spread", "fnlwgt", "warning")
    assert fits(statistics, schema, severity={"spread": "off"})
    assert fits(statistics, msgspec.structs.replace(schema, rules=rules[:1]))
    with pytest.raises(SchemaError, match="rule 'typo'"):
        validate_statistics(statistics, schema, rules=[SqlRule("typo", "mean >", over="statistics")])
    moved = SqlRule("moved", "abs(mean - previous_mean) < 1", over="statistics", features=("age",))
    older = described({"age": [90, 91]}, "data")
    found = validate_statistics(statistics, schema, rules=[moved], previous=older)
    assert [anomaly.name for anomaly in found] == ["spread", "moved"]


def test_a_rule_reads_nothing_but_its_table() -> None:
    sneaky = SqlRule("sneaky", "(SELECT count(*) FROM read_text('/etc/hostname')) = 0", over="statistics")
    with pytest.raises(SchemaError, match="sneaky"):
        validate_statistics(described({"x": [1]}), Schema((Feature("x", "INT"),)), rules=[sneaky])


# ---- severity, slices


def test_severities_are_the_users() -> None:
    statistics, schema = described({"x": [1, 200], "y": [1, 1]}), Schema((Feature("x", "INT", max=100),))
    found = validate_statistics(statistics, schema, severity={"column_*": "error", "x:range": "warning"})
    assert [(anomaly.rule, anomaly.severity) for anomaly in found] == [("range", "warning"), ("column_new", "error")]
    assert fits(statistics, schema, severity={"*": "off"})
    with pytest.raises(UsageError, match="Did you mean 'range'"):
        validate_statistics(statistics, schema, severity={"rnge": "off"})
    with pytest.raises(UsageError, match="error, warning or off"):
        validate_statistics(statistics, schema, severity={"range": "bad"})  # type: ignore[dict-item]


def test_slices_are_compared_with_their_namesakes() -> None:
    def sliced(key: str, values: list[str]) -> DatasetStatistics:
        return msgspec.structs.replace(described({"s": values}).datasets[0], name=f"data/{key}", slice_key=key)

    schema = Schema((Feature("s", "STRING", drift=Comparator(linf=0.1)),))
    now = Statistics((sliced("a=1", ["x"] * 9), sliced("a=2", ["x", "y"] * 9)))
    then = Statistics((sliced("a=1", ["x"] * 9), sliced("a=2", ["x"] * 9), sliced("a=3", ["x"])))
    found = validate_corresponding_slices(now, schema, previous=then)
    assert [(anomaly.rule, anomaly.split) for anomaly in found] == [
        ("drift_linf", "data/a=2"),
        ("drift_no_data", "a=3"),
    ]
    assert found.splits == ("data/a=1", "data/a=2")


def test_slices_of_several_data_sets_are_told_apart() -> None:
    schema = Schema((Feature("x", "INT", max=1, drift=Comparator(jensen_shannon=0.1)), Feature("s", "STRING")))
    parts = [
        generate_statistics({"x": [high, 0], "s": ["a", "b"]}, name=name, slices=["s"])
        for name, high in (("train", 9), ("eval", 1))
    ]
    both = parts[0].merge(parts[1])
    found = validate_corresponding_slices(both.slices(), schema, previous=both)
    assert [(anomaly.rule, anomaly.split) for anomaly in found if anomaly.rule == "range"] == [("range", "train/s=a")]
    assert "drift_jensen_shannon" not in {anomaly.rule for anomaly in found}, "each is compared with its namesake"


def test_slices_beside_whole_data_sets_are_passed_over() -> None:
    schema = Schema(
        (Feature("x", "INT"), Feature("s", "STRING")), dataset_constraints=DatasetConstraints(min_examples_count=2)
    )
    statistics = generate_statistics({"x": [1, 2], "s": ["a", "b"]}, name="train", slices=["s"])
    assert validate_statistics(statistics, schema, previous=statistics).splits == ("train",)
    renamed = msgspec.structs.replace(statistics["train"], name="yesterday")
    assert fits(statistics, schema, previous=Statistics((renamed, *statistics.slices())))
    alone = validate_statistics(statistics.slices(), schema)
    assert [(anomaly.rule, anomaly.split) for anomaly in alone] == [
        ("few_examples", "train/s=a"),
        ("few_examples", "train/s=b"),
    ]


def test_a_field_that_names_no_environment_is_wherever_its_struct_is() -> None:
    struct = Feature("s", "STRUCT", in_environment=("serving",), features=(Feature("x", "INT", group_required=True),))
    schema = Schema((struct,), default_environments=("training",))
    statistics = described({"s": [{"y": 1}]})
    missing = [one.feature for one in validate_statistics(statistics, schema, environment="serving").errors]
    assert missing == ["s.x"]


def test_every_rule_has_a_name_in_the_list() -> None:
    from headrace.validation import Rule

    assert sorted(get_args(Rule)) == list(get_args(Rule))
