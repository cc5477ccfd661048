from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.components import ExampleAnomalies, Schema, example_validator, statistics_gen
from headrace.errors import AnomaliesFound, DataError, UsageError

if TYPE_CHECKING:
    from headrace.components import Examples, ExampleStatistics


def test_data_that_fits(statistics: ExampleStatistics, schema: Schema) -> None:
    found = example_validator(statistics, schema, splits=["train"])
    assert isinstance(found, ExampleAnomalies)
    assert found.load().ok
    assert found.properties == {"errors": 0, "warnings": 0}


def test_errors_stop_the_run_and_say_what_is_wrong(statistics: ExampleStatistics, schema: Schema) -> None:
    with pytest.raises(AnomaliesFound, match=r"test: income_bracket has only values of its domain.*1,000 of 1,000"):
        example_validator(statistics, schema)


def test_errors_need_not_stop_the_run(statistics: ExampleStatistics, schema: Schema) -> None:
    found = example_validator(statistics, schema, stop_on="never")
    errors = {(one.split, one.feature) for one in found.load().errors}
    assert ("test", "income_bracket") in errors
    assert found.properties["errors"] == len(found.load().errors)


def test_warnings_stop_the_run_where_that_is_wanted(statistics: ExampleStatistics, schema: Schema) -> None:
    known = Schema.create()
    schema.load().without_feature("fnlwgt").save(known.path / "schema.yaml")
    found = example_validator(statistics, known, splits=["train"])
    assert [one.rule for one in found.load().warnings] == ["column_new"]
    with pytest.raises(AnomaliesFound, match="fnlwgt"):
        example_validator(statistics, known, splits=["train"], stop_on="warning")


def test_an_environment_may_lack_the_label(examples: Examples, schema: Schema) -> None:
    from msgspec.structs import replace

    described = schema.load()
    label = replace(described["income_bracket"], not_in_environment=("serving",))
    known = Schema.create()
    described.with_feature(label).save(known.path / "schema.yaml")
    raw = [name for name in examples.split("train").columns if name != "income_bracket"]
    unlabelled = statistics_gen(examples.map(lambda batch: batch.select(raw)), splits=["train"])
    assert example_validator(unlabelled, known, environment="serving").load().ok
    with pytest.raises(AnomaliesFound, match="income_bracket"):
        example_validator(unlabelled, known)


def test_drift_is_measured_against_earlier_statistics(statistics: ExampleStatistics, schema: Schema) -> None:
    from msgspec.structs import replace

    from headrace.schema import Comparator

    described = schema.load()
    known = Schema.create()
    described.with_feature(replace(described["sex"], drift=Comparator(linf=1e-9))).save(known.path / "schema.yaml")
    found = example_validator(statistics, known, previous=statistics, splits=["train"])
    assert found.load().ok
    earlier = type(statistics).create()
    loaded = statistics.load()
    renamed = replace(loaded["eval"], name="train")
    type(loaded)((renamed,)).save(earlier.path / "statistics.json")
    drifted = example_validator(statistics, known, previous=earlier, splits=["train"], stop_on="never").load()
    assert "drift_linf" in {one.rule for one in drifted}


def test_wrong_names(statistics: ExampleStatistics, schema: Schema) -> None:
    wrong: Any = "errors"
    with pytest.raises(UsageError, match="Did you mean 'error'"):
        example_validator(statistics, schema, stop_on=wrong)
    with pytest.raises(DataError, match="Did you mean 'train'"):
        example_validator(statistics, schema, splits=["trian"])


def test_rows_are_checked_too(statistics: ExampleStatistics, schema: Schema, examples: Examples) -> None:
    from msgspec.structs import replace

    described = schema.load()
    ruled = Schema.create()
    described.with_feature(replace(described["age"], max=60)).save(ruled.path / "schema.yaml")
    found = example_validator(statistics, ruled, examples=examples, splits=["train"], stop_on="never")
    (anomaly,) = found.load()
    ages = examples.split("train").to_table(["age"])["age"].to_pylist()
    rows = found.rows("train").to_table()
    assert anomaly.rule == "range"
    assert rows["age"].to_pylist() == [age for age in ages if age > 60]
    assert set(rows["headrace_reasons"].combine_chunks().flatten().to_pylist()) == {"age:range"}
    off = example_validator(statistics, ruled, examples=examples, splits=["train"], severity={"age:range": "warning"})
    assert off.properties == {"errors": 0, "warnings": 1}


def test_the_serving_data_is_compared(statistics: ExampleStatistics, schema: Schema) -> None:
    from msgspec.structs import replace

    from headrace.schema import Comparator

    described = schema.load()
    watched = Schema.create()
    described.with_feature(replace(described["sex"], skew=Comparator(linf=0.01))).save(watched.path / "schema.yaml")
    served = type(statistics).create()
    loaded = statistics.load()
    feature = loaded["train"]["sex"]
    assert feature.string_stats is not None
    alone = replace(feature, string_stats=replace(feature.string_stats, top_values=feature.string_stats.top_values[:1]))
    features = tuple(alone if one.name == "sex" else one for one in loaded["train"].features)
    type(loaded)((replace(loaded["train"], features=features),)).save(served.path / "statistics.json")
    found = example_validator(statistics, watched, serving=served, splits=["train"], stop_on="never").load()
    assert "skew_linf" in {one.rule for one in found}


def test_slices_are_checked_only_where_that_is_wanted(examples: Examples, schema: Schema) -> None:
    from msgspec.structs import replace

    from headrace.schema import DatasetConstraints

    sliced = statistics_gen(examples, splits=["train", "eval"], slices=["sex"])
    enough = Schema.create()
    limits = DatasetConstraints(min_examples_count=examples.summary["rows"]["eval"])
    replace(schema.load(), dataset_constraints=limits).save(enough.path / "schema.yaml")
    found = example_validator(sliced, enough, examples=examples).load()
    assert (found.ok, found.splits) == (True, ("train", "eval"))
    of_slices = example_validator(sliced, enough, splits=["eval"], slices=True, stop_on="never").load()
    assert of_slices.splits == ("eval", "eval/sex=Female", "eval/sex=Male")
    assert {(one.split, one.rule) for one in of_slices} == {
        ("eval/sex=Female", "few_examples"),
        ("eval/sex=Male", "few_examples"),
    }
