"""Packed models of every kind of estimator, behind a transform: the bits of the models themselves."""

from __future__ import annotations

from typing import Any

import ndonnx as ndx
import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headrace import transform as tft
from headrace.data import dataset_from_table
from headrace.estimators import BoostedTreesClassifier, DNNLinearCombinedClassifier, sklearn
from headrace.model import PackedSession, bits_equal, compose, feeds_from_batch, inputs_of, open_session
from headrace.model.packed import optimized
from headrace.model.packing import rewrite

NUMBERS, WORDS = ("age", "hours", "gain", "loss"), ("job", "school", "land")


def people(rows: int = 200) -> pa.Table:
    random = np.random.default_rng(3)
    columns: dict[str, Any] = {name: random.integers(0, 90, rows) for name in NUMBERS[:2]}
    columns |= {name: random.lognormal(size=rows) for name in NUMBERS[2:]}
    columns |= {name: random.choice(["a", "b ", "é", "🎈", ""], rows) for name in WORDS}
    columns["land"] = pa.array(columns["land"], mask=random.random(rows) < 0.2)
    columns["label"] = (columns["age"] + 20 * columns["gain"] > 70).astype(np.int64)
    return pa.table(columns)


def preprocessing_fn(inputs: Any) -> dict[str, Any]:
    found = {name: tft.scale_to_z_score(inputs[name]) for name in NUMBERS}
    found |= {f"{name}_bucket": tft.bucketize(inputs[name], num_buckets=4) for name in NUMBERS}
    found |= {
        f"{name}_id": tft.compute_and_apply_vocabulary(tft.strip(inputs[name]), num_oov_buckets=1) for name in WORDS
    }
    found["log"] = tft.scale_to_z_score(ndx.log1p(inputs["gain"]))
    return found | {"label": inputs["label"]}


ESTIMATORS: dict[str, Any] = {
    "network": lambda: DNNLinearCombinedClassifier(label="label", epochs=1, hidden_units=(4,)),
    "trees": lambda: BoostedTreesClassifier(label="label", n_trees=3),
    "pipeline": lambda: sklearn(make_pipeline(StandardScaler(), LogisticRegression()), label="label"),
}


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_models_of_estimators(kind: str) -> None:
    table = people()
    graph = tft.analyze(dataset_from_table(table), preprocessing_fn)
    features = [one for one in graph.outputs if one.name != "label"]
    estimator = ESTIMATORS[kind]().fit(graph.transform(dataset_from_table(table)), features)
    raw = table.combine_chunks().to_batches()[0]
    predictor = estimator.to_onnx()
    for model, batch in ((compose(graph.to_onnx(), predictor), raw), (predictor, graph.transform_batch(raw))):
        data = model.SerializeToString()
        found = optimized(data)
        assert found is not None
        packed = PackedSession(rewrite(found[0]), *found[1:])
        plain = open_session(data)
        names = [item.name for item in model.graph.output]
        for rows in (0, 1, 2, 50, 200):
            feeds = feeds_from_batch(batch.slice(0, rows), inputs_of(model))
            for name, left, right in zip(names, plain.run(names, feeds), packed.run(names, feeds), strict=True):
                assert bits_equal(left, right), (name, rows)
