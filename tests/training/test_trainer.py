"""Training runs, from raw rows to a model folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from headrace import transform as tft
from headrace.data import dataset_from_table
from headrace.errors import EstimatorError, LeakError
from headrace.estimators import (
    BoostedTreesClassifier,
    BoostedTreesRegressor,
    DNNLinearCombinedClassifier,
    Estimator,
    LinearClassifier,
)
from headrace.model import load_model
from headrace.training import TrainResult, train
from headrace.training import trainer as trainer_module

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.data import Dataset


def raw(rows: int = 300) -> pa.Table:
    rng = np.random.default_rng(0)
    age, town = rng.integers(18, 80, rows), rng.choice(["Aarau", "Bern", "Chur"], rows)
    income = age * 100.0 + (town == "Bern") * 3000 + rng.normal(size=rows) * 100
    return pa.table(
        {
            "age": age,
            "town": town,
            "note": ["-"] * rows,
            "income": income,
            "band": np.digitize(income, [4000, 7000]) + 1,
            "rich": np.where(income > 6000, "yes", "no"),
            "importance": rng.uniform(0.5, 2, rows),
        }
    )


def preprocessing(inputs: Any) -> dict[str, Any]:
    return {
        "age": tft.scale_to_z_score(inputs["age"]),
        "town": tft.compute_and_apply_vocabulary(inputs["town"], num_oov_buckets=1),
        "label": inputs["rich"] == "yes",
        "income_label": inputs["income"],
        "band": inputs["band"],
        "leak": tft.scale_to_z_score(inputs["income"]),
        "importance": inputs["importance"],
    }


FEATURES = ("age", "town")


@pytest.fixture(scope="module")
def graph() -> tft.TransformGraph:
    return tft.analyze(dataset_from_table(raw()), preprocessing)


@pytest.fixture(scope="module")
def splits(graph: tft.TransformGraph) -> dict[str, Dataset]:
    data = graph.transform(dataset_from_table(raw()))
    return {"train": data, "eval": dataset_from_table(data.to_table().slice(200))}


@pytest.mark.parametrize(
    "estimator",
    [
        BoostedTreesClassifier(label="label", features=FEATURES, n_trees=20),
        DNNLinearCombinedClassifier(label="label", features=FEATURES, epochs=20, hidden_units=(8,), batch_size=32),
    ],
)
def test_the_folder_predicts_from_raw_columns(
    estimator: Estimator, graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path
) -> None:
    result = train(estimator.clone(), splits, graph, tmp_path)
    model = load_model(tmp_path)
    table = raw()
    found = model.predict(table)
    native = Estimator.load(tmp_path / "native").predict_outputs(splits["train"])
    assert np.abs(found["probabilities"] - native["probabilities"]).max() <= 1e-6
    assert (found["classes"] == (np.array(table["rich"]) == "yes")).mean() > 0.8
    assert model.signature.task == "binary_classification"
    assert model.signature.classes == ("0", "1")
    assert set(model.signature.features) == {"age", "town"}
    assert {"rich", "note", "income"} <= set(model.signature.ignored)
    assert model.labels is not None
    assert (model.labels.run(table.to_batches()[0])["label"] == (np.array(table["rich"]) == "yes")).all()
    assert result.rows == {"train": 300, "eval": 100}
    assert set(result.metrics) >= {"loss", "validation_loss", "validation_auc"}
    assert TrainResult.load(tmp_path).series == result.series
    assert (tmp_path / "events").is_dir()


def test_the_same_data_gives_the_same_model(
    graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path
) -> None:
    for name in ("a", "b"):
        estimator = BoostedTreesClassifier(label="label", features=FEATURES, n_trees=5)
        train(estimator, splits, graph, tmp_path / name)
    for file in ("model.onnx", "label.onnx", "signature.json", "native/model.txt", "native/estimator.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_labels_become_class_indices(graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path) -> None:
    estimator = BoostedTreesClassifier(
        label="band", weight="importance", features=FEATURES, n_trees=10, min_rows_per_leaf=5
    )
    train(estimator, splits, graph, tmp_path)
    model = load_model(tmp_path)
    assert model.signature.classes == ("1", "2", "3")
    assert model.labels is not None
    found = model.labels.run(raw().to_batches()[0])
    assert (found["label"] == raw()["band"].to_numpy() - 1).all()
    assert np.allclose(found["weight"], raw()["importance"].to_numpy())
    assert (model.predict(raw())["classes"] == found["label"]).mean() > 0.8
    strange = raw(5).set_column(4, "band", pa.array([1, 2, 3, 9, 0]))
    assert model.labels.run(strange.to_batches()[0])["label"].tolist() == [0, 1, 2, -1, -1]


def test_a_regression(graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path) -> None:
    estimator = BoostedTreesRegressor(label="income_label", features=FEATURES)
    result = train(estimator, {"train": splits["train"]}, graph, tmp_path)
    predictions = load_model(tmp_path).predict(raw())["predictions"][:, 0]
    assert np.corrcoef(predictions, raw()["income"].to_numpy())[0, 1] > 0.95
    assert result.classes == ()


def test_a_label_that_reaches_a_feature_is_named_with_its_path(
    graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path
) -> None:
    estimator = BoostedTreesRegressor(label="income_label", features=("age", "leak"), n_trees=2)
    with pytest.raises(LeakError, match="'leak' and label 'income_label', both from 'income'"):
        train(estimator, splits, graph, tmp_path)
    assert list(tmp_path.iterdir()) == []
    train(estimator, splits, graph, tmp_path, allow_shared=["income"])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"label": "lable"}, "The label is an output of the transform.*Did you mean 'label'"),
        ({"label": "label", "weight": "weights"}, "The weight is an output"),
        ({"label": "label", "features": ("agee",)}, "Did you mean 'age'"),
    ],
)
def test_names_that_the_transform_does_not_have(
    params: dict[str, Any], message: str, graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path
) -> None:
    with pytest.raises(EstimatorError, match=message):
        train(LinearClassifier(**params), splits, graph, tmp_path)
    with pytest.raises(EstimatorError, match="training split"):
        train(LinearClassifier(label="label"), splits, graph, tmp_path, train_split="trian")


def test_a_killed_run_goes_on(graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path) -> None:
    def estimator() -> DNNLinearCombinedClassifier:
        return DNNLinearCombinedClassifier(
            label="label", features=FEATURES, epochs=6, hidden_units=(8,), dropout=0.2, batch_size=32
        )

    def die(epoch: int, metrics: Any) -> None:
        if epoch == 4:
            raise KeyboardInterrupt

    scratch = tmp_path / "scratch"
    with pytest.raises(KeyboardInterrupt):
        train(estimator(), splits, graph, tmp_path / "first", scratch=scratch, on_epoch=die)
    assert not (tmp_path / "first" / "model.onnx").exists()
    epochs: list[int] = []
    resumed = train(
        estimator(), splits, graph, tmp_path / "b", scratch=scratch, on_epoch=lambda epoch, _: epochs.append(epoch)
    )
    assert epochs == [4, 5, 6]
    assert resumed.resumed_from == 3
    whole = train(estimator(), splits, graph, tmp_path / "c")
    assert [epoch for epoch, _ in resumed.series["loss"]] == [1, 2, 3, 4, 5, 6]
    for (_, a), (_, b) in zip(resumed.series["loss"], whole.series["loss"], strict=True):
        assert a == pytest.approx(b, abs=1e-6)
    mine, theirs = (load_model(tmp_path / name).predict(raw())["probabilities"] for name in "bc")
    assert np.abs(mine - theirs).max() <= 1e-6
    assert list(scratch.iterdir()) == []


def test_a_run_that_was_killed_after_its_last_epoch(
    graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    estimator = LinearClassifier(label="label", features=FEATURES, epochs=3)
    with monkeypatch.context() as patch:
        patch.setattr(trainer_module, "_write_model", die)
        with pytest.raises(KeyboardInterrupt):
            train(estimator, splits, graph, tmp_path / "a", scratch=tmp_path / "scratch")
    resumed = train(estimator.clone(), splits, graph, tmp_path / "b", scratch=tmp_path / "scratch")
    assert resumed.resumed_from == 3
    assert [epoch for epoch, _ in resumed.series["loss"]] == [1, 2, 3]
    assert list((tmp_path / "b" / "events").iterdir())
    whole = train(estimator.clone(), splits, graph, tmp_path / "c")
    assert [loss for _, loss in resumed.series["loss"]] == [loss for _, loss in whole.series["loss"]]
    assert (tmp_path / "b" / "model.onnx").read_bytes() == (tmp_path / "c" / "model.onnx").read_bytes()


def test_a_checkpoint_that_cannot_be_read_is_passed_over(
    graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path
) -> None:
    (tmp_path / "checkpoint.npz").write_bytes(b"PK torn")
    estimator = LinearClassifier(label="label", features=FEATURES, epochs=1)
    assert train(estimator, splits, graph, tmp_path / "m", scratch=tmp_path).resumed_from is None


def test_a_graph_that_predicts_something_else_is_refused(
    graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator = LinearClassifier(label="label", features=FEATURES, epochs=1)
    other = LinearClassifier(label="label", features=FEATURES, epochs=9, seed=5)
    other.fit(splits["train"], graph.outputs)
    monkeypatch.setattr(estimator, "to_onnx", other.to_onnx)
    with pytest.raises(EstimatorError, match="The exported graph gives the probabilities"):
        train(estimator, splits, graph, tmp_path)
    assert trainer_module.TOLERANCE <= 1e-5
    assert not (tmp_path / "model.onnx").exists()


def test_the_record_is_json_for_any_parameter(
    graph: tft.TransformGraph, splits: dict[str, Dataset], tmp_path: Path
) -> None:
    from sklearn.linear_model import LogisticRegression

    from headrace.estimators import sklearn

    train(sklearn(LogisticRegression(), label="label", features=FEATURES), splits, graph, tmp_path)
    document = json.loads((tmp_path / "training.json").read_text())
    assert document["params"]["estimator"] == "LogisticRegression()"
