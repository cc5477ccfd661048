"""Fitting, exporting and keeping scikit-learn models."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.errors import EstimatorError, import_extra
from headrace.estimators._curve import validation_metrics
from headrace.estimators._matmul import with_matmul
from headrace.estimators._operators import op
from headrace.estimators._outputs import classifier_arrays, classifier_vars
from headrace.storage import write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spox import Var

    from headrace.estimators._inputs import Examples
    from headrace.estimators.base import Monitor
    from headrace.estimators.sklearn_adapter import SklearnEstimator
    from headrace.schema import FeatureSpec

__all__ = ["SklearnModel", "fit"]

TINY = np.float32(1e-9)


def fit(
    estimator: SklearnEstimator, examples: Examples, validation: Examples | None, monitor: Monitor | None
) -> SklearnModel:
    """Fit a clone of the estimator.

    Raises
    ------
    EstimatorError
        If scikit-learn refuses, or the classifier gives no probabilities.
    """
    base = import_extra("sklearn.base", "sklearn")
    model = base.clone(estimator.estimator)
    if examples.classes and not hasattr(model, "predict_proba"):
        raise EstimatorError(
            "A classifier gives probabilities",
            got=type(model).__name__,
            fix="Wrap it in sklearn.calibration.CalibratedClassifierCV",
        )
    fitted = SklearnModel(examples.specs, len(examples.classes), estimator.one_hot_up_to, model)
    # A pipeline hands parameters to the step that they are named after.
    prefix = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
    weights = {} if estimator.weight is None else {f"{prefix}sample_weight": examples.weights}
    try:
        model.fit(fitted.matrix(examples.columns), examples.labels, **weights)
    except (TypeError, ValueError) as error:
        raise EstimatorError(f"{type(model).__name__} can learn from the data", got=str(error)) from error
    if monitor is not None and validation is not None:
        outputs = fitted.outputs(validation.columns)
        raw = outputs["logits"] if examples.classes else outputs["predictions"]
        monitor.on_epoch(1, validation_metrics(raw, validation))
    return fitted


@dataclass
class SklearnModel:
    """A fitted scikit-learn model and how features become its matrix."""

    specs: tuple[FeatureSpec, ...]
    n_classes: int
    one_hot_up_to: int
    model: Any

    def _is_one_hot(self, spec: FeatureSpec) -> bool:
        return spec.num_buckets is not None and spec.num_buckets <= self.one_hot_up_to

    def matrix(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return float32 ``[N, D]``."""
        parts = []
        for spec in self.specs:
            values = columns[spec.name]
            if self._is_one_hot(spec):
                values = np.eye(spec.num_buckets or 0, dtype=np.float32)[values]
                values = values.sum(axis=1) if spec.shape else values
            parts.append((values if values.ndim == 2 else values[:, None]).astype(np.float32))
        return np.concatenate(parts, axis=1)

    def outputs(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute the outputs with scikit-learn; logits are the logarithms of the probabilities."""
        rows = self.matrix(columns)
        if not self.n_classes:
            found = self.model.predict(rows) if len(rows) else np.zeros(0)
            return {"predictions": np.asarray(found, np.float32).reshape(len(rows), 1)}
        probabilities = np.zeros((len(rows), self.n_classes), np.float32)
        if len(rows):
            # Classes that the rows did not have keep the probability 0.
            probabilities[:, self.model.classes_] = self.model.predict_proba(rows)
        logs = np.log(np.maximum(probabilities, TINY))
        return classifier_arrays(logs[:, 1:] - logs[:, :1] if self.n_classes == 2 else logs, probabilities)

    def graph(self, inputs: Mapping[str, Var]) -> dict[str, Var]:
        """Compute the outputs with ONNX operators.

        Raises
        ------
        EstimatorError
            If skl2onnx cannot export the model.
        """
        from spox import inline

        parts = []
        for spec in self.specs:
            values = inputs[spec.name]
            if self._is_one_hot(spec):
                values = op.gather(op.const(np.eye(spec.num_buckets or 0, dtype=np.float32)), values)
                values = op.reduce_sum(values, op.const(np.array([1])), keepdims=0) if spec.shape else values
            else:
                values = op.cast(values, to=np.float32) if spec.dtype == "int64" else values
                values = values if spec.shape else op.unsqueeze(values, op.const(np.array([1])))
            parts.append(values)
        rows = op.concat(parts, axis=1) if len(parts) > 1 else parts[0]
        exported = inline(self._export())(rows)
        if not self.n_classes:
            return {"predictions": op.reshape(exported["variable"], op.const(np.array([-1, 1])))}
        probabilities = exported["probabilities"]
        if len(self.model.classes_) != self.n_classes:
            spread = np.eye(self.n_classes, dtype=np.float32)[self.model.classes_]
            probabilities = op.matmul(probabilities, op.const(spread))
        logs = op.log(op.max([probabilities, op.const(TINY)]))
        if self.n_classes == 2:
            first, second = (op.gather(logs, op.const(np.array([index])), axis=1) for index in (0, 1))
            logs = op.sub(second, first)
        return classifier_vars(logs, self.n_classes, probabilities)

    def _export(self) -> Any:
        skl2onnx = import_extra("skl2onnx", "sklearn")
        types = import_extra("skl2onnx.common.data_types", "sklearn")
        width = self.model.n_features_in_
        options = {id(self.model): {"zipmap": False}} if self.n_classes else None
        try:
            exported = skl2onnx.convert_sklearn(
                self.model,
                initial_types=[("rows", types.FloatTensorType([None, width]))],
                options=options,
                target_opset={"": 21, "ai.onnx.ml": 3},
            )
            return with_matmul(exported)
        except Exception as error:
            # Its converters fail in many ways, some with pages of values.
            raise EstimatorError(
                "skl2onnx can export the estimator",
                got=f"{type(self.model).__name__}: {type(error).__name__}: {str(error).strip()[:200]}",
                fix="Choose one that it supports: https://onnx.ai/sklearn-onnx/supported.html",
            ) from error

    def write(self, directory: Path) -> None:
        """Write ``model.pickle``. As every pickle, it must be read only where its origin is trusted."""
        write_atomic(directory / "model.pickle", pickle.dumps(self, protocol=5))

    @classmethod
    def read(cls, directory: Path) -> SklearnModel:
        """Read what ``write`` wrote."""
        import_extra("sklearn", "sklearn")
        try:
            model = pickle.loads((Path(directory) / "model.pickle").read_bytes())  # noqa: S301 - documented
        except (OSError, pickle.UnpicklingError, AttributeError, EOFError) as error:
            raise EstimatorError(
                "The folder holds a scikit-learn model", got=str(error), where=str(directory)
            ) from error
        assert isinstance(model, cls)
        return model
