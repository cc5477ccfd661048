"""scikit-learn's models behind the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from headrace.errors import EstimatorError
from headrace.estimators import Estimator, SklearnClassifier, SklearnRegressor, sklearn

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        RandomForestClassifier(10, max_depth=6, random_state=0),
    ],
)
def test_classifiers(
    model: Any, classes: int, request: pytest.FixtureRequest, specs: Any, run_graph: Any, tmp_path: Path
) -> None:
    table = request.getfixturevalue("table" if classes == 2 else "three_classes")
    estimator = sklearn(model, label="label").fit(table, specs)
    assert isinstance(estimator, SklearnClassifier)
    native, found = estimator.predict_outputs(table), run_graph(estimator, table)
    assert set(native) == set(found)
    for name in found:
        assert found[name].shape == native[name].shape
        assert found[name].dtype == native[name].dtype
    assert abs(found["probabilities"] - native["probabilities"]).max() <= 1e-6
    assert (found["classes"] == native["classes"]).all()
    assert not hasattr(model, "classes_"), "the model that was handed in is not fitted"
    estimator.save(tmp_path)
    loaded = Estimator.load(tmp_path)
    assert (loaded.predict_proba(table) == estimator.predict_proba(table)).all()


@pytest.mark.parametrize(
    "model", [make_pipeline(StandardScaler(), Ridge()), RandomForestRegressor(10, max_depth=6, random_state=0)]
)
def test_regressors(model: Any, table: pa.Table, specs: Any, run_graph: Any) -> None:
    estimator = sklearn(model, label="score", weight="weight").fit(table, specs)
    assert isinstance(estimator, SklearnRegressor)
    native, found = estimator.predict_outputs(table), run_graph(estimator, table)
    assert found["predictions"].shape == (400, 1)
    assert abs(found["predictions"] - native["predictions"]).max() <= 1e-5


def test_classes_that_training_never_saw_have_no_probability(table: pa.Table, specs: Any, run_graph: Any) -> None:
    from headrace.schema import FeatureSpec

    label = FeatureSpec("label", "int64", (), 4, ("a", "b", "c", "d"))
    estimator = sklearn(RandomForestClassifier(5, random_state=0), label="label").fit(table, [*specs, label])
    native, found = estimator.predict_outputs(table), run_graph(estimator, table)
    assert found["probabilities"].shape == (400, 4)
    assert (found["probabilities"][:, 2:] == 0).all()
    assert abs(found["probabilities"] - native["probabilities"]).max() <= 1e-6


def test_parameters_reach_the_model() -> None:
    inner = Ridge(alpha=2.0)
    estimator = sklearn(inner, label="y")
    assert estimator.get_params()["estimator__alpha"] == 2.0
    estimator.set_params(estimator__alpha=5.0)
    assert estimator.estimator.alpha == 5.0
    assert inner.alpha == 2.0
    with pytest.raises(EstimatorError, match="Did you mean 'alpha'"):
        estimator.set_params(estimator__alfa=1.0)


def test_what_is_refused(table: pa.Table, specs: Any) -> None:
    with pytest.raises(EstimatorError, match="classifier or regressor"):
        sklearn(StandardScaler(), label="y")
    with pytest.raises(EstimatorError, match="classifier or regressor"):
        sklearn(Ridge, label="y")
    with pytest.raises(EstimatorError, match="CalibratedClassifierCV"):
        sklearn(LinearSVC(), label="label").fit(table, specs)
    with pytest.raises(EstimatorError, match="can learn from the data"):
        sklearn(KNeighborsClassifier(), label="label", weight="weight").fit(table, specs)


def test_a_model_that_cannot_be_exported(table: pa.Table, specs: Any) -> None:
    from sklearn.semi_supervised import LabelSpreading

    estimator = sklearn(LabelSpreading(), label="label", features=("x", "few")).fit(table, specs)
    with pytest.raises(EstimatorError, match=r"skl2onnx can export the estimator; got LabelSpreading"):
        estimator.to_onnx()
