from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from headrace.data import dataset_from_table
from headrace.errors import UsageError
from headrace.statistics import Statistics, generate_statistics
from headrace.validation import compare_slices, compare_statistics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource


def described(columns: dict[str, Any] | pa.Table, name: str = "data") -> Statistics:
    return generate_statistics(dataset_from_table(pa.table(columns)), name=name)


RNG = np.random.default_rng(7)
TRAIN = described({"x": RNG.normal(size=3_000), "s": RNG.choice(["a", "b"], 3_000), "old": [1] * 3_000}, "train")
LATER = described({"x": RNG.normal(0.5, 1, 3_000), "s": RNG.choice(["a", "b"], 3_000), "new": [1] * 3_000}, "later")


def test_what_drifted_comes_first() -> None:
    comparison = compare_statistics(TRAIN, LATER)
    assert comparison.baseline == "train"
    assert comparison.datasets == ("later",)
    assert comparison.rows == (3_000, 3_000)
    assert comparison.drifted == ("new", "old", "x")
    assert [one.feature for one in comparison] == ["new", "old", "x", "s"]
    moved = comparison["x"]
    assert moved.distances is not None
    assert moved.distances.wasserstein == pytest.approx(0.5, abs=0.1)
    assert moved.p_value < 1e-9
    assert comparison["old"].type is None
    with pytest.raises(UsageError, match="Did you mean 'old'"):
        comparison["olds"]
    plain = comparison.to_dict()
    assert plain["features"][2]["distances"]["kolmogorov_smirnov"] == moved.distances.kolmogorov_smirnov
    assert '"baseline": "train"' in comparison.to_json()


def test_the_view_says_what_differs() -> None:
    shown = compare_statistics(TRAIN, LATER)._repr_html_()
    assert "3 features differ between train (3,000 rows) and later (3,000 rows)." in shown
    assert "No feature differs between" in compare_statistics(TRAIN, LATER, features=["s"])._repr_html_()
    typed = compare_statistics(described({"x": [1]}), described({"x": ["a"]}))._repr_html_()
    assert "INT became STRING" in typed


def test_missing_values_drift() -> None:
    whole = described({"x": [1.0] * 500})
    holes = described({"x": [1.0] * 450 + [None] * 50})
    comparison = compare_statistics(whole, holes)
    assert comparison.datasets == ("data (2)",)
    assert comparison["x"].missing == pytest.approx(0.1)
    assert comparison.drifted == ("x",)
    assert compare_statistics(whole, described({"x": [1.0] * 500})).drifted == ()


def test_several_data_sets_and_a_named_baseline() -> None:
    together = Statistics((TRAIN.datasets[0], LATER.datasets[0], described({"x": [1.0]}, "tiny").datasets[0]))
    comparison = compare_statistics(together, baseline="later", features=["x"])
    assert comparison.datasets == ("train", "tiny")
    assert {one.dataset for one in comparison} == {"train", "tiny"}
    # One row is no sign of anything.
    assert [one.dataset for one in comparison if one.drifted] == ["train"]


def test_wrong_requests_are_told() -> None:
    with pytest.raises(UsageError, match="Two data sets"):
        compare_statistics(TRAIN)
    with pytest.raises(UsageError, match="Did you mean 'train'"):
        compare_statistics(TRAIN, LATER, baseline="trian")
    with pytest.raises(UsageError, match="got y"):
        compare_statistics(TRAIN, LATER, features=["y"])
    with pytest.raises(UsageError, match="alpha"):
        compare_statistics(TRAIN, LATER, alpha=0.0)


def test_slices_are_found_by_their_keys() -> None:
    first = msgspec.structs.replace(TRAIN.datasets[0], name="train/sex=F", slice_key="sex=F")
    second = msgspec.structs.replace(LATER.datasets[0], name="train/sex=M", slice_key="sex=M")
    both = Statistics((first, second))
    assert "x" in compare_slices(both, "sex=F", "train/sex=M").drifted
    with pytest.raises(UsageError, match="Did you mean 'sex=M'"):
        compare_slices(both, "sex=G", "sex=M")


def test_the_two_files_of_the_census_differ_in_their_label_alone(census_source: CensusSource) -> None:
    comparison = compare_statistics(
        generate_statistics(census_source("adult.data"), name="train"),
        generate_statistics(census_source("adult.test"), name="test"),
    )
    assert comparison.drifted == ("income",)
    assert comparison["income"].distances is not None
    assert comparison["income"].distances.jensen_shannon == pytest.approx(1.0)


def test_winter_and_summer_differ_and_random_halves_do_not(flights_dir: Path) -> None:
    options = csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
    weather = csv.read_csv(flights_dir / "weather.csv", convert_options=options)
    month = weather["month"].to_numpy()
    columns = [name for name in ("temp", "dewp", "humid", "pressure", "hour") if name in weather.column_names]
    table = weather.select(columns)

    def part(mask: Any, name: str) -> Statistics:
        return described(table.filter(pa.array(mask)), name)

    seasons = compare_statistics(part(month == 1, "January"), part(month == 7, "July"))
    assert seasons.drifted[0] in ("temp", "dewp")
    assert {"temp", "dewp"} <= set(seasons.drifted)
    assert "hour" not in seasons.drifted
    rng = np.random.default_rng(11)
    for _ in range(5):
        half = rng.random(month.size) < 0.5
        assert compare_statistics(part(half, "a"), part(~half, "b")).drifted == ()
