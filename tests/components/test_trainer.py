from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

import headrace as hr
from headrace import transform as tft
from headrace.components import HyperParameters, trainer, transform
from headrace.errors import DataError, EstimatorError, LeakError

if TYPE_CHECKING:
    from headrace.components import Examples, Model, Schema, TransformGraph
    from headrace.estimators import Estimator

FEATURES = ("age", "education_num", "marital_status", "workclass")


def outputs(model: Model, examples: Examples) -> dict[str, Any]:
    return model.load().predict(examples.split("test").to_table().slice(0, 50))


def test_a_model_goes_from_raw_rows_to_predictions(model: Model, examples: Examples) -> None:
    assert {"model.onnx", "signature.json", "schema.yaml", "training.json"} <= {
        one.name for one in model.path.iterdir()
    }
    assert (model.path / "native").is_dir()
    assert outputs(model, examples)["probabilities"].shape == (50, 2)
    session = onnxruntime.InferenceSession(model.path / "model.onnx")
    signature = json.loads((model.path / "signature.json").read_text("utf-8"))
    assert {one.name for one in session.get_inputs()} == {one["name"] for one in signature["inputs"]}
    assert {one["feature"] for one in signature["inputs"]} == set(FEATURES)
    assert model.properties == {"estimator": "BoostedTreesClassifier", "features": 4}


@pytest.mark.parametrize(
    "estimator",
    [
        hr.DNNLinearCombinedClassifier(label="label", features=FEATURES, hidden_units=(8,), epochs=2),
        hr.LinearClassifier(label="label", features=FEATURES, epochs=2),
    ],
    ids=["wide and deep", "linear"],
)
def test_neural_classifiers(
    transformed: Examples, graph: TransformGraph, examples: Examples, estimator: Estimator
) -> None:
    found = outputs(trainer(transformed, graph, estimator), examples)
    assert np.allclose(found["probabilities"].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("estimator", "output"),
    [
        (hr.BoostedTreesRegressor(label="hours", features=FEATURES, n_trees=5), "predictions"),
        (hr.DNNRegressor(label="hours", features=FEATURES, hidden_units=(4,), epochs=1), "predictions"),
    ],
    ids=["trees", "neural"],
)
def test_regressors(
    transformed: Examples, graph: TransformGraph, examples: Examples, estimator: Estimator, output: str
) -> None:
    assert outputs(trainer(transformed, graph, estimator), examples)[output].shape == (50, 1)


def test_estimators_of_scikit_learn(transformed: Examples, graph: TransformGraph, examples: Examples) -> None:
    from sklearn.linear_model import LogisticRegression, Ridge

    classifier = trainer(transformed, graph, hr.sklearn(LogisticRegression(), label="label", features=FEATURES))
    assert outputs(classifier, examples)["probabilities"].shape == (50, 2)
    regressor = trainer(transformed, graph, hr.sklearn(Ridge(), label="hours", features=FEATURES))
    assert outputs(regressor, examples)["predictions"].shape == (50, 1)


def test_without_an_eval_split_everything_is_learned_from(transformed: Examples, graph: TransformGraph) -> None:
    estimator = hr.BoostedTreesClassifier(label="label", features=FEATURES, n_trees=2)
    rows = json.loads((trainer(transformed, graph, estimator, eval_split="none").path / "training.json").read_text())
    assert rows["rows"] == {"train": transformed.summary["rows"]["train"]}


def test_the_parameters_of_a_search_are_used(transformed: Examples, graph: TransformGraph) -> None:
    found = HyperParameters.create()
    trial = {"number": 0, "params": {"n_trees": 3}, "value": 0.8, "seconds": 1.0, "state": "complete"}
    best = {"best_params": {"n_trees": 3}, "best_value": 0.8, "direction": "maximize", "trials": [trial]}
    (found.path / "tuning.json").write_text(json.dumps(best), "utf-8")
    estimator = hr.BoostedTreesClassifier(label="label", features=FEATURES, n_trees=9)
    model = trainer(transformed, graph, estimator, hyperparameters=found)
    assert json.loads((model.path / "training.json").read_text("utf-8"))["params"]["n_trees"] == 3
    assert estimator.n_trees == 9


def test_a_label_that_reaches_the_features_is_refused(examples: Examples, schema: Schema) -> None:
    def leaking(inputs: Any) -> dict[str, Any]:
        rich = inputs["income_bracket"] == ">50K"
        return {"rich": rich, "age": inputs["age"], "label": rich}

    leaked, features = transform(examples, schema, leaking)
    with pytest.raises(LeakError, match=r"feature 'rich' and label 'label', both from 'income_bracket'.*→"):
        trainer(features, leaked, hr.BoostedTreesClassifier(label="label", n_trees=2))
    allowed = trainer(
        features, leaked, hr.BoostedTreesClassifier(label="label", n_trees=2), allow_shared=["income_bracket"]
    )
    assert allowed.properties["features"] == 2


def test_features_that_are_made_on_the_fly_give_the_same_model(examples: Examples, schema: Schema) -> None:
    def function(inputs: Any) -> dict[str, Any]:
        label = inputs["income_bracket"] == ">50K"
        return {
            "age": inputs["age"],
            # In the rows that are learnt from it has other values.
            "education": tft.target_encode(inputs["education"], label, fold_by=inputs["fnlwgt"]),
            "label": label,
        }

    estimator = hr.BoostedTreesClassifier(label="label", n_trees=3)
    written, features = transform(examples, schema, function)
    graph, nothing = transform(examples, schema, function, materialize=False)
    assert nothing.splits == []
    assert [path.name for path in nothing.path.iterdir()] == ["examples.json"]
    allowed = ["income_bracket"]
    models = [
        trainer(features, written, estimator, allow_shared=allowed),
        trainer(examples, graph, estimator, allow_shared=allowed, on_the_fly=True),
    ]
    one, other = ((model.path / "model.onnx").read_bytes() for model in models)
    assert one == other
    with pytest.raises(DataError, match="a transform that wrote none"):
        trainer(nothing, graph, estimator)
    with pytest.raises(DataError, match="takes raw examples"):
        trainer(features, graph, estimator, on_the_fly=True)


def test_names_that_are_not_there(transformed: Examples, graph: TransformGraph) -> None:
    with pytest.raises(EstimatorError, match="Did you mean 'label'"):
        trainer(transformed, graph, hr.BoostedTreesClassifier(label="lable"))
    with pytest.raises(DataError, match="Did you mean 'train'"):
        trainer(transformed, graph, hr.BoostedTreesClassifier(label="label"), train_split="trian")
