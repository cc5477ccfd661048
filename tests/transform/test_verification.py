from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from headrace import transform as tft
from headrace.data import csv
from headrace.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
    "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income_bracket",
]  # fmt: skip


def test_census(census_dir: Path) -> None:
    people = csv(census_dir / "adult.data", names=NAMES, strip=True, null_values=["?"])

    def preprocessing_fn(inputs: Any) -> dict[str, Any]:
        job = tft.compute_and_apply_vocabulary(tft.fill_missing(inputs["occupation"], "none"))
        return {"age": tft.scale_to_z_score(inputs["age"]), "job": job, "label": inputs["income_bracket"] == ">50K"}

    graph = tft.analyze(people, preprocessing_fn)
    report = graph.verify(people, max_rows=600)
    assert report.ok
    assert report.rows == 600
    assert report.read == ("age", "occupation", "income_bracket")
    assert set(report.not_read) == set(NAMES) - set(report.read)
    assert all(one.identical for one in report.comparisons)
    assert [one.way for one in report.comparisons][-1] == "texts once for each distinct value"
    said = str(report)
    assert said.startswith("Same in every way, 600 rows")
    assert "not read: workclass, fnlwgt" in said
    assert report.to_dict()["comparisons"][0]["identical"] is True


def test_an_operator_that_rounds_otherwise_is_named() -> None:
    data = {"x": np.random.default_rng(0).lognormal(size=999).tolist()}

    def preprocessing_fn(inputs: Any) -> dict[str, Any]:
        xp = inputs["x"].__array_namespace__()
        # The factor brings the rounding of the logarithm into what float32 keeps.
        return {"log": (xp.log(inputs["x"]) - np.log(np.float64(1.5))) * 1e9 % 1.0}

    report = tft.analyze(data, preprocessing_fn).verify(data)
    rounded = [one for one in report.comparisons if not one.identical]
    # Not every processor's kernel has a tail that rounds otherwise; where one has, it is the logarithm alone.
    assert report.ok
    assert all(one.operators[0].startswith("Log (") for one in rounded)


def test_a_row_is_needed() -> None:
    graph = tft.analyze({"x": [1.0, 2.0]}, lambda inputs: {"x": tft.scale_to_0_1(inputs["x"])})
    with pytest.raises(DataError, match="at least one row"):
        graph.verify({"x": np.array([], float)})
