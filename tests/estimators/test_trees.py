"""Boosted trees: what they learn, and their graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import EstimatorError
from headrace.estimators import BoostedTreesClassifier, BoostedTreesRegressor
from headrace.estimators._curve import area_under_curve
from headrace.estimators._operators import op
from headrace.estimators._outputs import build_graph
from headrace.estimators._trees_model import Ensemble
from headrace.schema import FeatureSpec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("classes", [2, 3])
def test_classifier_graphs(classes: int, request: pytest.FixtureRequest, specs: Any, check_graph: Any) -> None:
    table = request.getfixturevalue("table" if classes == 2 else "three_classes")
    estimator = BoostedTreesClassifier(label="label", n_trees=40, min_rows_per_leaf=5).fit(table, specs)
    check_graph(estimator, table)
    assert (estimator.predict(table) == table["label"].to_numpy()).mean() > 0.9


@pytest.mark.parametrize("scale", [1.0, 1e9])
def test_regressor_graphs(scale: float, table: pa.Table, specs: Any, check_graph: Any) -> None:
    scaled = table.set_column(7, "score", pa.array(table["score"].to_numpy() * scale))
    estimator = BoostedTreesRegressor(label="score", n_trees=60, min_rows_per_leaf=5).fit(scaled, specs)
    check_graph(estimator, scaled)
    assert np.corrcoef(scaled["score"].to_numpy(), estimator.predict(scaled))[0, 1] > 0.95


def test_a_table_that_teaches_nothing(check_graph: Any) -> None:
    data = pa.table({"x": np.zeros(40), "label": np.arange(40) % 2})
    estimator = BoostedTreesClassifier(label="label", n_trees=3).fit(data)
    check_graph(estimator, data)
    assert np.allclose(estimator.predict_proba(data), 0.5)


def test_the_same_data_gives_the_same_files(table: pa.Table, specs: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        BoostedTreesClassifier(label="label", n_trees=10, row_fraction=0.5).fit(table, specs).save(tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    assert "num_threads" not in (tmp_path / "a" / "model.txt").read_text()


def test_it_stops_early_and_keeps_the_best(table: pa.Table, specs: Any, recorder: Any) -> None:
    estimator = BoostedTreesClassifier(
        label="label", n_trees=500, learning_rate=0.3, early_stopping_patience=5, min_rows_per_leaf=3
    )
    held_out = table.slice(200)
    estimator.fit(table.slice(0, 200), specs, held_out, recorder)
    losses = [metrics["validation_loss"] for _, metrics in recorder.curve if "validation_loss" in metrics]
    assert len(losses) < 500
    assert int(np.argmin(losses)) == len(losses) - 6
    chosen = estimator.predict_proba(held_out)[np.arange(200), held_out["label"].to_numpy()]
    assert -np.log(chosen).mean() == pytest.approx(min(losses), rel=1e-5)
    assert recorder.curve[-1][1]["best_round"] == len(losses) - 5


def test_the_monitor_can_stop_it(table: pa.Table, specs: Any, recorder: Any) -> None:
    recorder.stop_after = 4
    BoostedTreesRegressor(label="score", n_trees=50).fit(table, specs, monitor=recorder)
    assert [epoch for epoch, _ in recorder.curve] == [1, 2, 3, 4]


def test_census(census: Any, check_graph: Any) -> None:
    train, test, specs = census
    estimator = BoostedTreesClassifier(label="label").fit(train, specs)
    labels = test["label"].to_numpy()
    auc = area_under_curve(estimator.predict_proba(test)[:, 1], labels, np.ones(len(labels)))
    assert auc is not None
    assert auc >= 0.925
    check_graph(estimator, test)


def _run(ensemble: Ensemble, rows: np.ndarray) -> np.ndarray:
    spec = FeatureSpec("x", "float32", (rows.shape[1],))
    model = build_graph([spec], lambda inputs: {"y": ensemble.node(op.cast(inputs["x"], to=np.float64))})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    result: np.ndarray = session.run(["y"], {"x": rows.astype(np.float32)})[0]
    return result


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([2, 40, 300]), st.sampled_from([True, False]))
def test_any_trees_sum_to_what_lightgbm_says(seed: int, missing: bool, buckets: int, zeros: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.normal(size=300), rng.integers(0, buckets, 300), rng.integers(-2, 3, 300)], axis=1)
    rows = rows.astype(np.float32).astype(np.float64)
    if missing:
        rows[rng.random(300) < 0.2, 0] = np.nan
    if zeros:
        rows[rng.random(300) < 0.3, 0] = 0.0
    target = np.nan_to_num(rows[:, 0], nan=3.0) + (rows[:, 1] % 3) + rows[:, 2] ** 2
    params = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 3, "min_data_per_group": 5, "seed": 1}
    data = lightgbm.Dataset(rows, target, categorical_feature=[1], params=params)
    booster = lightgbm.train({**params, "objective": "regression"}, data, 10)
    found = _run(Ensemble.from_dump(booster.dump_model()), rows)
    assert np.abs(found[:, 0] - booster.predict(rows, raw_score=True)).max() <= 1e-9


def test_sums_of_leaves_are_exact(table: pa.Table, specs: Any) -> None:
    estimator = BoostedTreesRegressor(label="score", n_trees=200, min_rows_per_leaf=2).fit(table, specs)
    leaves = np.array(estimator._learned.ensemble.leaves)  # type: ignore[union-attr]
    rng = np.random.default_rng(0)
    sums = {float(np.cumsum(rng.permutation(leaves))[-1]) for _ in range(20)}
    assert len(sums) == 1


def test_zero_for_missing_is_refused() -> None:
    dump = {
        "num_tree_per_iteration": 1,
        "tree_info": [
            {
                "tree_structure": {
                    "split_feature": 0,
                    "threshold": 1.0,
                    "decision_type": "<=",
                    "missing_type": "Zero",
                    "default_left": True,
                    "left_child": {"leaf_value": 1.0},
                    "right_child": {"leaf_value": 2.0},
                }
            }
        ],
    }
    with pytest.raises(EstimatorError, match="zero_as_missing"):
        Ensemble.from_dump(dump)
