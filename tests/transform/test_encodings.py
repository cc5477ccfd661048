from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from headrace import transform as tft
from headrace.data import dataset_from_table
from headrace.errors import LeakError, TransformError
from headrace.training.leaks import refuse_leaks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., dict[str, list[Any]]]

RANDOM = np.random.default_rng(11)
N = 400
WRONG: Any = "max"
CITIES = RANDOM.choice(["a", "b", "c", "ü"], N).tolist()
LABELS = RANDOM.integers(0, 2, N)


def test_frequencies(run: Run) -> None:
    graph = tft.analyze(
        {"x": ["a", "b", "a", None], "n": [5, 5, 5, 6]},
        lambda i: {
            "share": tft.fill_missing(tft.frequency_encode(i["x"]), -1.0),
            "count": tft.frequency_encode(i["n"], normalize=False),
        },
    )
    found = graph.transform({"x": ["a", "b", "new", None], "n": [5, 6, 7, 5]}).to_table().to_pydict()
    np.testing.assert_allclose(found["share"], [2 / 3, 1 / 3, 0.0, -1.0], rtol=1e-6)
    assert found["count"] == [3.0, 1.0, 0.0, 3.0]


def target(inputs: Any) -> dict[str, Any]:
    encoded = tft.target_encode(inputs["x"], inputs["label"], fold_by=inputs["id"], folds=4, smoothing=7.0)
    return {"x": encoded, "label": inputs["label"]}


DATA = {"id": list(range(N)), "x": CITIES, "label": LABELS}


def smoothed(count: float, total: float, overall: float) -> float:
    return (total + 7.0 * overall) / (count + 7.0)


@pytest.mark.parametrize("rows", [1000, 37])
def test_target_encoding_is_the_smoothed_mean(rows: int) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    graph = tft.analyze(dataset_from_table(pa.table(DATA), rows), target)
    found = graph.transform(DATA).to_table()["x"].to_numpy()
    encoder = preprocessing.TargetEncoder(smooth=7.0, target_type="binary").fit(np.array(CITIES)[:, None], LABELS)
    np.testing.assert_allclose(found, encoder.transform(np.array(CITIES)[:, None])[:, 0], rtol=1e-6)
    assert graph.transform({**DATA, "x": ["new"] * N}).to_table()["x"][0].as_py() == pytest.approx(LABELS.mean())


def test_rows_that_are_learnt_from_do_not_see_their_own_labels() -> None:
    graph = tft.analyze(DATA, target)
    found = graph.transform(DATA, training=True).to_table()["x"].to_numpy()
    # Which rows share a fold shows in which values change with a row's label.
    for row in (0, 17, 399):
        flipped = LABELS.copy()
        flipped[row] = 1 - flipped[row]
        other = (
            tft.analyze({**DATA, "label": flipped}, target).transform(DATA, training=True).to_table()["x"].to_numpy()
        )
        same = found == other
        assert same[row]
        assert 0.1 < same.mean() < 0.4
        # The fold's values are means over the rows of all the others.
        outside = ~same
        for city in "abcü":
            members = outside & (np.array(CITIES) == city)
            expected = smoothed(members.sum(), LABELS[members].sum(), LABELS[outside].mean())
            inside = same & (np.array(CITIES) == city)
            np.testing.assert_allclose(found[inside], expected, rtol=1e-6)


def test_missing_categories_are_one_of_their_own() -> None:
    data = {"x": ["a", None, None, "a"], "label": [0.0, 2.0, 4.0, None], "id": ["q", "r", "s", "t"]}

    def function(inputs: Any) -> dict[str, Any]:
        folds = [inputs["id"], inputs["x"]]
        return {"y": tft.target_encode(inputs["x"], inputs["label"], fold_by=folds, smoothing=0.0)}

    graph = tft.analyze(data, function)
    assert graph.transform(data).to_table()["y"].to_pylist() == [0.0, 3.0, 3.0, 0.0]


def test_a_target_encoding_is_no_leak_and_a_mean_of_the_label_is() -> None:
    graph = tft.analyze(DATA, target)
    assert {feature.name: feature.sources for feature in graph.outputs}["x"] == ("id", "x")
    refuse_leaks(graph, ["x"], label="label")
    leaking = tft.analyze(DATA, lambda i: {"x": tft.length(i["x"]) * tft.mean(i["label"]), "label": i["label"]})
    with pytest.raises(LeakError):
        refuse_leaks(leaking, ["x"], label="label")


def test_the_graph_for_learning_is_saved(tmp_path: Path) -> None:
    graph = tft.analyze(DATA, target)
    graph.save(tmp_path)
    loaded = tft.TransformGraph.load(tmp_path)
    for training in (True, False):
        assert (
            loaded.transform(DATA, training=training).to_table() == graph.transform(DATA, training=training).to_table()
        )
    plain = tft.analyze(DATA, lambda i: {"label": i["label"]})
    assert plain.training_model is None
    assert plain.transform(DATA, training=True).to_table() == plain.transform(DATA).to_table()
    plain.save(tmp_path)
    assert tft.TransformGraph.load(tmp_path).training_model is None


def test_a_served_request_needs_no_label() -> None:
    graph = tft.analyze(DATA, target)
    features = graph.batch_transform(["x"])
    assert features(pa.record_batch({"x": ["a"]})).num_rows == 1


def test_cyclic(run: Run) -> None:
    x = np.concatenate([np.arange(-50, 50), RANDOM.normal(0, 1e3, 200)])
    found = np.array(run(lambda i: {"y": tft.cyclic(i["x"], 7)}, 1000, x=x)["y"])
    angle = 2 * math.pi * (x / 7 - np.floor(x / 7))
    np.testing.assert_allclose(found, np.stack([np.sin(angle), np.cos(angle)], axis=1), atol=1e-7)
    quarters = run(lambda i: {"y": tft.cyclic(i["x"], 24)}, x=[0, 6, 12, 18, 24, -6])
    assert quarters["y"] == [[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]


def test_a_cyclic_batch_is_its_rows_to_the_bit() -> None:
    x = RANDOM.normal(0, 1e3, 100)
    graph = tft.analyze({"x": x}, lambda i: {"y": tft.cyclic(i["x"], 7)})
    together = graph.transform({"x": x}).to_table()
    for at in range(100):
        assert graph.transform({"x": x[at : at + 1]}).to_table() == together.slice(at, 1)


def test_embeddings(run: Run) -> None:
    table = RANDOM.normal(size=(5, 3)).astype(np.float32)

    def function(inputs: Any) -> dict[str, Any]:
        ids = tft.apply_vocabulary(tft.split(inputs["x"]), list("abcde"))
        return {
            "one": tft.embedding_lookup(inputs["n"], table),
            "mean": tft.embedding_lookup(ids, table),
            "sum": tft.embedding_lookup(ids, table, combiner="sum"),
        }

    found = run(function, n=[0, 4, 5, -1, None], x=["a b ?", "e", "", "?", "a a a c"])
    nothing = np.zeros(3)
    np.testing.assert_allclose(found["one"], [table[0], table[4], nothing, nothing, nothing])
    sums = [table[0] + table[1], table[4], nothing, nothing, 3 * table[0] + table[2]]
    np.testing.assert_allclose(found["sum"], sums, rtol=1e-6)
    np.testing.assert_allclose(found["mean"], [sums[0] / 2, sums[1], nothing, nothing, sums[4] / 4], rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda i: {"y": tft.cyclic(i["n"], 0)}, "positive number"),
        (lambda i: {"y": tft.cyclic(i["x"], 7)}, "takes numbers"),
        (lambda i: {"y": tft.embedding_lookup(i["n"], [1.0])}, "matrix of finite numbers"),
        (lambda i: {"y": tft.embedding_lookup(i["n"] * 0.5, [[1.0]])}, "integer ids"),
        (lambda i: {"y": tft.embedding_lookup(i["n"], [[1.0]], combiner=WRONG)}, "'sum' or 'mean'"),
        (lambda i: {"y": tft.frequency_encode(i["n"] * 0.5)}, "texts or integers"),
        (lambda i: {"y": tft.target_encode(i["x"], i["x"], fold_by=i["n"])}, "takes numbers or truth"),
        (lambda i: {"y": tft.target_encode(i["x"], i["n"], fold_by=i["n"], folds=1)}, "at least 2"),
        (lambda i: {"y": tft.target_encode(i["x"], i["n"], fold_by=i["n"], smoothing=-1)}, "at least 0"),
        (lambda i: {"y": tft.target_encode(i["x"], i["n"], fold_by=[])}, "at least one column"),
    ],
)
def test_mistakes(function: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        tft.analyze({"x": ["a", "b"], "n": [1, 2]}, function)
    assert "test_encodings.py:" in str(caught.value)
