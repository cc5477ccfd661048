"""What every estimator is: parameters as fields, ``fit``, ``predict``, and an ONNX graph."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, cast

from headrace.errors import EstimatorError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import onnx
    from spox import Var

    from headrace.estimators._inputs import Examples
    from headrace.schema import FeatureSpec

__all__ = ["Estimator", "Learned", "Monitor", "Task", "check_fraction", "check_whole"]

Task = Literal["classification", "regression"]


class Monitor(Protocol):
    """Watches a fit: takes the learning curve and checkpoints, and may stop it."""

    def on_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take the metrics of an epoch (for trees, of an iteration); epochs count from 1."""
        ...

    def checkpoint(self, state: Mapping[str, np.ndarray]) -> None:
        """Keep the state from which ``fit`` can go on; it replaces the one before."""
        ...

    def restore(self) -> Mapping[str, np.ndarray] | None:
        """Return the state that was kept last, or None."""
        ...

    def should_stop(self) -> bool:
        """Whether to end the fit after this epoch."""
        ...


class Learned(Protocol):
    """What a fit gives: a prediction function, natively and as a graph."""

    def outputs(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute the estimator's outputs with the framework that trained it."""
        ...

    def graph(self, inputs: Mapping[str, Var]) -> dict[str, Var]:
        """Compute the same outputs with ONNX operators."""
        ...

    def write(self, directory: Path) -> None:
        """Write everything that ``Estimator._read`` needs, the same bytes for the same model."""
        ...


@dataclass(kw_only=True, eq=False)
class Estimator(ABC):
    """The base of all estimators.

    The fields are the parameters. A fit keeps what it learned aside, so that parameters can be read, compared and set
    at any time.

    Parameters
    ----------
    label
        The column to predict.
    weight
        A column of non-negative row weights; every row counts the same when None.
    features
        The columns to learn from; all but the label and the weight when None.
    """

    task: ClassVar[Task]

    label: str
    weight: str | None = None
    features: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        self._learned: Learned | None = None
        self._specs: tuple[FeatureSpec, ...] = ()
        self._classes: tuple[Any, ...] = ()
        self._class_names: tuple[str, ...] = ()
        self._check()

    def _check(self) -> None:
        """Raise EstimatorError for parameters that cannot be."""
        if not isinstance(self.label, str) or not self.label:
            raise EstimatorError("The label is the name of a column", got=self.label)
        if self.features is not None:
            if isinstance(cast("object", self.features), str):
                raise EstimatorError("Features are a sequence of names", got=self.features, fix="Put it into a tuple")
            self.features = tuple(self.features)
            if not self.features:
                raise EstimatorError("There is at least one feature", got="an empty sequence")
            for name in (self.label, self.weight):
                if name in self.features:
                    raise EstimatorError("The label and the weight are not features", got=name)
        if self.weight == self.label:
            raise EstimatorError("The label and the weight are different columns", got=self.label)

    def get_params(self, *, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's signature
        """Return the parameters by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self, **params: Any) -> Self:
        """Change parameters; what was learned is forgotten.

        Raises
        ------
        EstimatorError
            For a name or a value that cannot be.
        """
        known = self.get_params(deep=False)
        for name in params:
            if name not in known:
                raise EstimatorError(
                    f"{type(self).__name__} has no such parameter", got=name, fix=did_you_mean(name, known)
                )
        for name, value in params.items():
            setattr(self, name, value)
        self.__post_init__()
        return self

    def clone(self, **changes: Any) -> Self:
        """Return an unfitted copy, with some parameters changed."""
        copy = type(self)(**self.get_params(deep=False))
        return copy.set_params(**changes) if changes else copy

    def fit(
        self,
        data: Any,
        specs: Sequence[FeatureSpec] | None = None,
        validation: Any = None,
        monitor: Monitor | None = None,
    ) -> Self:
        """Learn from the rows of ``data``.

        Parameters
        ----------
        data
            A ``Dataset``, an Arrow table or batch, anything with the Arrow PyCapsule interface, or a dict of columns.
        specs
            What the columns hold; read off the Arrow types when None: then no integer is taken for an id.
        validation
            Rows of the same columns, for the learning curve and for stopping early.
        monitor
            Takes the learning curve and checkpoints.

        Raises
        ------
        EstimatorError
            If the data cannot be learned from; the message names the column.
        """
        from headrace.estimators import _inputs

        dataset = _inputs.as_dataset(data)
        if specs is None:
            specs = _inputs.infer_specs(dataset.schema, leave_out=(self.label, self.weight))
        chosen = _inputs.choose_specs(specs, dataset.schema, self)
        label_spec = next((spec for spec in specs if spec.name == self.label), None)
        examples = _inputs.read_examples(dataset, chosen, self, label_spec=label_spec)
        held_out = None
        if validation is not None:
            held_out = _inputs.read_examples(
                _inputs.as_dataset(validation), chosen, self, label_spec=label_spec, classes=examples.classes
            )
        learned = self._learn(examples, held_out, monitor)
        self._specs = tuple(chosen)
        self._classes = examples.classes
        self._class_names = _inputs.class_names(examples.classes, label_spec)
        self._learned = learned
        return self

    def predict(self, data: Any) -> np.ndarray:
        """Predict the class (as it stood in the label column), or the number, of every row: ``[N]``."""
        import numpy as np

        outputs = self._outputs(data)
        if self.task == "regression":
            return outputs["predictions"][:, 0]
        found: np.ndarray = np.asarray(self._classes)[outputs["classes"]]
        return found

    def predict_proba(self, data: Any) -> np.ndarray:
        """Predict the probability of every class, in the order of ``classes_``: float32 ``[N, C]``."""
        if self.task == "regression":
            raise EstimatorError("Only classifiers predict probabilities", got=type(self).__name__, fix="Use predict")
        return self._outputs(data)["probabilities"]

    def predict_outputs(self, data: Any) -> dict[str, np.ndarray]:
        """Compute all outputs that ``to_onnx`` has, with the framework that trained the model."""
        return self._outputs(data)

    def to_onnx(self) -> onnx.ModelProto:
        """Return the prediction function as ONNX.

        Inputs are named as the features, int64 or float32, ``["N"]`` or ``["N", K]``. A classifier's outputs are
        ``probabilities`` float32 ``[N, C]``, ``logits`` float32 (``[N, 1]`` for two classes, else ``[N, C]``),
        ``classes`` int64 ``[N]`` and, for two classes, ``logistic`` float32 ``[N, 1]``; a regressor's is
        ``predictions`` float32 ``[N, 1]``.
        """
        from headrace.estimators._outputs import build_graph

        return build_graph(self._specs, self._fitted.graph)

    def save(self, directory: Path) -> None:
        """Write parameters and what was learned into ``directory``."""
        from headrace.estimators._files import save

        save(self, directory)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what ``save`` wrote.

        Raises
        ------
        EstimatorError
            If the folder holds no estimator, or one of another class.
        """
        from headrace.estimators._files import load

        estimator = load(directory)
        if not isinstance(estimator, cls):
            raise EstimatorError(
                f"The folder holds a {cls.__name__}", got=type(estimator).__name__, where=str(directory)
            )
        return estimator

    @property
    def is_fitted(self) -> bool:
        """Whether there is something to predict with."""
        return self._learned is not None

    @property
    def classes_(self) -> np.ndarray:
        """The values of the label, in the order of the probabilities."""
        import numpy as np

        assert self._fitted is not None
        if self.task == "regression":
            raise EstimatorError("Only classifiers have classes", got=type(self).__name__)
        return np.asarray(self._classes)

    @property
    def class_names_(self) -> tuple[str, ...]:
        """What the classes are called: the words behind the ids where they are known."""
        assert self._fitted is not None
        return self._class_names

    @property
    def specs_(self) -> tuple[FeatureSpec, ...]:
        """The features that were learned from, in order."""
        assert self._fitted is not None
        return self._specs

    @property
    def feature_names_in_(self) -> tuple[str, ...]:
        """Names of the features that were learned from, in order."""
        return tuple(spec.name for spec in self.specs_)

    @property
    def n_features_in_(self) -> int:
        """How many features were learned from."""
        return len(self.specs_)

    @property
    def _fitted(self) -> Learned:
        if self._learned is None:
            raise EstimatorError(f"{type(self).__name__} has not been fitted", fix="Call fit first")
        return self._learned

    def _outputs(self, data: Any) -> dict[str, np.ndarray]:
        from headrace.estimators import _inputs

        learned = self._fitted
        return learned.outputs(_inputs.read_columns(_inputs.as_dataset(data), self._specs))

    def _plain_params(self) -> dict[str, Any]:
        """Return the parameters as JSON can hold them."""
        params = self.get_params(deep=False)
        return json.loads(json.dumps(params))  # type: ignore[no-any-return]

    @classmethod
    def _from_plain(cls, params: dict[str, Any], directory: Path) -> Self:  # noqa: ARG003 - some keep more in files
        """Make an unfitted estimator of what ``_plain_params`` gave."""
        return cls(**params)

    @abstractmethod
    def _learn(self, examples: Examples, validation: Examples | None, monitor: Monitor | None) -> Learned:
        """Learn from examples that were checked."""

    @abstractmethod
    def _read(self, directory: Path) -> Learned:
        """Read what ``Learned.write`` wrote."""


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise EstimatorError unless ``value`` is an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise EstimatorError(f"{name} is a whole number of at least {least}", got=value)


def check_fraction(name: str, value: Any, *, least: float = 0.0, below: float = float("inf")) -> None:
    """Raise EstimatorError unless ``value`` is a number with ``least <= value < below``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < below:
        bound = f" and below {below:g}" if below != float("inf") else ""
        raise EstimatorError(f"{name} is a number of at least {least:g}{bound}", got=value)
