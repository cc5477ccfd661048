from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.components import schema_gen
from headrace.errors import DataError, SchemaError

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.components import ExampleStatistics, Schema


def test_a_schema_is_inferred_from_the_training_split(schema: Schema) -> None:
    found = schema.load()
    assert found["age"].type == "INT"
    assert found["sex"].values == ("Female", "Male")
    # Only adult.test ends its labels in a dot.
    assert found["income_bracket"].values == ("<=50K", ">50K")
    assert schema.properties["curated"] is None


def test_a_curated_schema_wins(statistics: ExampleStatistics, schema: Schema, tmp_path: Path) -> None:
    curated = tmp_path / "schema.yaml"
    schema.load().without_feature("fnlwgt").save(curated)
    found = schema_gen(statistics, curated=curated)
    assert "fnlwgt" not in found.load()
    assert found.properties["curated"] == str(curated)


def test_a_curated_schema_that_does_not_exist_yet_is_inferred(
    statistics: ExampleStatistics, schema: Schema, tmp_path: Path
) -> None:
    found = schema_gen(statistics, curated=tmp_path / "none.yaml")
    assert found.load() == schema.load()
    assert found.properties["curated"] is None


def test_a_curated_file_that_is_no_schema_stops_the_run(statistics: ExampleStatistics, tmp_path: Path) -> None:
    curated = tmp_path / "schema.yaml"
    curated.write_text("features: {age: {type: INTEGER}}", "utf-8")
    with pytest.raises(SchemaError, match="INTEGER"):
        schema_gen(statistics, curated=curated)


def test_another_split(statistics: ExampleStatistics) -> None:
    assert schema_gen(statistics, split="test").load()["income_bracket"].values == ("<=50K.", ">50K.")
    with pytest.raises(DataError, match="Did you mean 'train'"):
        schema_gen(statistics, split="trian")
