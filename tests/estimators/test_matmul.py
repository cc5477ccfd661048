from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headrace.estimators._matmul import with_matmul
from headrace.model import open_session

CHANCE = np.random.default_rng(0)
ROWS = CHANCE.normal(size=(301, 40)).astype(np.float32)
TWO = (ROWS[:, 0] + CHANCE.normal(size=301) > 0).astype(np.int64)
THREE = TWO + (ROWS[:, 1] > 0)

MODELS = {
    "two classes": (make_pipeline(StandardScaler(), LogisticRegression()), TWO),
    "three classes": (LogisticRegression(), THREE),
    "one against the rest": (OneVsRestClassifier(LogisticRegression()), THREE),
    "labels with gaps": (LogisticRegression(), 10 * THREE + 5),
    "regression": (LinearRegression(), ROWS[:, 2] * 3 + 1),
    "ridge": (Ridge(fit_intercept=False), ROWS[:, 2]),
}


def exported(model: Any, target: Any) -> onnx.ModelProto:
    fitted = model.fit(ROWS, target)
    options = {id(fitted): {"zipmap": False}} if hasattr(fitted, "predict_proba") else None
    kind = [("rows", FloatTensorType([None, ROWS.shape[1]]))]
    made: onnx.ModelProto = convert_sklearn(
        fitted, initial_types=kind, options=options, target_opset={"": 21, "ai.onnx.ml": 3}
    )
    return made


def run(model: onnx.ModelProto, rows: np.ndarray) -> list[np.ndarray]:
    return list(open_session(model.SerializeToString()).run(None, {"rows": rows}))


@pytest.mark.parametrize("name", MODELS)
def test_the_same_values_and_the_same_bits_in_any_batch(name: str) -> None:
    before = exported(*MODELS[name])
    after = with_matmul(before)
    onnx.checker.check_model(after, full_check=True)
    assert not {"LinearClassifier", "LinearRegressor"} & {node.op_type for node in after.graph.node}
    assert {"LinearClassifier", "LinearRegressor"} & {node.op_type for node in before.graph.node}
    whole = run(after, ROWS)
    for found, wanted in zip(whole, run(before, ROWS), strict=True):
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-6)
    for size in (1, 7, 64):
        parts = [run(after, ROWS[start : start + size]) for start in range(0, 301, size)]
        for index, values in enumerate(whole):
            assert np.concatenate([part[index] for part in parts]).tobytes() == values.tobytes()


@pytest.mark.parametrize(
    "attributes",
    [
        {"post_transform": "PROBIT", "coefficients": [1.0, 2.0], "intercepts": [0.0, 0.0]},
        {"coefficients": [1.0], "intercepts": [0.5]},
        {"coefficients": [1.0, -1.0], "intercepts": [0.5]},
    ],
)
def test_other_kinds_stay(attributes: dict[str, Any]) -> None:
    node = onnx.helper.make_node(
        "LinearClassifier", ["x"], ["label", "y"], domain="ai.onnx.ml", classlabels_ints=[0, 1], **attributes
    )
    graph = onnx.helper.make_graph(
        [node],
        "g",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 1])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 2])],
    )
    assert [one.op_type for one in with_matmul(onnx.helper.make_model(graph)).graph.node] == ["LinearClassifier"]
