"""What the flights example says about drift, on all rows of the months that it names."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headrace.data import csv
from headrace.schema import Schema
from headrace.statistics import generate_statistics
from headrace.validation import validate_statistics

if TYPE_CHECKING:
    from headrace.statistics import Statistics

SCHEMA = Schema.load(Path(str(resources.files("headrace.examples").joinpath("flights", "schema.yaml"))))
WATCHED = [feature.name for feature in SCHEMA if feature.drift is not None]


def statistics(table: pa.Table, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Statistics:
    return generate_statistics(table.filter(pa.array(rows)), columns=WATCHED)


def drifted(now: Statistics, then: Statistics) -> set[str | None]:
    found = validate_statistics(now, SCHEMA, previous=then)
    return {anomaly.feature for anomaly in found if anomaly.rule.startswith("drift")}


@pytest.fixture(scope="module")
def arrived(flights_dir: Path) -> pa.Table:
    table = csv(flights_dir / "flights.csv.zip", null_values=["", "NA"]).dataset().to_table()
    return table.filter(pc.is_valid(table["arr_delay"])).select([*WATCHED, "month"])


def test_august_is_as_the_months_before_and_december_is_not(arrived: pa.Table) -> None:
    month = arrived["month"].to_numpy()
    past = statistics(arrived, month <= 6)
    assert drifted(statistics(arrived, month == 8), past) == set()
    assert drifted(statistics(arrived, month == 12), past) == {"dep_delay", "arr_delay", "origin"}


@pytest.mark.parametrize("seed", range(3))
def test_random_halves_do_not_differ(arrived: pa.Table, seed: int) -> None:
    spring = arrived["month"].to_numpy() <= 6
    half = np.random.default_rng(seed).random(len(arrived)) < 0.5
    assert drifted(statistics(arrived, spring & half), statistics(arrived, spring & ~half)) == set()
