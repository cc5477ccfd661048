from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pyarrow as pa
import pytest

from headrace.data import cleaning
from headrace.errors import SchemaError
from headrace.schema import (
    BoolDomain,
    Comparator,
    DatasetConstraints,
    Feature,
    ImageDomain,
    LifecycleStage,
    NaturalLanguageDomain,
    NumExamplesComparator,
    Range,
    Rule,
    Schema,
    SparseFeature,
    TimeDomain,
    TokenConstraint,
    UniqueConstraints,
    ValueCountRange,
    WeightedFeature,
)

if TYPE_CHECKING:
    from collections.abc import Callable
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
        ({"type": "INT", "min_count": -1}, "min_count is 0 or more"),
        ({"type": "INT", "domain": "d"}, "domain is for STRING"),
        ({"type": "STRING", "domain": "d", "values": ("a",)}, "one domain; got values and domain"),
        ({"type": "STRING", "semantic_domain": "url", "values": ("a",)}, "one domain; got values and semantic_domain"),
        ({"type": "STRING", "semantic_domain": "urll"}, "Did you mean 'url'"),
        ({"type": "INT", "semantic_domain": "email"}, "semantic_domain is for STRING"),
        ({"type": "STRING", "values": "abc"}, "values is several values"),
        ({"type": "INT", "bool_domain": BoolDomain(), "min": 0}, "have no range"),
        ({"type": "STRING", "bool_domain": BoolDomain()}, "which text is true or false"),
        ({"type": "BOOL", "bool_domain": BoolDomain()}, "bool_domain is for INT, FLOAT and STRING"),
        ({"type": "INT", "time_domain": TimeDomain("%Y")}, "string_format is for STRING"),
        ({"type": "STRING", "time_domain": TimeDomain(None, "unix_days")}, "integer_format is for INT"),
        ({"type": "FLOAT", "time_domain": TimeDomain()}, "time_domain is for INT and STRING"),
        ({"type": "STRING", "image_domain": ImageDomain()}, "image_domain is for BYTES"),
        ({"type": "INT", "natural_language_domain": NaturalLanguageDomain()}, "natural_language_domain is for STRING"),
        ({"type": "FLOAT", "is_categorical": True}, "is_categorical is for INT"),
        ({"type": "INT", "embedding_dim": 3}, "embedding_dim is for FLOAT"),
        ({"type": "FLOAT", "embedding_dim": 0}, "embedding_dim is 1 or more"),
        ({"type": "FLOAT", "embedding_dim": 3, "shape": (4,)}, "last size of the shape"),
        ({"type": "INT", "features": (Feature("a", "INT"),)}, "features is for STRUCT"),
        ({"type": "STRUCT", "features": (Feature("a", "INT"), Feature("a", "INT"))}, "once in a struct; got 'a' twice"),
        ({"type": "INT", "shape": (2,), "value_counts": (ValueCountRange(1),)}, "shape and value_counts"),
        ({"type": "INT", "shape": (-1,)}, "Sizes of a shape are 0 or more"),
        ({"type": "BYTES", "drift": Comparator(psi=0.1)}, "not measured on BYTES"),
        ({"type": "STRING", "skew": Comparator(wasserstein=0.1)}, "skew.wasserstein is for INT and FLOAT"),
        (
            {"type": "BOOL", "drift": Comparator(kolmogorov_smirnov=0.1)},
            "drift.kolmogorov_smirnov is for INT and FLOAT",
        ),
        ({"type": "INT", "in_environment": ("a",), "not_in_environment": ("a",)}, "in an environment or not"),
        ({"type": "INT", "in_environment": ("a", "a")}, "in_environment lists each value once"),
        ({"type": "INT", "lifecycle_stage": "GAMMA"}, "lifecycle_stage is one of"),
        ({"type": "INT", "derived_from": ("x",)}, "not derived from itself"),
        ({"type": "STRUCT", "unique_constraints": UniqueConstraints(1)}, "unique_constraints is for"),
        ({"type": "INT", "unique": True, "unique_constraints": UniqueConstraints(1, 9)}, "no upper bound"),
        ({"type": "INT", "is_categorical": True, "time_domain": TimeDomain()}, "Moments are no categories"),
    ],
)
def test_a_feature_that_contradicts_itself_is_refused(given: dict[str, Any], rule: str) -> None:
    with pytest.raises(SchemaError, match=rule) as caught:
        Feature("x", **given)
    assert caught.value.where == "feature 'x'"


def test_an_unknown_type_gets_advice() -> None:
    with pytest.raises(SchemaError, match="Did you mean 'STRING'"):
        Feature("x", "STRNG")  # type: ignore[arg-type]


def test_what_makes_sense_together_is_allowed() -> None:
    Feature("x", "INT", value_counts=(ValueCountRange(1, 1),), drift=Comparator(psi=0.1))
    Feature("x", "INT", is_categorical=True, drift=Comparator(linf=0.1))
    Feature("x", "FLOAT", bool_domain=BoolDomain("1"), skew=Comparator(linf=0.1))
    Feature("x", "INT", time_domain=TimeDomain(None, "unix_seconds"), min=0)
    Feature("x", "FLOAT", embedding_dim=3, shape=(2, 3))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: ValueCountRange(-1), "min of value_counts is 0 or more"),
        (lambda: ValueCountRange(3, 2), "min of value_counts is not above max"),
        (lambda: UniqueConstraints(3, 2), "min of unique_constraints is not above max"),
        (lambda: Range(3, 2), "min of a range is not above max"),
        (lambda: Range(float("nan")), "min of a range is a number"),
        (lambda: BoolDomain("a", "a"), "written differently"),
        (lambda: TimeDomain("%Y", "unix_days"), "as text or as a number"),
        (lambda: TimeDomain(None, "unix_years"), "integer_format is one of"),  # type: ignore[arg-type]
        (lambda: ImageDomain(1.5), "share between 0 and 1"),
        (lambda: ImageDomain(None, -1), "max_image_byte_size"),
        (lambda: TokenConstraint("a", 3, 2), "token 'a' in a row"),
        (lambda: TokenConstraint("a", None, None, 0.5, 0.2), "the fraction of token 'a'"),
        (lambda: NaturalLanguageDomain(min_coverage=0.5), "min_coverage needs a vocabulary"),
        (lambda: NaturalLanguageDomain(location_regex="("), "is a regular expression"),
        (lambda: NaturalLanguageDomain(tokens=(TokenConstraint("a"), TokenConstraint("a"))), "'a' twice"),
        (lambda: SparseFeature("s", "v", ()), "has an index"),
        (lambda: SparseFeature("s", "v", ("v",)), "different features; got 'v' twice"),
        (lambda: SparseFeature("s", "v", ("i",), dense_shape=(1, 2)), "2 sizes and 1 indices"),
        (lambda: SparseFeature("s", "v", ("i",), dense_shape=(-1,)), "0 or more"),
        (lambda: WeightedFeature("w", "a", "a"), "another feature than the values"),
        (lambda: NumExamplesComparator(2.0, 1.0), "not above max"),
        (lambda: DatasetConstraints(5, 4), "the number of rows is not above max"),
        (lambda: Rule("r", " "), "predicate in SQL"),
        (lambda: Rule("", "a"), "A rule has a name"),
        (lambda: Rule("r", "a", max_fraction=2.0), "max_fraction is a share"),
        (lambda: Rule("r", "a", over="columns"), "over is one of rows, statistics"),  # type: ignore[arg-type]
        (lambda: Rule("r", "a", severity="fatal"), "severity is one of"),  # type: ignore[arg-type]
        (lambda: Rule("r", "a", over="statistics", max_fraction=0.1), "for rules over rows"),
        (lambda: Comparator(psi=-1.0), "psi is 0 or more"),
    ],
)
def test_a_part_that_contradicts_itself_is_refused(make: Callable[[], object], rule: str) -> None:
    with pytest.raises(SchemaError, match=rule):
        make()


DOMAINS: dict[str, tuple[str, ...]] = {"jobs": ("clerk", "cook")}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"features": (Feature("a", "INT", group_required=True),)}, "fields of a struct; got a column"),
        (
            {"features": (Feature("a", "STRING", domain="job"),), "string_domains": DOMAINS},
            r"got job \(feature 'a'\). Did you mean 'jobs'",
        ),
        (
            {
                "features": (
                    Feature(
                        "p",
                        "STRUCT",
                        features=(Feature("a", "STRING", natural_language_domain=NaturalLanguageDomain("words")),),
                    ),
                )
            },
            "vocabulary names one of.*feature 'p.a'",
        ),
        (
            {"features": (Feature("a", "STRING", domain="jobs", null_values=("cook",)),), "string_domains": DOMAINS},
            "in the domain or means missing.*string domain 'jobs'",
        ),
        ({"string_domains": {"jobs": ("a", "a")}}, "'a' twice.*string domain 'jobs'"),
        ({"string_domains": {"": ("a",)}}, "A string domain has a name"),
        ({"sparse_features": (SparseFeature("s", "job", ("age",)), SparseFeature("s", "job", ("age",)))}, "'s' twice"),
        (
            {"sparse_features": (SparseFeature("s", "job", ("agee",)),)},
            "made of features.*got agee.*Did you mean 'age'",
        ),
        ({"weighted_features": (WeightedFeature("age", "job", "age"),)}, "another name than the columns"),
        ({"weighted_features": (WeightedFeature("w", "job", "weight"),)}, "got weight.*weighted feature 'w'"),
        ({"rules": (Rule("r", "a"), Rule("r", "b"))}, "Each rule has its own name; got 'r' twice"),
        ({"rules": (Rule("r", "a", features=("agee",)),)}, "rule 'r'.*Did you mean 'age'"),
        ({"default_environments": ("a", "a")}, "'a' twice"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(given: dict[str, Any], rule: str) -> None:
    with pytest.raises(SchemaError, match=rule):
        Schema(**({"features": CENSUS.features} | given))


def test_structs_are_not_nested_without_end() -> None:
    feature = Feature("x", "INT")
    for _ in range(40):
        feature = Feature("p", "STRUCT", features=(feature,))
    schema = Schema((feature,))
    assert Schema.from_yaml(schema.to_yaml()) == Schema.from_pbtxt(schema.to_pbtxt()) == schema
    with pytest.raises(SchemaError, match="40 deep at most"):
        Schema((Feature("p", "STRUCT", features=(feature,)),))


def test_the_name_of_a_column_that_is_not_validated_is_free() -> None:
    old = Feature("w", "INT", lifecycle_stage="DEPRECATED")
    Schema((*CENSUS.features, old), weighted_features=(WeightedFeature("w", "job", "age"),))


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


@pytest.mark.parametrize(
    ("feature", "default", "expected"),
    [
        ({}, (), {"training": True, "serving": True}),
        ({}, ("training",), {"training": True, "serving": False}),
        ({"in_environment": ("serving",)}, ("training",), {"training": True, "serving": True}),
        ({"in_environment": ("serving",)}, (), {"training": False, "serving": True}),
        ({"not_in_environment": ("training",)}, ("training", "serving"), {"training": False, "serving": True}),
        ({"not_in_environment": ("training",)}, (), {"training": False, "serving": True}),
    ],
)
def test_default_environments(feature: dict[str, Any], default: tuple[str, ...], expected: dict[str, bool]) -> None:
    schema = Schema((Feature("x", "INT", **feature),), default_environments=default)
    assert {name: "x" in schema.in_environment(name) for name in expected} == expected
    assert "x" in schema.in_environment(None)


PERSON = Feature(
    "person",
    "STRUCT",
    features=(
        Feature("city", "STRING", group_required=True),
        Feature("home.town", "STRING"),
        Feature("salary", "INT", not_in_environment=("serving",)),
        Feature("inner", "STRUCT", features=(Feature("deep", "INT"),)),
    ),
)
NESTED = Schema(
    (PERSON, Feature("a.b", "INT"), *CENSUS.features),
    string_domains=DOMAINS,
    default_environments=("training", "serving"),
    sparse_features=(SparseFeature("s", "person.salary", ("age",)), SparseFeature("t", "job", ("age",))),
    weighted_features=(WeightedFeature("w", "income", "age"),),
    rules=(
        Rule("one", "income = job", features=("income", "job")),
        Rule("two", "mean > 1", "statistics", ("income", "age")),
        Rule("three", "age > 1", environments=("training",)),
        Rule("four", "age > 1"),
    ),
)


def test_an_environment_has_the_parts_that_can_do_with_its_features() -> None:
    served = NESTED.in_environment("serving")
    assert served.paths == (
        "person",
        "person.city",
        "person.home.town",
        "person.inner",
        "person.inner.deep",
        "a.b",
        "age",
        "job",
    )
    assert [sparse.name for sparse in served.sparse_features] == ["t"]
    assert served.weighted_features == ()
    assert [(rule.name, rule.features) for rule in served.rules] == [("two", ("age",)), ("four", ())]
    assert served.string_domains == DOMAINS
    assert NESTED.in_environment("training") == NESTED
    assert NESTED.environments == ("serving", "training")


def test_fields_of_structs_are_found_by_their_paths() -> None:
    assert NESTED.at("person.inner.deep") == Feature("deep", "INT")
    assert NESTED.at(("person", "home.town")) is NESTED.at("person.home.town")
    assert NESTED.at("a.b").type == "INT"
    for path in ("person.citi", ("person", "citi"), "citi", ()):
        with pytest.raises(SchemaError, match="is wanted"):
            NESTED.at(path)
    with pytest.raises(SchemaError, match=r"Did you mean 'person\.city'"):
        NESTED.at("person.citi")


def test_fields_of_structs_are_replaced_added_and_taken_out() -> None:
    wider = NESTED.with_feature(Feature("deep", "FLOAT"), under="person.inner")
    assert wider.at("person.inner.deep").type == "FLOAT"
    assert wider.names == NESTED.names
    assert wider.rules == NESTED.rules
    assert NESTED.with_feature(Feature("more", "INT"), under=["person"]).at("person.more") == Feature("more", "INT")
    less = NESTED.without_feature("person.salary")
    assert "person.salary" not in less.paths
    assert [sparse.name for sparse in less.sparse_features] == ["t"]
    assert [rule.name for rule in NESTED.without_feature("job").rules] == ["two", "three", "four"]
    with pytest.raises(SchemaError):
        NESTED.with_feature(Feature("x", "INT"), under="nobody")


def test_domains_are_got_and_set() -> None:
    schema = CENSUS.with_feature(Feature("link", "STRING", semantic_domain="url"))
    schema = Schema(schema.features, string_domains=DOMAINS)
    assert schema.get_domain("age") == Range(0, 120)
    assert schema.get_domain("income") == ("<=50K", ">50K")
    assert schema.get_domain("job") is None
    assert schema.get_domain("link") == "url"
    named = schema.set_domain("link", "jobs")
    assert named["link"] == Feature("link", "STRING", domain="jobs")
    assert named.get_domain("link") == ("clerk", "cook")
    assert named.set_domain("link", "email").get_domain("link") == "email"
    assert named.set_domain("link", ("a",)).get_domain("link") == ("a",)
    assert named.set_domain("link", None)["link"] == Feature("link", "STRING")
    assert schema.set_domain("age", Range(1)).get_domain("age") == Range(1)
    for domain in (BoolDomain("1", "0"), TimeDomain(None, "unix_days")):
        assert schema.set_domain("age", domain).get_domain("age") == domain
    language = NaturalLanguageDomain("jobs")
    assert schema.set_domain("link", language).get_domain("link") == language
    with pytest.raises(SchemaError, match="values is for STRING"):
        schema.set_domain("age", ("a",))
    with pytest.raises(SchemaError, match="string_domains; got jbos"):
        schema.set_domain("link", "jbos")
    inside = NESTED.set_domain("person.city", ("Oslo",))
    assert inside.at("person.city") == Feature("city", "STRING", group_required=True, values=("Oslo",))


def test_stages_of_life() -> None:
    validated = [None, "BETA", "PRODUCTION", "VALIDATION_DERIVED"]
    for stage in get_args(LifecycleStage):
        assert Feature("x", "INT", lifecycle_stage=stage).is_validated == (stage in validated)
    assert Feature("x", "INT").is_validated


def test_features_are_replaced_in_place_or_added() -> None:
    wider = Feature("age", "INT", 1.0, min=0, max=150)
    assert CENSUS.with_feature(wider).names == CENSUS.names
    assert CENSUS.with_feature(wider)["age"].max == 150
    assert CENSUS.with_feature(Feature("sex", "STRING")).names[-1] == "sex"
    assert NESTED.with_feature(wider).string_domains == DOMAINS
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


def test_arrow_schema_has_lists_and_structs() -> None:
    schema = Schema(
        (
            Feature("raw", "BYTES"),
            Feature("tags", "STRING", 1.0, value_counts=(ValueCountRange(1), ValueCountRange()), strip=True),
            Feature("pixels", "FLOAT", shape=(28, 3)),
            Feature("one", "INT", shape=(1,)),
            Feature("also", "INT", value_counts=(ValueCountRange(0, 1),)),
            Feature("p", "STRUCT", features=(Feature("a", "INT", group_required=True), Feature("b", "BOOL"))),
        )
    ).arrow_schema()
    assert schema.types == [
        pa.binary(),
        pa.list_(pa.list_(pa.string())),
        pa.list_(pa.list_(pa.float64(), 3), 28),
        pa.int64(),
        pa.int64(),
        pa.struct([pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.bool_())]),
    ]
    assert cleaning(schema.field("tags")).strip


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
