from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pytest

from headrace.data import Cleaning, csv, dataset_from_table, with_cleaning
from headrace.errors import UsageError
from headrace.schema import Annotation, Feature, ImageDomain, NaturalLanguageDomain, Schema, TimeDomain, ValueCountRange
from headrace.statistics import (
    BytesStatistics,
    CommonStatistics,
    DatasetStatistics,
    FeatureStatistics,
    NumericStatistics,
    SemanticGuess,
    Statistics,
    StringStatistics,
    StructStatistics,
    ValencyStatistics,
    ValueCount,
    generate_statistics,
)
from headrace.validation import infer_schema, validate_statistics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource

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


# ---- lists, structs and meanings, in statistics made by hand


def of(*columns: FeatureStatistics, name: str = "data", slice_key: str | None = None) -> Statistics:
    return Statistics((DatasetStatistics(name, 10, columns, slice_key=slice_key),))


def common(missing: int = 0, *levels: tuple[int, int]) -> CommonStatistics:
    """Return ten rows, of which some are missing, with lists of the given least and greatest lengths."""
    low, high = levels[0] if levels else (1, 1)
    nested = tuple(ValencyStatistics(10 - missing, 0, *lengths, float(lengths[1]), 10) for lengths in levels)
    return CommonStatistics(10 - missing, missing, low, high, levels=nested)


def texts(name: str, *, values: int = 200, part: CommonStatistics | None = None, **more: Any) -> FeatureStatistics:
    top = tuple(ValueCount(f"v{i}", 1) for i in range(min(values, 20)))
    stats = StringStatistics(part or common(), values, top, 2.0, 2, 2, complete=values <= 20)
    return FeatureStatistics(name, "STRING", string_stats=stats, **more)


def numbers(name: str, *, part: CommonStatistics | None = None, **more: Any) -> FeatureStatistics:
    stats = NumericStatistics(part or common(), 1.0, 1.0, 0, 0, 0, 1, 2.0, 9, (), (), 9)
    return FeatureStatistics(name, "INT", num_stats=stats, **more)


def guess(kind: str, fraction: float = 1.0, detail: str | None = None) -> tuple[SemanticGuess, ...]:
    return (SemanticGuess(kind, fraction, detail=detail),)


def test_lists_have_lengths_and_a_shape_where_it_never_changes() -> None:
    schema = infer_schema(
        of(
            numbers("plain"),
            numbers("any", part=common(0, (0, 7))),
            numbers("some", part=common(0, (2, 7))),
            numbers("pixels", part=common(0, (28, 28), (3, 3))),
            numbers("gaps", part=common(3, (4, 4))),
            numbers("one", part=common(0, (1, 1))),
            numbers("foreign", part=CommonStatistics(10, 0, 2, 5)),
        )
    )
    assert schema.features == (
        Feature("plain", "INT", 1.0),
        Feature("any", "INT", 1.0, value_counts=(ValueCountRange(),)),
        Feature("some", "INT", 1.0, value_counts=(ValueCountRange(1),)),
        Feature("pixels", "INT", 1.0, shape=(28, 3)),
        Feature("gaps", "INT", 0.0, value_counts=(ValueCountRange(1),)),
        Feature("one", "INT", 1.0, value_counts=(ValueCountRange(1),)),
        Feature("foreign", "INT", 1.0, value_counts=(ValueCountRange(1),)),
    )
    loose = infer_schema(of(numbers("pixels", part=common(0, (28, 28), (3, 3)))), infer_feature_shape=False)
    assert loose["pixels"].value_counts == (ValueCountRange(1), ValueCountRange(1))


def test_structs_are_nested_by_their_paths() -> None:
    person = FeatureStatistics("person", "STRUCT", struct_stats=StructStatistics(common(2)))
    city = texts("person.city", values=2, part=common(), path=("person", "city"))
    zip_code = numbers("person.zip", part=common(4), path=("person", "zip"))
    assert infer_schema(of(person, city, zip_code, numbers("x"))).features == (
        Feature(
            "person",
            "STRUCT",
            features=(Feature("city", "STRING", group_required=True, values=("v0", "v1")), Feature("zip", "INT")),
        ),
        Feature("x", "INT", 1.0),
    )
    assert infer_schema(of(city)).features == (
        Feature("person", "STRUCT", features=(Feature("city", "STRING", group_required=True, values=("v0", "v1")),)),
    )


@pytest.mark.parametrize(
    ("semantics", "expected"),
    [
        (guess("date_text", detail="%Y-%m-%d"), {"time_domain": TimeDomain("%Y-%m-%d")}),
        (guess("date_text", 0.99, "%Y-%m-%d"), {}),
        (guess("date_text"), {}),
        (guess("url"), {"semantic_domain": "url"}),
        (guess("url", 0.99), {}),
        (guess("email"), {"semantic_domain": "email"}),
        (guess("natural_language", 0.95), {"natural_language_domain": NaturalLanguageDomain()}),
        (guess("natural_language", 0.5), {}),
        (guess("identifier"), {}),
    ],
)
def test_meanings_of_texts(semantics: tuple[SemanticGuess, ...], expected: dict[str, Any]) -> None:
    assert infer_schema(of(texts("s", semantics=semantics)))["s"] == Feature("s", "STRING", 1.0, **expected)
    both = of(texts("s", semantics=semantics)).merge(of(texts("s"), name="other"))
    assert infer_schema(both)["s"] == Feature("s", "STRING", 1.0)


def test_images_and_categories() -> None:
    stats = BytesStatistics(common(), 10, 9.0, 1, 20)
    photo = FeatureStatistics("photo", "BYTES", bytes_stats=stats, semantics=guess("image", 0.956))
    other = FeatureStatistics("other", "BYTES", bytes_stats=stats, semantics=guess("image", 0.5))
    code = numbers("code", semantics=guess("categorical_integer"))
    schema = infer_schema(of(photo, other, code))
    assert schema["photo"].image_domain == ImageDomain(0.95)
    assert schema["other"].image_domain is None
    assert not schema["code"].is_categorical
    assert infer_schema(of(code), categorical_integers=True)["code"].is_categorical


def test_the_share_that_was_seen_where_asked() -> None:
    statistics = of(numbers("x", part=common(3))).merge(of(numbers("x", part=common(1)), name="other"))
    assert infer_schema(statistics)["x"].min_fraction == 0.0
    assert infer_schema(statistics, presence="observed")["x"].min_fraction == 0.7


def test_slices_are_no_data_sets() -> None:
    whole = of(numbers("x"), numbers("y"))
    sliced = of(texts("x", values=1), name="data/a", slice_key="a")
    assert infer_schema(whole.merge(sliced)) == infer_schema(whole)
    assert infer_schema(sliced)["x"].values == ("v0",)


def test_transformations_come_one_after_the_other() -> None:
    def noted(schema: Schema, statistics: Statistics) -> Schema:
        rows = statistics["data"].num_examples
        return msgspec.structs.replace(schema, annotation=Annotation((), (f"of {rows} rows",)))

    def shorter(schema: Schema, statistics: Statistics) -> Schema:
        assert schema.annotation is not None
        return schema.without_feature("y")

    schema = infer_schema(of(numbers("x"), numbers("y")), schema_transformations=[noted, shorter])
    assert schema.names == ("x",)
    assert schema.annotation == Annotation((), ("of 10 rows",))


def test_the_schema_of_the_census(census_source: CensusSource) -> None:
    statistics = generate_statistics(census_source("adult.data"), name="train")
    schema = infer_schema(statistics, ranges=True)
    assert [feature.type for feature in schema].count("INT") == 6
    assert schema["sex"] == Feature("sex", "STRING", 1.0, values=("Female", "Male"), strip=True, null_values=("?",))
    assert (schema["age"].min, schema["age"].max) == (17, 90)
    assert {feature.name for feature in schema if not feature.required} == {
        "workclass",
        "occupation",
        "native_country",
    }
    assert len(validate_statistics(statistics, schema)) == 0
    assert Schema.from_yaml(schema.to_yaml()) == schema
    assert Schema.from_pbtxt(schema.to_pbtxt()) == schema


def test_the_schema_of_the_weather(flights_dir: Path) -> None:
    statistics = generate_statistics(csv(flights_dir / "weather.csv", null_values=["NA"]))
    schema = infer_schema(statistics)
    assert schema["origin"].values == ("EWR", "JFK", "LGA")
    assert schema["wind_gust"].type == "FLOAT"
    assert not schema["wind_gust"].required
    assert schema["time_hour"].type == "TIMESTAMP"
    assert len(validate_statistics(statistics, schema)) == 0
