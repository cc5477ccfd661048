"""The road from raw files to an evaluated model, component by component, on other real data than the examples'."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import pyarrow.compute as pc
import pytest

import headrace as hr
from headrace import transform as tft
from headrace.components import (
    Examples,
    ExampleStatistics,
    Model,
    ModelEvaluation,
    Schema,
    evaluator,
    example_gen,
    example_validator,
    schema_gen,
    statistics_gen,
    trainer,
    transform,
)
from headrace.errors import RequestError
from headrace.schema import Comparator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from headrace.estimators import Estimator

    Inputs = Mapping[str, Any]
    Preprocessing = Callable[[Inputs], Mapping[str, Any]]

pytestmark = pytest.mark.skipif(
    # To import them here would be too early for what headrace sets before it does.
    any(find_spec(extra) is None for extra in ("lightgbm", "keras", "jax")),
    reason="the extras trees and keras are needed",
)
SPLITS = {"rows": {"train": 7, "eval": 1, "test": 2}}


class Road(NamedTuple):
    """What was made on the way."""

    examples: Examples
    statistics: ExampleStatistics
    schema: Schema
    model: Model
    evaluation: ModelEvaluation

    def metric(self, name: str) -> float:
        return float(self.evaluation.properties["metrics"][name])


def travel(
    examples: Examples, preprocessing_fn: Preprocessing, estimator: Estimator, config: hr.EvalConfig | None = None
) -> Road:
    """Go from raw examples to an evaluation on their test split; the data must fit the schema that it gives."""
    statistics = statistics_gen(examples)
    schema = schema_gen(statistics)
    anomalies = example_validator(statistics, schema, splits=["train"])
    assert len(anomalies.load()) == 0
    graph, transformed = transform(examples, schema, preprocessing_fn, after=anomalies)
    model = trainer(transformed, graph, estimator)
    evaluation = evaluator(examples, model, config or hr.EvalConfig(), split="test")
    return Road(examples, statistics, schema, model, evaluation)


def spread(examples: Examples, label: str) -> float:
    """Return the RMSE of always predicting the mean of the training rows."""
    train, test = (examples.split(split).to_table([label])[label].to_numpy() for split in ("train", "test"))
    return float(np.sqrt(np.mean((test - train.mean()) ** 2)))


def watching(schema: Schema, name: str) -> Schema:
    """Return the schema with a threshold of drift for a feature."""
    loaded = schema.load()
    made = Schema.create()
    feature = msgspec.structs.replace(loaded[name], drift=Comparator(jensen_shannon=0.05))
    loaded.with_feature(feature).save(made.path / "schema.yaml")
    return made


# Births: no head, values masked on purpose, rows that repeat, a key of 64 bits.

BABY_COLUMNS = ["weight_pounds", "is_male", "mother_age", "plurality", "gestation_weeks", "key"]


def baby_features(inputs: Inputs) -> dict[str, Any]:
    sex = tft.compute_and_apply_vocabulary(inputs["is_male"], num_oov_buckets=1)
    return {
        "sex": sex,
        "plurality": tft.compute_and_apply_vocabulary(inputs["plurality"], num_oov_buckets=1),
        "age": tft.scale_to_z_score(inputs["mother_age"]),
        "weeks": tft.scale_to_z_score(inputs["gestation_weeks"]),
        "early": tft.apply_buckets(inputs["gestation_weeks"], [28, 32, 35, 37, 39, 41]),
        "weight": inputs["weight_pounds"],
    }


@pytest.fixture(scope="module")
def babies(shared_data: Path) -> Examples:
    def read(name: str) -> Any:
        return hr.csv(
            shared_data / "babyweight" / name,
            names=BABY_COLUMNS,
            null_values=["", "Unknown"],
            types={"is_male": "string"},
        )

    return example_gen(
        {"rows": read("train.csv"), "test": read("eval.csv")},
        splits={"rows": {"train": 9, "eval": 1}},
        by=BABY_COLUMNS,
        max_bad_rows=0,
    )


@pytest.mark.parametrize(
    ("estimator", "gain"),
    [
        (hr.BoostedTreesRegressor(label="weight", n_trees=60), 0.12),
        (hr.LinearRegressor(label="weight", epochs=3), 0.12),
    ],
    ids=["trees", "linear"],
)
def test_weights_at_birth(babies: Examples, estimator: Estimator, gain: float) -> None:
    road = travel(babies, baby_features, estimator, hr.EvalConfig(slices=["plurality"]))
    assert road.metric("rmse") < (1 - gain) * spread(babies, "weight_pounds")
    assert 0.12 < road.metric("r2") < 1

    sex = road.statistics.load()["train"]["is_male"]
    assert (
        sex.common_stats.num_missing == pc.sum(babies.split("train").to_table(["is_male"])["is_male"].is_null()).as_py()
    )
    assert road.schema.load()["is_male"].values == ("False", "True")
    # A request may leave out what was masked, and no more than that.
    row = {"is_male": "True", "mother_age": 28, "plurality": "Single(1)", "gestation_weeks": 39}
    model = road.model.load()
    whole, masked = (model.predict([one])["predictions"].item() for one in (row, row | {"is_male": None}))
    assert 6 < masked < whole < 9
    with pytest.raises(RequestError, match="gestation_weeks"):
        model.predict([{name: value for name, value in row.items() if name != "gestation_weeks"}])


# Traffic: one row an hour, some hours twice, no holiday written as None.


def traffic_features(inputs: Inputs) -> dict[str, Any]:
    xp = inputs["temp"].__array_namespace__()
    hours = xp.astype(inputs["date_time"], xp.int64) // 3_600_000_000
    return {
        "hour": hours % 24,
        "weekday": (hours // 24 + 3) % 7,
        "holiday": tft.is_missing(inputs["holiday"]),
        "temperature": tft.scale_to_z_score(inputs["temp"]),
        "clouds": inputs["clouds_all"],
        "weather": tft.compute_and_apply_vocabulary(inputs["weather_main"], num_oov_buckets=1),
        "volume": inputs["traffic_volume"],
    }


def test_traffic_by_the_hour(shared_data: Path) -> None:
    path = shared_data / "metro_traffic" / "Metro_Interstate_Traffic_Volume.csv"
    # What stands twice for an hour may not be in two splits.
    examples = example_gen(
        {"rows": hr.csv(path, null_values=["None"])}, splits=SPLITS, by=["date_time"], max_bad_rows=0
    )
    hours = [set(examples.split(split).to_table(["date_time"])["date_time"].to_pylist()) for split in examples.splits]
    assert sum(map(len, hours)) == len(set.union(*hours)) < sum(examples.summary["rows"].values()) == 48204

    road = travel(examples, traffic_features, hr.BoostedTreesRegressor(label="volume", n_trees=100, learning_rate=0.1))
    assert road.metric("rmse") < 0.3 * spread(examples, "traffic_volume")
    schema = road.schema.load()
    assert schema["date_time"].type == "TIMESTAMP"
    assert schema["holiday"].min_fraction == 0.0
    assert "None" not in (schema["holiday"].values or ())

    asked = {"temp": 290.0, "clouds_all": 0, "weather_main": "Clear"}
    night, morning = (
        road.model.load().predict([asked | {"date_time": f"2018-07-03 {hour:02}:00:00"}])["predictions"].item()
        for hour in (3, 7)
    )
    assert night < 1500
    assert morning > 4500


# Electricity: numbers in [0, 1] in the order of time, labels in words.


def electricity_features(inputs: Inputs) -> dict[str, Any]:
    numbers = ("period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")
    return {**{name: tft.scale_to_0_1(inputs[name]) for name in numbers}, "up": inputs["class"] == "UP"}


def test_prices_of_electricity(shared_data: Path, tmp_path: Path) -> None:
    head, *lines = (shared_data / "elec2" / "elec.csv").read_text("utf-8").splitlines()
    words = [
        line.removesuffix(",1") + ",UP" if line.endswith(",1") else line.removesuffix(",0") + ",DOWN" for line in lines
    ]
    bounds = [0, 30_000, 34_000, len(words)]
    names = ["train", "eval", "test"]
    for name, first, last in zip(names, bounds, bounds[1:], strict=False):
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *words[first:last]]) + "\n", "utf-8")
    examples = example_gen({name: hr.csv(tmp_path / f"{name}.csv") for name in names}, max_bad_rows=0)
    assert list(examples.summary["rows"].values()) == [30_000, 4_000, len(words) - 34_000]

    road = travel(
        examples,
        electricity_features,
        hr.BoostedTreesClassifier(label="up", n_trees=100),
        hr.EvalConfig(metrics=["auc", "accuracy"]),
    )
    labels = examples.split("test").to_table(["class"])["class"].to_pylist()
    assert road.metric("auc") > 0.8
    assert road.metric("accuracy") > max(labels.count("UP"), labels.count("DOWN")) / len(labels) + 0.05
    assert road.schema.load()["class"].values == ("DOWN", "UP")

    # The prices of the later years are other ones, and statistics say so.
    anomalies = example_validator(
        statistics_gen(examples, splits=["test"]),
        watching(road.schema, "vicprice"),
        previous=statistics_gen(examples, splits=["train"]),
        stop_on="never",
    )
    assert [anomaly.feature for anomaly in anomalies.load() if anomaly.rule.startswith("drift")] == ["vicprice"]
    signature = json.loads((road.model.path / "signature.json").read_text("utf-8"))
    assert {item["feature"] for item in signature["inputs"]} == set(examples.split("train").columns) - {"class"}
