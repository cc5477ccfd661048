"""Logits into the outputs that every estimator has, in NumPy and in ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from spox import Tensor, argument, build

from headrace.estimators._operators import op

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import onnx
    from spox import Var

    from headrace.schema import FeatureSpec

__all__ = ["build_graph", "classifier_arrays", "classifier_vars", "probabilities_from_logits"]


def probabilities_from_logits(logits: np.ndarray) -> np.ndarray:
    """Return float32 ``[N, C]`` from logits ``[N, 1]`` (two classes) or ``[N, C]``."""
    logits = logits.astype(np.float32)
    if logits.shape[1] == 1:
        # The two forms are equal; each is used where its exponential cannot overflow.
        small = np.exp(-np.abs(logits))
        positive = np.where(logits >= 0, 1 / (1 + small), small / (1 + small)).astype(np.float32)
        return np.concatenate([1 - positive, positive], axis=1)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def classifier_arrays(logits: np.ndarray, probabilities: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return a classifier's outputs from its logits."""
    if probabilities is None:
        probabilities = probabilities_from_logits(logits)
    outputs = {
        "probabilities": probabilities,
        "logits": logits.astype(np.float32),
        "classes": probabilities.argmax(axis=1).astype(np.int64),
    }
    if logits.shape[1] == 1:
        outputs["logistic"] = probabilities[:, 1:]
    return outputs


def classifier_vars(logits: Var, n_classes: int, probabilities: Var | None = None) -> dict[str, Var]:
    """Return a classifier's outputs from its logits, float32 ``[N, 1]`` for two classes or ``[N, C]``."""
    logistic: Var | None = None
    if probabilities is None and n_classes == 2:
        logistic = op.sigmoid(logits)
        probabilities = op.concat([op.sub(op.const(np.float32(1)), logistic), logistic], axis=1)
    elif probabilities is None:
        probabilities = op.softmax(logits, axis=1)
    elif n_classes == 2:
        logistic = op.slice(probabilities, *(op.const(np.array([bound])) for bound in (1, 2, 1)))
    outputs = {
        "probabilities": probabilities,
        "logits": logits,
        "classes": op.arg_max(probabilities, axis=1, keepdims=0),
    }
    if logistic is not None:
        outputs["logistic"] = logistic
    return outputs


def build_graph(specs: Sequence[FeatureSpec], graph: Callable[[Mapping[str, Var]], dict[str, Var]]) -> onnx.ModelProto:
    """Build the model whose inputs are the features."""
    dtypes = {"float32": np.float32, "int64": np.int64}
    inputs = {spec.name: argument(Tensor(dtypes[spec.dtype], ("N", *spec.shape))) for spec in specs}
    model = build(inputs, graph(inputs), drop_unused_inputs=False)
    model.ir_version = min(model.ir_version, 10)
    model.producer_name = "headrace"
    model.producer_version = ""
    return model
