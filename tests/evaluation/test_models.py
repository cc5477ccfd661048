"""Evaluation of models, on the census data."""

from __future__ import annotations

import pickle
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import sklearn.metrics as sk
import spox

from headrace.errors import EvaluationError
from headrace.evaluation import EvalConfig, analyze_raw_data, run_model_analysis
from headrace.evaluation.analyze import _ModelReader
from headrace.evaluation.labels import LabelReader
from headrace.model import load_model, save_model, signature_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CensusSource

    from headrace.data import CsvSource

op: Any = import_module("spox.opset.ai.onnx.v21")
N = ("N",)


def classifier(folder: Path, steepness: float) -> Path:
    """Save a logistic model of age and education, with its label graph."""
    age = spox.argument(spox.Tensor(np.int64, N))
    education = spox.argument(spox.Tensor(np.int64, N))
    score = op.add(
        op.mul(op.cast(age, to=np.float32), op.const(np.float32(0.03 * steepness))),
        op.mul(op.cast(education, to=np.float32), op.const(np.float32(0.35))),
    )
    positive = op.unsqueeze(op.sigmoid(op.sub(score, op.const(np.float32(6.2)))), op.const(np.array([1])))
    probabilities = op.concat([op.sub(op.const(np.float32(1)), positive), positive], axis=1)
    model = spox.build({"age": age, "education_num": education}, {"probabilities": probabilities})
    income = spox.argument(spox.Tensor(np.str_, N))
    rich = op.cast(
        op.or_(op.equal(income, op.const(np.array(" >50K"))), op.equal(income, op.const(np.array(">50K")))), to=np.int64
    )
    labels = spox.build({"income": income}, {"label": rich})
    return save_model(folder, model, signature_of(model, classes=["<=50K", ">50K"]), labels=labels)


@pytest.fixture(scope="session")
def census(census_source: CensusSource) -> CsvSource:
    return census_source("adult.data")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classifier(tmp_path_factory.mktemp("model"), 1.0)


def test_a_model_is_evaluated_through_its_graph(model: Path, census: CsvSource, tmp_path: Path) -> None:
    config = EvalConfig(
        metrics=["auc", "log_loss"],
        slices=["sex", ["race", "sex"], "workclass"],
        thresholds={"auc": {"min": 0.7}, "accuracy": {"min": 0.75}},
        slice_thresholds={"sex": {"auc": {"min": 0.6}}},
    )
    found = run_model_analysis(model, census, config)
    assert found.blessed
    assert len(found.checks) == 4
    table = census.dataset().to_table()
    frame = table.to_pandas()
    frame["sex"] = frame["sex"].str.strip()
    label = (frame["income"].str.strip() == ">50K").to_numpy()
    prediction = load_model(model).predict(table)["probabilities"][:, 1]
    assert found.overall.rows == len(frame) == 32561
    assert found.metrics["auc"] == pytest.approx(sk.roc_auc_score(label, prediction), abs=1e-12)
    assert found.metrics["log_loss"] == pytest.approx(sk.log_loss(label, prediction.astype(float)), rel=1e-12)
    women = (frame["sex"] == "Female").to_numpy()
    assert found.slice("sex=Female").metrics["auc"].value == pytest.approx(
        sk.roc_auc_score(label[women], prediction[women]), abs=1e-12
    )
    assert found.slice("workclass=missing").rows == 1836
    assert len([one for one in found.slices if len(one.key) == 2]) == 10
    named = run_model_analysis(load_model(model), census, EvalConfig(metrics=["auc", "log_loss"], label="income"))
    assert named.metrics == {name: found.metrics[name] for name in named.metrics}
    raw = analyze_raw_data({"label": label, "prediction": prediction}, EvalConfig(metrics=["auc", "log_loss"]))
    assert raw.metrics == named.metrics
    assert (raw.curves, raw.data) == (found.curves, found.data)


def test_a_baseline_model_is_evaluated_on_the_same_rows(model: Path, census: CsvSource, tmp_path: Path) -> None:
    steeper = classifier(tmp_path / "steeper", 3.0)
    config = EvalConfig(
        metrics=["auc"],
        slices=["sex"],
        change_thresholds={"auc": {"min_change": -0.005}},
        slice_thresholds={"sex": {"log_loss": {"max_change": 0.0}}},
    )
    found = run_model_analysis(steeper, census, config, baseline=model)
    before = run_model_analysis(model, census, config)
    changes = {(one.metric, one.slice): one.change for one in found.differences}
    assert changes["auc", "overall"] == found.metrics["auc"] - before.metrics["auc"]
    assert before.blessed
    assert before.checks[0].note == "has no baseline"
    assert not found.blessed
    assert [check.slice for check in found.checks] == ["overall", "sex=Female", "sex=Male"]
    assert found.baseline == str(model)
    again = run_model_analysis(steeper, census, config, baseline=before)
    assert again.differences == found.differences
    assert "Against the baseline" in found._repr_html_()


def test_labels_must_come_from_somewhere(model: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("model.onnx", "signature.json"):
        (alone / name).write_bytes((model / name).read_bytes())
    with pytest.raises(EvaluationError, match="how labels are made"):
        run_model_analysis(alone, {"age": [1]})
    rows = {"age": [20, 60], "education_num": [5, 15], "income": ["<=50K", ">50K"]}
    assert run_model_analysis(alone, rows, EvalConfig(label="income")).metrics["auc"] == 1.0
    with pytest.raises(EvaluationError, match="one of the classes"):
        run_model_analysis(alone, rows | {"income": ["<=50K", ">50k"]}, EvalConfig(label="income"))


def test_the_reader_travels_to_other_processes(model: Path) -> None:
    loaded = load_model(model)
    labels = LabelReader("binary_classification", None, ("<=50K", ">50K"))
    reader = _ModelReader(labels, None, None, "probabilities", loaded, loaded)
    batch = pa.record_batch({"age": [20, 60], "education_num": [5, 15], "income": ["<=50K", ">50K"]})
    for here, there in zip(reader.read(batch), pickle.loads(pickle.dumps(reader)).read(batch), strict=True):
        np.testing.assert_array_equal(here, there)
