"""The flights example, whole, on a tenth of its rows."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace.pipeline import run_pipeline
from headrace.validation import Anomalies

if TYPE_CHECKING:
    from headrace.pipeline import RunResult

pytest.importorskip("lightgbm")

PIPELINE = Path(str(resources.files("headrace.examples").joinpath("flights", "pipeline.py")))
KNOWN_AFTER_DEPARTURE = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
ROWS = 16_000
# In the place of months.
LEARN, EVALUATE, OTHER_HALF, MANIPULATED = 1, 2, 3, 4


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def later(row: dict[str, str], minutes: int) -> dict[str, str]:
    """Return a flight that left and arrived later; one that did not leave stays as it is."""
    delays = {name: row[name] for name in ("dep_delay", "arr_delay")}
    return row | {name: value if value == "NA" else str(int(value) + minutes) for name, value in delays.items()}


@pytest.fixture(scope="module")
def data(flights_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two random samples of January to June, some of July, and a month that is another world."""
    with zipfile.ZipFile(flights_dir / "flights.csv.zip") as bundle, bundle.open(bundle.namelist()[0]) as binary:
        rows = list(csv.DictReader(io.TextIOWrapper(binary, "utf-8", newline="")))
    spring = [row for row in rows if int(row["month"]) <= 6]
    drawn = random.Random(0).sample(spring, 2 * ROWS)
    folder = tmp_path_factory.mktemp("months")
    write(folder / f"flights-{LEARN:02}.csv", drawn[:ROWS])
    write(folder / f"flights-{EVALUATE:02}.csv", [row for row in rows if row["month"] == "7"][::5])
    write(folder / f"flights-{OTHER_HALF:02}.csv", drawn[ROWS:])
    write(
        folder / f"flights-{MANIPULATED:02}.csv",
        [later(row, 15) for row in drawn[ROWS:] if row["origin"] != "LGA" or int(row["day"]) > 10],
    )
    return folder


def run(data: Path, home: Path, watch: int) -> RunResult:
    params = {"data": data, "first": LEARN, "last": LEARN, "evaluate": EVALUATE, "watch": watch, "trees": 20}
    result = run_pipeline(PIPELINE, params=params, home=home)
    result.raise_for_state()
    return result


def drifted(result: RunResult) -> set[str | None]:
    (path,) = result.step("drift").paths.values()
    return {anomaly.feature for anomaly in Anomalies.load(path / "anomalies.json")}


def test_a_model_is_published_and_the_world_is_watched(data: Path, tmp_path: Path) -> None:
    first = run(data, tmp_path, OTHER_HALF)
    assert drifted(first) == set()
    (evaluated,) = first.step("evaluator").outputs.values()
    assert evaluated.properties["blessed"]
    assert evaluated.properties["metrics"]["auc"] > 0.67

    model = tmp_path / "models" / "flights" / "1"
    signature = json.loads((model / "signature.json").read_text("utf-8"))
    inputs = {item["feature"] for item in signature["inputs"]}
    assert inputs == {"sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance"}
    assert not inputs & KNOWN_AFTER_DEPARTURE
    assert (model / "statistics.json").exists()

    second = run(data, tmp_path, MANIPULATED)
    assert drifted(second) == {"dep_delay", "arr_delay", "origin"}
    anew = {step.id for step in second.steps if step.state != "reused"}
    assert anew == {"later", "later_arrived", "later_statistics", "drift"}
