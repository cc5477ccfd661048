from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from headrace.data import dataset_from_table
from headrace.schema import (
    Annotation,
    Comparator,
    DatasetConstraints,
    Feature,
    Rule,
    Schema,
    UniqueConstraints,
    ValueCountRange,
    diff,
)
from headrace.statistics import (
    CommonStatistics,
    DatasetStatistics,
    FeatureStatistics,
    NumericStatistics,
    Statistics,
    StringStatistics,
    StructStatistics,
    ValencyStatistics,
    ValueCount,
    generate_statistics,
)
from headrace.validation import infer_schema, suggest_environments, update_schema, validate_statistics

if TYPE_CHECKING:
    from tests.conftest import CensusSource


def described(columns: dict[str, Any], name: str = "data") -> Statistics:
    return generate_statistics(dataset_from_table(pa.table(columns)), name=name)


DATA = described(
    {
        "x": [1, None, 3, 30],
        "y": [0.5, float("nan"), float("inf"), -2.0],
        "job": ["a", "b", "b", "z"],
        "key": ["k", "k", "l", None],
        "new": [True, False, True, True],
    }
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (Feature("x", "INT", 1.0, min=0, max=9), Feature("x", "INT", 0.75, min=0, max=30)),
        (Feature("x", "INT", 0.5, min_count=4, max=100), Feature("x", "INT", 0.5, min_count=3, max=100)),
        (Feature("x", "FLOAT", min=5.0), Feature("x", "FLOAT", min=1)),
        (
            Feature("y", "INT", 1.0, min=0, unique=True),
            Feature("y", "FLOAT", 1.0, min=-2.0, allow_nan=True, allow_infinity=True),
        ),
        (
            Feature("y", "INT", is_categorical=True, drift=Comparator(linf=0.1, psi=0.2), skew=Comparator(linf=0.1)),
            Feature("y", "FLOAT", allow_nan=True, allow_infinity=True, drift=Comparator(psi=0.2)),
        ),
        (Feature("job", "STRING", values=("b", "q")), Feature("job", "STRING", values=("b", "q", "a", "z"))),
        (Feature("job", "STRING", values=("b",), min_domain_mass=0.5), None),
        (Feature("key", "STRING", unique=True), Feature("key", "STRING")),
        (
            Feature("key", "STRING", unique_constraints=UniqueConstraints(3, 9)),
            Feature("key", "STRING", unique_constraints=UniqueConstraints(2, 9)),
        ),
        (Feature("job", "INT", 1.0, max=3), None),
        (Feature("x", "INT", 1.0, max=3, lifecycle_stage="DEPRECATED"), None),
        (Feature("gone", "INT", 1.0), None),
    ],
)
def test_a_feature_is_relaxed_as_far_as_the_data_asks(old: Feature, new: Feature | None) -> None:
    assert update_schema(Schema((old,)), DATA)[old.name] == (new or old)


def test_what_people_wrote_stays() -> None:
    schema = Schema(
        (
            Feature("x", "INT", 0.5, annotation=Annotation(("a",), ("Mine.",)), drift=Comparator(jensen_shannon=0.1)),
            Feature("job", "STRING", domain="jobs"),
        ),
        string_domains={"jobs": ("b",), "others": ("c",)},
        dataset_constraints=DatasetConstraints(10),
        rules=(Rule("positive", "x > 0"),),
    )
    changes = diff(schema, update_schema(schema, DATA))
    assert [str(change) for change in changes] == [
        "y: added",
        "key: added",
        "new: added",
        "string domain jobs: values + 'a', 'z'",
        "schema: dataset_constraints {'min_examples_count': 10} -> {'min_examples_count': 4}",
    ]


def test_it_is_as_good_as_it_gets() -> None:
    schema = infer_schema(described({"x": [1, 2], "job": ["a", "b"]}))
    wider = update_schema(schema, DATA)
    assert len(validate_statistics(DATA, wider)) == 0
    assert update_schema(wider, DATA) == wider


def test_the_census_a_year_later(census_source: CensusSource) -> None:
    schema = infer_schema(generate_statistics(census_source("adult.data"), name="train"), ranges=True)
    later = generate_statistics(census_source("adult.test"), name="test")
    assert not validate_statistics(later, schema).ok
    wider = update_schema(schema, later)
    assert len(validate_statistics(later, wider)) == 0
    assert wider["income"].values == ("<=50K", ">50K", "<=50K.", ">50K.")
    assert {change.feature for change in diff(schema, wider)} <= {"income", "fnlwgt", "education", "native_country"}


# ---- lists and structs, in statistics made by hand


def common(missing: int = 0, *levels: tuple[int, int]) -> CommonStatistics:
    low, high = levels[0] if levels else (1, 1)
    nested = tuple(ValencyStatistics(10 - missing, 0, *lengths, float(lengths[1]), 10) for lengths in levels)
    return CommonStatistics(10 - missing, missing, low, high, levels=nested)


def numbers(name: str, part: CommonStatistics, **more: Any) -> FeatureStatistics:
    stats = NumericStatistics(part, 1.0, 1.0, 0, 0, 0, 1, 2.0, 9, (), (), 9)
    return FeatureStatistics(name, "INT", num_stats=stats, **more)


def of(*columns: FeatureStatistics) -> Statistics:
    return Statistics((DatasetStatistics("data", 10, columns),))


@pytest.mark.parametrize(
    ("old", "levels", "new"),
    [
        (Feature("x", "INT", shape=(2,)), [(2, 2)], None),
        (Feature("x", "INT", shape=(1,)), [], None),
        (Feature("x", "INT", shape=(2,)), [(2, 3)], Feature("x", "INT", value_counts=(ValueCountRange(1),))),
        (Feature("x", "INT", shape=(2, 3)), [(2, 2)], Feature("x", "INT", value_counts=(ValueCountRange(1),))),
        (
            Feature("x", "INT", value_counts=(ValueCountRange(2, 4),)),
            [(1, 9)],
            Feature("x", "INT", value_counts=(ValueCountRange(1, 9),)),
        ),
        (Feature("x", "INT", value_counts=(ValueCountRange(),)), [(0, 9)], None),
        (Feature("x", "INT", value_counts=(ValueCountRange(1, 1),)), [], None),
        (
            Feature("x", "INT", value_counts=(ValueCountRange(1, 1),)),
            [(1, 1), (0, 2)],
            Feature("x", "INT", value_counts=(ValueCountRange(1), ValueCountRange())),
        ),
    ],
)
def test_lengths(old: Feature, levels: list[tuple[int, int]], new: Feature | None) -> None:
    assert update_schema(Schema((old,)), of(numbers("x", common(0, *levels))))["x"] == (new or old)


def test_fields_of_structs() -> None:
    old = Schema((Feature("p", "STRUCT", features=(Feature("a", "INT", group_required=True, max=5),)),))
    struct = FeatureStatistics("p", "STRUCT", struct_stats=StructStatistics(common()))
    a = numbers("p.a", common(1), path=("p", "a"))
    b = numbers("p.b", common(), path=("p", "b"))
    assert update_schema(old, of(struct, a, b))["p"].features == (
        Feature("a", "INT", max=9),
        Feature("b", "INT", group_required=True),
    )


def test_where_not_all_values_are_known_less_of_the_data_has_to_lie_in_the_domain() -> None:
    stats = StringStatistics(common(), 500, (ValueCount("a", 6), ValueCount("b", 1)), 1.0, 1, 1, complete=False)
    data = of(FeatureStatistics("s", "STRING", string_stats=stats))
    old = Feature("s", "STRING", values=("a",))
    assert update_schema(Schema((old,)), data)["s"] == Feature("s", "STRING", values=("a",), min_domain_mass=0.6)


def test_environments_are_read_off_the_data() -> None:
    schema = infer_schema(described({"x": [1], "label": ["a"], "id": [1]})).with_feature(Feature("odd", "INT"))
    serving = described({"x": [2], "label": pa.nulls(1), "extra": [1]})
    suggested = suggest_environments(schema, training=described({"x": [1], "label": ["a"], "id": [1]}), serving=serving)
    assert {feature.name: feature.not_in_environment for feature in suggested} == {
        "x": (),
        "label": ("serving",),
        "id": ("serving",),
        "odd": (),
    }
    assert suggest_environments(suggested, training=described({"x": [1], "label": ["a"]}), serving=serving) == suggested
