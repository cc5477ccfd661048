"""What is inferred of real data says in other languages what it says here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pandas as pd
import pytest
from pandera.errors import SchemaErrors

from headrace.statistics import generate_statistics
from headrace.validation import infer_schema

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource

    from headrace.schema import Schema


@pytest.fixture(scope="module")
def schema(census_source: CensusSource) -> Schema:
    return infer_schema(generate_statistics(census_source("adult.data"), name="train"), ranges=True)


@pytest.fixture(scope="module")
def frame(census_dir: Path, census_columns: list[str]) -> pd.DataFrame:
    return pd.read_csv(census_dir / "adult.data", names=census_columns, skipinitialspace=True, na_values=["?"])


def test_pandera_passes_the_census_and_finds_what_is_broken(schema: Schema, frame: pd.DataFrame) -> None:
    checked = schema.to_pandera()
    assert len(checked.validate(frame, lazy=True)) == 32561
    broken = frame.assign(
        age=frame["age"].where(frame.index != 7, 200),
        income=frame["income"] + ".",
        sex=frame["sex"].where(frame.index != 3),
    ).drop(columns="race")
    with pytest.raises(SchemaErrors) as caught:
        checked.validate(broken, lazy=True)
    cases = caught.value.failure_cases
    assert set(zip(cases["column"], cases["check"], strict=True)) - {(None, "column_in_dataframe")} >= {
        ("age", "at most 90"),
        ("income", "values of the domain"),
        ("sex", "not_nullable"),
    }
    assert "column_in_dataframe" in set(cases["check"])
    assert list(cases[cases["column"] == "age"]["index"]) == [7]
    assert len(cases[cases["column"] == "income"]) == 32561


def test_json_schema_fits_the_rows_of_the_census(schema: Schema, frame: pd.DataFrame) -> None:
    form = jsonschema.Draft202012Validator(schema.to_json_schema())
    rows = frame.head(300).astype(object).where(frame.head(300).notna(), None).to_dict("records")
    assert all(form.is_valid(row) for row in rows)
    assert any(row["workclass"] is None for row in rows)
    row = rows[0]
    changes: list[dict[str, Any]] = [{"age": "39"}, {"age": 16}, {"sex": None}, {"education": "none"}]
    for change in changes:
        assert not form.is_valid(dict(row) | change)
