"""scikit-learn's own estimators, from a transform with vocabularies to one graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import headrace as hr
from headrace import transform as tft
from headrace.data import dataset_from_table
from headrace.model import load_model
from headrace.training import train

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(7)
TABLE = pa.table(
    {
        "x": RNG.normal(size=300),
        "word": RNG.choice(["a", "b", "c"], 300).tolist(),
        "y": np.arange(300) % 3,
    }
)


def preprocessing(inputs: Any) -> dict[str, Any]:
    word = tft.compute_and_apply_vocabulary(inputs["word"], num_oov_buckets=1)
    return {"x": tft.scale_to_z_score(inputs["x"]), "word": word, "label": inputs["y"]}


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        DecisionTreeClassifier(max_depth=4),
        RandomForestClassifier(5, max_depth=4),
        ExtraTreesClassifier(5, max_depth=4),
        GradientBoostingClassifier(n_estimators=5),
        DecisionTreeRegressor(max_depth=4),
        RandomForestRegressor(5, max_depth=4),
        GradientBoostingRegressor(n_estimators=5),
    ],
    ids=lambda model: type(model).__name__,
)
def test_the_one_graph_gives_what_scikit_learn_gives(tmp_path: Path, model: Any) -> None:
    graph = tft.analyze(dataset_from_table(TABLE), preprocessing)
    transformed = pa.Table.from_batches([graph.transform_batch(TABLE.to_batches()[0])])
    estimator = hr.sklearn(model.set_params(random_state=0), label="label")
    train(estimator, {"train": dataset_from_table(transformed)}, graph, tmp_path)
    found = load_model(tmp_path).predict(TABLE.drop_columns(["y"]))
    wanted = estimator.predict_outputs(transformed.to_batches()[0])
    name = "probabilities" if "probabilities" in wanted else "predictions"
    assert np.allclose(found[name], wanted[name], atol=1e-6)
