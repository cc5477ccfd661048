"""Estimators in folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.errors import EstimatorError
from headrace.estimators import (
    BoostedTreesRegressor,
    DNNLinearCombinedClassifier,
    DNNRegressor,
    Estimator,
    LinearClassifier,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


@pytest.mark.parametrize(
    "estimator",
    [
        DNNLinearCombinedClassifier(label="label", hidden_units=(8,), epochs=1),
        DNNRegressor(label="score", weight="weight", hidden_units=(8,), epochs=1),
        LinearClassifier(label="label", features=("x", "bag"), epochs=1),
        BoostedTreesRegressor(label="score", n_trees=5),
    ],
)
def test_what_is_loaded_is_what_was_saved(estimator: Estimator, table: pa.Table, specs: Any, tmp_path: Path) -> None:
    estimator.fit(table, specs).save(tmp_path / "a")
    loaded = type(estimator).load(tmp_path / "a")
    assert loaded.get_params() == estimator.get_params()
    assert loaded.specs_ == estimator.specs_
    for name, values in estimator.predict_outputs(table).items():
        assert (loaded.predict_outputs(table)[name] == values).all()
    assert loaded.to_onnx().SerializeToString() == estimator.to_onnx().SerializeToString()
    loaded.save(tmp_path / "b")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_folders_that_hold_something_else(table: pa.Table, specs: Any, tmp_path: Path) -> None:
    with pytest.raises(EstimatorError, match="holds a saved estimator"):
        Estimator.load(tmp_path)
    BoostedTreesRegressor(label="score", n_trees=2).fit(table, specs).save(tmp_path)
    with pytest.raises(EstimatorError, match="holds a DNNRegressor; got BoostedTreesRegressor"):
        DNNRegressor.load(tmp_path)
    (tmp_path / "model.txt").unlink()
    with pytest.raises(EstimatorError, match="holds boosted trees"):
        Estimator.load(tmp_path)
    manifest = tmp_path / "estimator.json"
    manifest.write_text(manifest.read_text().replace("BoostedTreesRegressor", "Oracle"))
    with pytest.raises(EstimatorError, match="class is known; got Oracle"):
        Estimator.load(tmp_path)


def test_an_unfitted_estimator_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(EstimatorError, match="has not been fitted"):
        LinearClassifier(label="y").save(tmp_path / "x")
    assert not (tmp_path / "x").exists()
