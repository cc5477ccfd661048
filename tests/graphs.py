"""Small graphs for the tests of models and serving."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import spox

if TYPE_CHECKING:
    import onnx

op: Any = import_module("spox.opset.ai.onnx.v21")
ml: Any = import_module("spox.opset.ai.onnx.ml.v4")
N = ("N",)


def transform_graph() -> onnx.ModelProto:
    """Return a graph from age, hours (may be missing), job (may be missing) to features age, hours_filled, job_id."""
    age = spox.argument(spox.Tensor(np.int64, N))
    hours = spox.argument(spox.Tensor(np.float64, N))
    hours_missing = spox.argument(spox.Tensor(np.bool_, N))
    job = spox.argument(spox.Tensor(np.str_, N))
    job_missing = spox.argument(spox.Tensor(np.bool_, N))
    unused = spox.argument(spox.Tensor(np.str_, N))
    age_scaled = op.div(op.sub(op.cast(age, to=np.float32), op.const(np.float32(38.6))), op.const(np.float32(13.6)))
    filled = op.cast(op.where(hours_missing, op.const(np.float64(40.0)), hours), to=np.float32)
    job_id = ml.label_encoder(
        op.where(job_missing, op.const(np.array("")), job),
        keys_strings=["sales", "tech", "élan"],
        values_int64s=[0, 1, 2],
        default_int64=3,
    )
    length = op.cast(op.equal(unused, op.const(np.array("x"))), to=np.int64)
    return spox.build(
        {
            "age": age,
            "hours": hours,
            "hours__missing": hours_missing,
            "job": job,
            "job__missing": job_missing,
            "note": unused,
        },
        {"age__transformed": age_scaled, "hours_filled": filled, "job_id": job_id, "note_is_x": length},
    )


def classifier_graph(seed: int = 0, *, log: bool = False) -> onnx.ModelProto:
    """Return a two-class predictor of age, hours_filled and job_id."""
    random = np.random.default_rng(seed)
    age = spox.argument(spox.Tensor(np.float32, N))
    hours = spox.argument(spox.Tensor(np.float32, N))
    job = spox.argument(spox.Tensor(np.int64, N))
    one_hot = op.cast(op.one_hot(job, op.const(np.int64(4)), op.const(np.array([0, 1], np.int64))), to=np.float32)
    wide = op.unsqueeze(op.mul(hours, op.const(np.float32(0.01))), op.const(np.array([1], np.int64)))
    if log:
        wide = op.log(op.add(op.abs(wide), op.const(np.float32(0.1))))
    x = op.concat([op.unsqueeze(age, op.const(np.array([1], np.int64))), wide, one_hot], axis=1)
    hidden = op.tanh(op.matmul(x, op.const(random.normal(size=(6, 8)).astype(np.float32))))
    logits = op.matmul(hidden, op.const(random.normal(size=(8, 1)).astype(np.float32)))
    logistic = op.sigmoid(logits)
    probabilities = op.concat([op.sub(op.const(np.float32(1)), logistic), logistic], axis=1)
    classes = op.squeeze(
        op.cast(op.greater(logits, op.const(np.float32(0))), to=np.int64), op.const(np.array([1], np.int64))
    )
    return spox.build(
        {"age": age, "hours_filled": hours, "job_id": job},
        {"probabilities": probabilities, "logits": logits, "classes": classes, "logistic": logistic},
    )


def rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return rows of raw values, some missing."""
    random = np.random.default_rng(seed)
    jobs = ["sales", "tech", "élan", "other", None]
    return [
        {
            "age": int(random.integers(17, 90)),
            "hours": None if random.random() < 0.2 else float(random.normal(40, 12)),
            "job": jobs[int(random.integers(5))],
        }
        for _ in range(count)
    ]
