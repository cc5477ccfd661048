"""Parameters: scikit-learn's way of reading, setting and copying them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest

from headrace.errors import EstimatorError
from headrace.estimators import (
    KINDS,
    BoostedTreesClassifier,
    DNNClassifier,
    DNNLinearCombinedClassifier,
    Estimator,
    LinearClassifier,
    LinearRegressor,
)


def test_parameters_are_read_set_and_copied() -> None:
    estimator = DNNClassifier(label="y", hidden_units=(8, 4), features=("a",))
    params = estimator.get_params()
    assert params["hidden_units"] == (8, 4)
    assert params["features"] == ("a",)
    assert DNNClassifier(**params).get_params() == params
    copy = estimator.clone(hidden_units=[16])
    assert copy.hidden_units == (16,)
    assert estimator.hidden_units == (8, 4)


def test_an_unknown_parameter_names_its_neighbour() -> None:
    with pytest.raises(EstimatorError, match="Did you mean 'hidden_units'"):
        DNNClassifier(label="y").set_params(hidden_unit=(3,))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"label": ""}, "name of a column"),
        ({"hidden_units": ()}, "at least one layer"),
        ({"hidden_units": 8}, "sequence of layer sizes"),
        ({"hidden_units": (8, 0)}, "whole number of at least 1; got 0"),
        ({"hidden_units": (8.5,)}, "whole number"),
        ({"dropout": 1.0}, "below 1"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": True}, "epochs"),
        ({"features": ()}, "at least one feature"),
        ({"features": "age"}, "sequence of names"),
        ({"features": ("label",)}, "are not features"),
        ({"weight": "label"}, "different columns"),
    ],
)
def test_parameters_that_cannot_be(params: dict[str, Any], message: str) -> None:
    with pytest.raises(EstimatorError, match=message):
        DNNLinearCombinedClassifier(**{"label": "label", **params})


@pytest.mark.parametrize(
    "params", [{"n_trees": 0}, {"num_leaves": 1}, {"row_fraction": 0}, {"feature_fraction": 1.5}, {"learning_rate": 0}]
)
def test_trees_parameters_that_cannot_be(params: dict[str, Any]) -> None:
    with pytest.raises(EstimatorError, match=next(iter(params))):
        BoostedTreesClassifier(label="label", **params)


def test_before_the_fit_there_is_nothing_to_ask() -> None:
    estimator = LinearClassifier(label="y")
    assert not estimator.is_fitted
    for ask in (
        lambda: estimator.classes_,
        lambda: estimator.n_features_in_,
        estimator.to_onnx,
        lambda: estimator.predict(pa.table({"x": [1.0]})),
    ):
        with pytest.raises(EstimatorError, match="has not been fitted"):
            ask()


def test_after_the_fit_there_is(table: pa.Table) -> None:
    data = table.select(["x", "count", "label"])
    estimator = BoostedTreesClassifier(label="label", n_trees=5).fit(data)
    assert estimator.classes_.tolist() == [0, 1]
    assert estimator.n_features_in_ == 2
    assert estimator.feature_names_in_ == ("x", "count")
    again = pickle.loads(pickle.dumps(estimator))
    assert (again.predict(data) == estimator.predict(data)).all()
    assert not estimator.set_params(n_trees=3).is_fitted


def test_a_regressor_has_no_probabilities(table: pa.Table) -> None:
    estimator = LinearRegressor(label="score", epochs=1).fit(table.select(["x", "score"]))
    with pytest.raises(EstimatorError, match="Use predict"):
        estimator.predict_proba(table)
    assert estimator.predict(table).shape == (400,)


def test_every_kind_can_be_found_by_its_name() -> None:
    for name, kind in KINDS.items():
        assert kind.__name__ == name
        assert issubclass(kind, Estimator)


def test_describing_estimators_imports_nothing_heavy() -> None:
    code = (
        "import sys; from headrace.estimators import *; DNNLinearCombinedClassifier(label='y', hidden_units=(8,));"
        "BoostedTreesRegressor(label='y'); import headrace.training, headrace.tuning;"
        "heavy = {'numpy', 'pyarrow', 'onnx', 'onnxruntime', 'spox', 'keras', 'jax', 'lightgbm', 'sklearn', 'optuna'};"
        "sys.exit(' '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
