"""Networks: what they learn, their graph, and that a killed fit goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from headrace.errors import EstimatorError
from headrace.estimators import (
    DNNClassifier,
    DNNLinearCombinedClassifier,
    DNNLinearCombinedRegressor,
    DNNRegressor,
    LinearClassifier,
    LinearRegressor,
)
from headrace.estimators._curve import area_under_curve

if TYPE_CHECKING:
    from headrace.estimators.neural import NeuralEstimator
    from headrace.schema import FeatureSpec


CLASSIFIERS = (DNNLinearCombinedClassifier, DNNClassifier, LinearClassifier)
REGRESSORS = (DNNLinearCombinedRegressor, DNNRegressor, LinearRegressor)


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("classes", [2, 3])
def test_classifier_graphs(
    kind: type[NeuralEstimator], classes: int, request: pytest.FixtureRequest, specs: Any, check_graph: Any
) -> None:
    table = request.getfixturevalue("table" if classes == 2 else "three_classes")
    estimator = kind(label="label", epochs=12, batch_size=64, learning_rate=0.01).fit(table, specs)
    check_graph(estimator, table)
    outputs = estimator.predict_outputs(table)
    assert outputs["probabilities"].shape == (400, classes)
    assert outputs["logits"].shape == (400, 1 if classes == 2 else 3)
    assert ("logistic" in outputs) == (classes == 2)
    assert (estimator.predict(table) == table["label"].to_numpy()).mean() > 0.8


@pytest.mark.parametrize("kind", REGRESSORS)
def test_regressor_graphs(kind: type[NeuralEstimator], table: pa.Table, specs: Any, check_graph: Any) -> None:
    shifted = table.set_column(7, "score", pa.array(table["score"].to_numpy() * 1000 + 50_000))
    estimator = kind(label="score", epochs=30, batch_size=64, learning_rate=0.01).fit(shifted, specs)
    check_graph(estimator, shifted)
    truth = shifted["score"].to_numpy()
    assert np.corrcoef(truth, estimator.predict(shifted))[0, 1] > 0.9


@pytest.mark.parametrize("features", [("x",), ("few",), ("bag",), ("many", "pair")])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_one_kind_of_feature_is_enough(
    kind: type[NeuralEstimator], features: tuple[str, ...], table: pa.Table, specs: Any, check_graph: Any
) -> None:
    estimator = kind(label="label", epochs=1, features=features)
    if kind is not LinearClassifier:
        estimator.set_params(dropout=0.1)
    check_graph(estimator.fit(table, specs), table)
    assert estimator.feature_names_in_ == features


def test_the_same_seed_gives_the_same_weights(table: pa.Table, specs: Any) -> None:
    first, again, other = (
        DNNClassifier(label="label", epochs=2, dropout=0.2, seed=seed).fit(table, specs).predict_proba(table)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("with_validation", [False, True])
def test_a_killed_fit_ends_as_one_that_was_not(
    table: pa.Table, specs: Any, recorder: Any, *, with_validation: bool
) -> None:
    held_out = table.slice(300) if with_validation else None
    rows = table.slice(0, 300)

    def estimator() -> DNNLinearCombinedClassifier:
        return DNNLinearCombinedClassifier(label="label", hidden_units=(8,), epochs=6, dropout=0.3, batch_size=32)

    whole = estimator().fit(rows, specs, held_out).predict_proba(table)
    recorder.break_after = 3
    with pytest.raises(KeyboardInterrupt):
        estimator().fit(rows, specs, held_out, recorder)
    resumed = estimator().fit(rows, specs, held_out, recorder).predict_proba(table)
    assert [epoch for epoch, _ in recorder.curve] == [1, 2, 3, 4, 5, 6]
    assert np.abs(resumed - whole).max() <= 1e-6


def test_a_checkpoint_of_other_data_or_parameters_is_not_taken_up(table: pa.Table, specs: Any, recorder: Any) -> None:
    DNNClassifier(label="label", epochs=2).fit(table, specs, monitor=recorder)
    DNNClassifier(label="label", epochs=2, learning_rate=0.5).fit(table, specs, monitor=recorder)
    DNNClassifier(label="label", epochs=2, learning_rate=0.5).fit(table.slice(1), specs, monitor=recorder)
    assert [epoch for epoch, _ in recorder.curve] == [1, 2, 1, 2, 1, 2]
    DNNClassifier(label="label", epochs=3, learning_rate=0.5).fit(table.slice(1), specs, monitor=recorder)
    assert [epoch for epoch, _ in recorder.curve][-1:] == [3]


def test_it_stops_early_and_keeps_the_best(table: pa.Table, specs: Any, recorder: Any) -> None:
    estimator = DNNClassifier(label="label", epochs=60, learning_rate=0.05, early_stopping_patience=2, batch_size=32)
    held_out = table.slice(200)
    estimator.fit(table.slice(0, 200), specs, held_out, recorder)
    losses = [metrics["validation_loss"] for _, metrics in recorder.curve]
    assert len(losses) < 60
    assert int(np.argmin(losses)) == len(losses) - 3
    chosen = estimator.predict_proba(held_out)[np.arange(200), held_out["label"].to_numpy()]
    assert -np.log(chosen).mean() == pytest.approx(min(losses), rel=1e-4)
    assert set(recorder.curve[0][1]) >= {"loss", "validation_accuracy", "validation_auc", "rows_per_second"}


def test_the_monitor_can_stop_it(table: pa.Table, specs: Any, recorder: Any) -> None:
    recorder.stop_after = 2
    DNNClassifier(label="label", epochs=9).fit(table, specs, monitor=recorder)
    assert len(recorder.curve) == 2


def test_a_loss_that_explodes_is_an_error() -> None:
    data = {"x": np.linspace(-1, 1, 64), "y": np.linspace(-1, 1, 64)}
    estimator = DNNRegressor(label="y", learning_rate=1e30, epochs=20, hidden_units=(8, 8, 8))
    with pytest.raises(EstimatorError, match="Lower learning_rate"):
        estimator.fit(data)


def test_batches_may_be_larger_than_the_data(table: pa.Table, specs: Any) -> None:
    small = table.slice(0, 7)
    estimator = LinearClassifier(label="label", weight="weight", batch_size=1000, epochs=2)
    assert estimator.fit(small, specs).predict(small).shape == (7,)


def test_weights_shift_the_fit() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 500)
    data = {"x": rng.normal(size=500), "label": label, "w": np.where(label == 1, 9.0, 1.0)}
    estimator = LinearClassifier(label="label", weight="w", epochs=60, learning_rate=0.05, features=("x",)).fit(data)
    share = (data["w"] * label).sum() / data["w"].sum()
    assert estimator.predict_proba(data)[:, 1].mean() == pytest.approx(share, abs=0.03)


def test_numbers_of_any_scale_are_learned_from() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(5e6, 1e6, 2000)
    data = {"x": x, "constant": np.full(2000, 7.0), "label": (x > 5e6).astype(np.int64)}
    estimator = DNNClassifier(label="label", epochs=10, learning_rate=0.01).fit(data)
    assert (estimator.predict(data) == data["label"]).mean() > 0.97


def test_census(census: Any) -> None:
    train, test, specs = census
    estimator = DNNLinearCombinedClassifier(label="label").fit(train, specs)
    labels = test["label"].to_numpy()
    auc = area_under_curve(estimator.predict_proba(test)[:, 1], labels, np.ones(len(labels)))
    assert auc is not None
    assert auc >= 0.905


def test_l2_shrinks_the_weights() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    data = {"x": x, "label": (x > 0).astype(np.int64)}
    spread = [
        float(np.ptp(LinearClassifier(label="label", epochs=250, l2=l2).fit(data).predict_outputs(data)["logits"]))
        for l2 in (0.0, 0.1)
    ]
    assert spread[1] < 0.7 * spread[0]


def test_ids_without_one_hot_are_embedded(table: pa.Table, specs: list[FeatureSpec], check_graph: Any) -> None:
    estimator = DNNClassifier(label="label", epochs=1, one_hot_up_to=0, embedding_dimension=3).fit(table, specs)
    check_graph(estimator, table)


@pytest.mark.parametrize("kind", [DNNLinearCombinedClassifier, LinearClassifier])
def test_one_row_alone_gives_the_bits_of_a_batch_with_many_categories(kind: type[NeuralEstimator]) -> None:
    import onnxruntime as ort

    from headrace.schema import FeatureSpec

    # As many columns as a kernel sums in vectors; with few, any order of adding gives the same bits.
    rng = np.random.default_rng(3)
    columns = {f"c{at}": rng.integers(0, 40, 400) for at in range(24)}
    label = (columns["c0"] + columns["c1"] > 40).astype(np.int64)
    specs = [FeatureSpec(name, "int64", num_buckets=40) for name in columns]
    table = pa.table(columns | {"label": label})
    estimator = kind(label="label", epochs=2).fit(table, [*specs, FeatureSpec("label", "int64", num_buckets=2)])
    session = ort.InferenceSession(estimator.to_onnx().SerializeToString())
    names = [item.name for item in session.get_inputs()]
    (whole,) = session.run(["logits"], {name: columns[name] for name in names})
    single = [session.run(["logits"], {name: columns[name][at : at + 1] for name in names})[0] for at in range(400)]
    assert whole.tobytes() == np.concatenate(single).tobytes()
