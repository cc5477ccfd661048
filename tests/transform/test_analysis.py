from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ndonnx as ndx
import numpy as np
import pytest

from headrace import transform as tft
from headrace.data import RowsSetAsideWarning, dataset_from_table
from headrace.engines import LocalEngine
from headrace.transform.fold import CombinedAccumulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa
    from tests.conftest import CensusSource

    Run = Callable[..., dict[str, list[Any]]]


NUMBERS = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
TEXTS = ["workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country"]


@pytest.fixture(scope="module")
def census(census_source: CensusSource) -> pa.Table:
    return census_source("adult.data").dataset().to_table()


def census_fn(inputs: Any) -> dict[str, Any]:
    outputs = {name: tft.scale_to_z_score(inputs[name]) for name in NUMBERS}
    outputs |= {name: tft.compute_and_apply_vocabulary(inputs[name], num_oov_buckets=1) for name in TEXTS}
    outputs["gain"] = ndx.log1p(inputs["capital_gain"].astype(ndx.float64))
    outputs["unit"] = tft.scale_to_0_1(inputs["age"])
    outputs["bucket"] = tft.bucketize(inputs["hours_per_week"], num_buckets=10)
    outputs["sex_hot"] = tft.one_hot(outputs["sex"])
    outputs["label"] = inputs["income"] == ">50K"
    return outputs


def test_census_agrees_with_numpy_and_scikit_learn(census: pa.Table) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    graph = tft.analyze(census, census_fn)
    found = graph.transform(census).to_table()
    for name in NUMBERS:
        column = census[name].to_numpy().astype(np.float64).reshape(-1, 1)
        expected = preprocessing.StandardScaler().fit_transform(column)[:, 0]
        np.testing.assert_allclose(found[name].to_numpy(), expected, rtol=1e-6, atol=1e-6)
    age = census["age"].to_numpy().astype(np.float64)
    np.testing.assert_allclose(found["unit"].to_numpy(), (age - age.min()) / (age.max() - age.min()), rtol=1e-6)
    hours = census["hours_per_week"].to_numpy()
    boundaries = np.quantile(hours, np.arange(1, 10) / 10)
    assert found["bucket"].to_pylist() == np.searchsorted(boundaries, hours, side="right").tolist()
    for feature in graph.outputs:
        if feature.name not in TEXTS:
            continue
        counts = census[feature.name].drop_null().value_counts()
        ranked = sorted(((item["counts"].as_py(), item["values"].as_py()) for item in counts), reverse=True)
        words = [word for _, word in ranked]
        assert feature.vocabulary == tuple(words)
        expected_ids = [len(words) if word is None else words.index(word) for word in census[feature.name].to_pylist()]
        assert found[feature.name].to_pylist() == expected_ids
    assert found["label"].to_pylist() == [int(income == ">50K") for income in census["income"].to_pylist()]


def test_a_batch_is_its_rows_and_any_sharding_of_them(census: pa.Table) -> None:
    some = census.slice(0, 400)
    graph = tft.analyze(some, census_fn)
    whole = graph.transform(dataset_from_table(some)).to_table()
    for rows, workers in ((1, 1), (7, 3), (399, 2)):
        assert graph.transform(dataset_from_table(some, rows), engine=LocalEngine(workers)).to_table() == whole


def test_two_analyses_give_the_same_bytes(census: pa.Table) -> None:
    dataset = dataset_from_table(census.slice(0, 1000), 100)
    first, second = (
        tft.analyze(dataset, census_fn, engine=LocalEngine(workers)).to_onnx().SerializeToString(deterministic=True)
        for workers in (1, 4)
    )
    assert first == second


def test_analyzers_nest(run: Run) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        x = inputs["x"]
        centred = x - tft.mean(x)
        spread = tft.mean(centred**2)
        scaled = centred / ndx.sqrt(spread)
        words = tft.strip(inputs["w"])
        known = tft.compute_and_apply_vocabulary(words, top_k=2, num_oov_buckets=1)
        return {
            "scaled": scaled,
            "unit": tft.scale_to_0_1(scaled),
            "most": x * 0 + tft.max(known.astype(ndx.float64) * x),
            "hot": tft.one_hot(known),
        }

    x = [1.0, 2.0, 3.0, 10.0]
    found = run(function, rows_per_shard=2, x=x, w=["a", " a", "b ", "c"])
    numbers = np.array(x)
    scaled = (numbers - numbers.mean()) / numbers.std()
    np.testing.assert_allclose(found["scaled"], scaled, rtol=1e-6)
    np.testing.assert_allclose(found["unit"], (scaled - scaled.min()) / (scaled.max() - scaled.min()), rtol=1e-6)
    # The vocabulary is a, c: equally frequent words come last first.
    assert found["most"] == [10.0] * 4
    assert found["hot"] == [[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]


class CountingEngine(LocalEngine):
    """Notes the columns of each fold."""

    folds: list[Sequence[str] | None]

    def fold(self, shards: Any, make: Any, *, columns: Sequence[str] | None = None) -> Any:
        self.folds.append(columns)
        return super().fold(shards, make, columns=columns)


def test_one_fold_a_level_over_the_columns_that_it_needs() -> None:
    engine = CountingEngine()
    object.__setattr__(engine, "folds", [])

    def function(inputs: Any) -> dict[str, Any]:
        z = tft.scale_to_z_score(inputs["x"])
        return {"z": z, "b": tft.bucketize(z, 2), "y": inputs["y"], "w": tft.scale_to_0_1(inputs["w"])}

    tft.analyze({"x": [1, 2], "y": [3, 4], "w": [5, 6]}, function, engine=engine, optional=())
    assert engine.folds == [["x", "w"], ["x"]]


def test_equal_analyzers_share_their_work() -> None:
    seen: list[int] = []

    class Watching(CombinedAccumulator):
        def __init__(self, model: bytes, inputs: Any, tasks: Any) -> None:
            seen.append(len(tasks))
            super().__init__(model, inputs, tasks)

    def function(inputs: Any) -> dict[str, Any]:
        x = inputs["x"]
        return {
            "a": tft.scale_to_z_score(x),
            "b": x.astype(ndx.float64) - tft.mean(inputs["x"]),
            "c": tft.scale_to_z_score(inputs["x"] + 1),
            "d": tft.scale_to_z_score(x + 1),
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headrace.transform.analysis.CombinedAccumulator", Watching)
        graph = tft.analyze({"x": [1, 2, 4]}, function)
    assert set(seen) == {2}
    assert len(graph.analyzers) == 7
    assert graph.transform({"x": [1, 2, 4]}).to_table()["c"] == graph.transform({"x": [1, 2, 4]}).to_table()["d"]


def test_sources_reach_through_analyzers() -> None:
    def function(inputs: Any) -> dict[str, Any]:
        share = tft.mean((inputs["label"] == "yes").astype(ndx.float64))
        words = tft.vocabulary(inputs["w"])
        return {
            "plain": inputs["x"],
            "leak": inputs["x"] * share,
            "deep": tft.scale_to_z_score(inputs["x"] - tft.scale_to_0_1(inputs["y"])),
            "word": tft.one_hot(tft.apply_vocabulary(inputs["v"], words, num_oov_buckets=1)),
        }

    data = {"x": [1, 2], "y": [3, 4], "w": ["a", "b"], "v": ["a", "c"], "label": ["yes", "no"], "unused": [1, 2]}
    graph = tft.analyze(data, function)
    assert {feature.name: feature.sources for feature in graph.outputs} == {
        "plain": ("x",),
        "leak": ("x", "label"),
        "deep": ("x", "y"),
        "word": ("w", "v"),
    }
    assert graph.path("leak", "label") == [
        "column 'label'",
        "Equal",
        "tft.mean",
        "Mul",
        "output 'leak'",
    ]
    assert graph.path("plain", "label") == []
    assert graph.ignored == ("unused",)


def test_a_function_without_analyzers(run: Run) -> None:
    assert run(lambda inputs: {"y": inputs["x"] * 2}, x=[1, 2]) == {"y": [2, 4]}


def test_float64_is_rounded_once_at_the_output(run: Run) -> None:
    x = np.random.default_rng(1).random(999) * 1e3
    found = run(lambda inputs: {"y": ndx.log(inputs["x"]) * 7.0}, rows_per_shard=1000, x=x)
    np.testing.assert_array_equal(np.array(found["y"], np.float32), (np.log(x) * 7.0).astype(np.float32))


def test_rows_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x\n" + "".join(f"{at if at % 60 else 'NA'}\n" for at in range(300)))
    with pytest.warns(RowsSetAsideWarning, match="5 of 300 rows cannot be read") as caught:
        graph = tft.analyze(file, lambda inputs: {"x": tft.scale_to_0_1(inputs["x"])})
    assert caught[0].filename == __file__
    assert graph.analyzers[0].value == {"min": 1, "max": 299}
