"""The label graph's outputs are named by their roles, whatever the transform and the data call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from headrace import transform as tft
from headrace.data import dataset_from_table
from headrace.errors import EvaluationError
from headrace.estimators import BoostedTreesClassifier, BoostedTreesRegressor
from headrace.evaluation import EvalConfig, run_model_analysis
from headrace.model import load_model
from headrace.training import train

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table(
    {
        "x": np.arange(200.0),
        "y": np.arange(200.0) * 2 + 1,
        # Names that the label graph uses itself.
        "label": np.arange(200.0) * 3 + 2,
        "weight": np.linspace(0.5, 2, 200),
    }
)


def preprocessing(inputs: Any) -> dict[str, Any]:
    y = inputs["y"]
    return {"x": inputs["x"], "label": y, "twice": y * 2, "heavy": inputs["weight"], "weight": inputs["label"]}


@pytest.mark.parametrize(
    ("label", "weight"),
    # The last two have each other's names.
    [("twice", None), ("twice", "heavy"), ("label", "heavy"), ("weight", "label")],
)
def test_any_output_can_be_the_label(tmp_path: Path, label: str, weight: str | None) -> None:
    graph = tft.analyze(dataset_from_table(TABLE), preprocessing)
    transformed = pa.Table.from_batches([graph.transform_batch(TABLE.to_batches()[0])])
    estimator = BoostedTreesRegressor(label=label, weight=weight, features=("x",), n_trees=20)
    train(estimator, {"train": dataset_from_table(transformed)}, graph, tmp_path)

    labels = load_model(tmp_path).labels
    assert labels is not None
    found = labels.run(TABLE.to_batches()[0])
    assert set(found) == ({"label"} if weight is None else {"label", "weight"})
    assert np.allclose(found["label"], transformed[label].to_numpy())
    if weight is not None:
        assert np.allclose(found["weight"], transformed[weight].to_numpy())
    result = run_model_analysis(tmp_path, dataset_from_table(TABLE), EvalConfig(metrics=["r2"]))
    assert result.overall.metrics["r2"].value > 0.8


def test_a_class_that_training_never_saw_is_named(tmp_path: Path) -> None:
    table = pa.table({"x": np.arange(200.0), "y": [["no", "yes"][at > 90] for at in range(200)]})

    def words(inputs: Any) -> dict[str, Any]:
        return {"x": inputs["x"], "label": tft.compute_and_apply_vocabulary(inputs["y"])}

    graph = tft.analyze(dataset_from_table(table), words)
    transformed = pa.Table.from_batches([graph.transform_batch(table.to_batches()[0])])
    train(BoostedTreesClassifier(label="label", n_trees=5), {"train": dataset_from_table(transformed)}, graph, tmp_path)
    strange = pa.table({"x": [1.0, 2.0], "y": ["yes", "maybe"]})
    with pytest.raises(
        EvaluationError, match=r"classes that the model has learned; got another one, made of y 'maybe'"
    ):
        run_model_analysis(tmp_path, strange)
