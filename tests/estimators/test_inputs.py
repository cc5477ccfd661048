"""Data that cannot be learned from is named before any work starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from headrace.data import dataset_from_table
from headrace.errors import EstimatorError
from headrace.estimators import BoostedTreesClassifier, BoostedTreesRegressor
from headrace.schema import FeatureSpec

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD: dict[str, Any] = {"age": [1.0, 2.0, 3.0, 4.0], "sex": [0, 1, 0, 1], "label": [0, 1, 1, 0]}


def fit(data: Any = None, specs: list[FeatureSpec] | None = None, **params: Any) -> BoostedTreesClassifier:
    columns = {**GOOD, **(data or {})}
    estimator = BoostedTreesClassifier(**{"label": "label", "n_trees": 2, "min_rows_per_leaf": 1, **params})
    return estimator.fit(pa.table({name: value for name, value in columns.items() if value is not None}), specs)


@pytest.mark.parametrize(
    ("data", "params", "message"),
    [
        ({}, {"label": "labell"}, "The label is a column.*got labell.*Did you mean 'label'"),
        ({}, {"weight": "w"}, "The weight is a column"),
        ({}, {"features": ("agee",)}, "Did you mean 'age'"),
        ({"label": [1, 1, 1, 1]}, {}, "at least two classes; got only 1 in 'label'"),
        ({"label": [1, None, 0, None]}, {}, "Every row has a label; got 2 of 4 in 'label', the first in row 1"),
        ({"label": [1.0, 0.0, float("nan"), 1.0]}, {}, "1 NaN or infinite in 'label', the first in row 2"),
        ({"label": [0.5, 0.0, 1.0, 1.0]}, {}, "Use a regressor"),
        ({"age": None, "sex": None}, {}, "at least one feature"),
        ({"age": [1.0, float("inf"), 2.0, 3.0]}, {}, "inf in 'age', row 1"),
        ({"age": [1.0, 2.0, float("nan"), 3.0]}, {}, "nan in 'age', row 2"),
        ({"age": [1.0, None, 2.0, 3.0]}, {}, "no missing values; got 1 of 4 in 'age'"),
        ({"age": ["a", "b", "c", "d"]}, {}, "'age' of type string"),
        ({"label": [[1, 2], [3, 4], [5, 6], [7, 8]]}, {}, "one value a row"),
        ({"w": [1.0, -1.0, 1.0, 1.0]}, {"weight": "w"}, "Weights are finite.*between -1.0 and 1.0"),
        ({"w": [0.0, 0.0, 0.0, 0.0]}, {"weight": "w"}, "some are positive"),
    ],
)
def test_what_is_refused(data: dict[str, Any], params: dict[str, Any], message: str) -> None:
    with pytest.raises(EstimatorError, match=message):
        fit(data, **params)


def test_no_rows_and_no_table() -> None:
    empty = pa.table(GOOD).slice(0, 0)
    with pytest.raises(EstimatorError, match="at least one row"):
        BoostedTreesClassifier(label="label").fit(empty)
    with pytest.raises(EstimatorError, match="got list"):
        BoostedTreesClassifier(label="label").fit([1, 2])


@pytest.mark.parametrize("bad", [-1, 2])
def test_ids_outside_their_buckets(bad: int) -> None:
    specs = [FeatureSpec("sex", "int64", (), 2)]
    with pytest.raises(EstimatorError, match=rf"between 0 and 1; got {bad} in 'sex', row 3 \(1 such"):
        fit({"sex": [0, 1, 0, bad]}, specs)
    estimator = fit({}, specs)
    with pytest.raises(EstimatorError, match="between 0 and 1"):
        estimator.predict(pa.table({"sex": [bad]}))


def test_a_feature_has_one_dimension_at_most() -> None:
    with pytest.raises(EstimatorError, match=r"'age' of shape \(2, 3\)"):
        fit({}, [FeatureSpec("age", "float32", (2, 3))])
    with pytest.raises(EstimatorError, match="not 2 values a row"):
        fit({}, [FeatureSpec("age", "float32", (2,))])
    square = pa.array([[[1.0, 2.0]]] * 4, pa.list_(pa.list_(pa.float32(), 2), 1))
    with pytest.raises(EstimatorError, match=r"'age' of shape \(1, 2\)"):
        fit({"age": square})


def test_prediction_wants_the_features_and_only_them() -> None:
    estimator = fit()
    assert len(estimator.predict(pa.table({"sex": [1], "age": [2.0], "other": ["x"]}))) == 1
    assert estimator.predict_proba(pa.table(GOOD).slice(0, 0)).shape == (0, 2)
    with pytest.raises(EstimatorError, match="got age"):
        estimator.predict(pa.table({"sex": [1]}))


@pytest.mark.parametrize(
    "make",
    [
        dict,
        pa.table,
        pa.RecordBatch.from_pydict,
        lambda data: dataset_from_table(pa.table(data), rows_per_shard=2),
        pl.DataFrame,
        pd.DataFrame,
    ],
)
def test_data_of_many_forms(make: Callable[[dict[str, Any]], Any]) -> None:
    estimator = BoostedTreesClassifier(label="label", n_trees=3, min_rows_per_leaf=1).fit(make(GOOD))
    assert estimator.predict(make(GOOD)).tolist() == fit(n_trees=3).predict(pa.table(GOOD)).tolist()


def test_classes_are_what_the_label_holds() -> None:
    words = fit({"label": pa.array(["no", "yes", "yes", "no"]).dictionary_encode()})
    assert words.classes_.tolist() == ["no", "yes"]
    assert set(words.predict(pa.table(GOOD))) <= {"no", "yes"}
    assert fit({"label": [7, 3, 3, 7]}).classes_.tolist() == [3, 7]
    assert fit({"label": [True, False, False, True]}).classes_.tolist() == [0, 1]
    assert fit({"label": [0.0, 1.0, 1.0, 0.0]}).class_names_ == ("0", "1")
    vocabulary = [FeatureSpec("age", "float32"), FeatureSpec("label", "int64", (), 4, ("a", "b", "c"))]
    named = fit({"label": [0, 1, 1, 0]}, vocabulary)
    assert named.class_names_ == ("a", "b", "c")
    assert named.predict_proba(pa.table(GOOD)).shape == (4, 3)


def test_validation_rows_of_unknown_classes_are_left_out() -> None:
    data = pa.table(GOOD)
    estimator = BoostedTreesClassifier(label="label", n_trees=2, min_rows_per_leaf=1)
    estimator.fit(data, validation=pa.table({**GOOD, "label": [0, 5, 1, 0]}))
    with pytest.raises(EstimatorError, match="none of them"):
        estimator.fit(data, validation=pa.table({**GOOD, "label": [5, 5, 5, 5]}))
    with pytest.raises(EstimatorError, match="no 'age'"):
        estimator.fit(data, validation=data.drop_columns(["age"]))


def test_integers_are_numbers_unless_a_description_says_ids() -> None:
    assert [spec.num_buckets for spec in fit().specs_] == [None, None]
    assert fit().specs_[1].dtype == "int64"


def test_weights_count() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    data = pa.table({"x": x, "y": np.where(x > 0, 5.0, 1.0), "w": np.where(x > 0, 0.0, 1.0)})
    weighted = BoostedTreesRegressor(label="y", weight="w", features=("x",), n_trees=20).fit(data)
    assert np.allclose(weighted.predict(data), 1.0, atol=1e-3)
