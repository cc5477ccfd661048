"""Wide, deep, and wide-and-deep networks, trained with Keras on JAX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.errors import EstimatorError
from headrace.estimators.base import Estimator, Task, check_fraction, check_whole

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.estimators._inputs import Examples
    from headrace.estimators.base import Learned, Monitor

__all__ = [
    "DNNClassifier",
    "DNNLinearCombinedClassifier",
    "DNNLinearCombinedRegressor",
    "DNNRegressor",
    "LinearClassifier",
    "LinearRegressor",
    "NeuralEstimator",
]


@dataclass(kw_only=True, eq=False)
class NeuralEstimator(Estimator):
    """What the networks share.

    Every epoch's order of rows depends on the seed and the epoch alone, and a checkpoint is kept after every epoch: a
    fit that was killed and resumed ends with the weights of one that was not.

    Parameters
    ----------
    learning_rate
        Of the Adam optimizer.
    l2
        Factor of the summed squares of all weights but the biases, added to the loss.
    batch_size
        Rows a step.
    epochs
        Passes over the rows, at most.
    early_stopping_patience
        Epochs without a better validation loss after which to stop; None never stops. With validation rows the
        weights of the best epoch are kept either way.
    standardize
        Whether numbers are brought to mean 0 and standard deviation 1 first, inside the model.
    seed
        Of the initial weights, the order of rows and dropout.
    """

    wide: ClassVar[bool]
    deep: ClassVar[bool]

    learning_rate: float = 0.001
    l2: float = 0.0
    batch_size: int = 256
    epochs: int = 10
    early_stopping_patience: int | None = 3
    standardize: bool = True
    seed: int = 0

    def _check(self) -> None:
        super()._check()
        check_fraction("learning_rate", self.learning_rate)
        check_fraction("l2", self.l2)
        check_whole("batch_size", self.batch_size, 1)
        check_whole("epochs", self.epochs, 1)
        check_whole("seed", self.seed, 0)
        if self.early_stopping_patience is not None:
            check_whole("early_stopping_patience", self.early_stopping_patience, 1)

    def _learn(self, examples: Examples, validation: Examples | None, monitor: Monitor | None) -> Learned:
        from headrace.estimators._neural_fit import fit

        return fit(self, examples, validation, monitor)

    def _read(self, directory: Path) -> Learned:
        from headrace.estimators._neural_model import NeuralModel

        return NeuralModel.read(directory)


@dataclass(kw_only=True, eq=False)
class _DeepEstimator(NeuralEstimator):
    hidden_units: tuple[int, ...] = (128, 64)
    dropout: float = 0.0
    embedding_dimension: int | None = None
    one_hot_up_to: int = 16

    def _check(self) -> None:
        super()._check()
        given: Any = self.hidden_units
        if isinstance(given, str) or not hasattr(given, "__iter__"):
            raise EstimatorError(
                "hidden_units is a sequence of layer sizes", got=self.hidden_units, fix="Write (128, 64)"
            )
        self.hidden_units = tuple(self.hidden_units)
        if not self.hidden_units:
            raise EstimatorError("hidden_units has at least one layer", got=(), fix="Use a linear estimator for none")
        for units in self.hidden_units:
            check_whole("Every entry of hidden_units", units, 1)
        check_fraction("dropout", self.dropout, below=1.0)
        check_whole("one_hot_up_to", self.one_hot_up_to, 0)
        if self.embedding_dimension is not None:
            check_whole("embedding_dimension", self.embedding_dimension, 1)


@dataclass(kw_only=True, eq=False)
class DNNLinearCombinedClassifier(_DeepEstimator):
    """A linear model and a deep network whose logits are added: "wide and deep".

    Parameters
    ----------
    hidden_units
        Sizes of the hidden layers, each followed by a rectifier.
    dropout
        The share of a hidden layer's outputs that is dropped in training.
    embedding_dimension
        Of ids with more buckets than ``one_hot_up_to``; ``min(50, 1.6 * buckets ** 0.56)`` when None, the rule of
        thumb of fastai's tabular models.
    one_hot_up_to
        Ids of at most so many buckets enter the network one-hot.

    Examples
    --------
    >>> DNNLinearCombinedClassifier(label="income", hidden_units=(64, 32)).hidden_units
    (64, 32)
    """

    task: ClassVar[Task] = "classification"
    wide: ClassVar[bool] = True
    deep: ClassVar[bool] = True


@dataclass(kw_only=True, eq=False)
class DNNLinearCombinedRegressor(_DeepEstimator):
    """The regressor to ``DNNLinearCombinedClassifier``; minimises the squared error."""

    task: ClassVar[Task] = "regression"
    wide: ClassVar[bool] = True
    deep: ClassVar[bool] = True


@dataclass(kw_only=True, eq=False)
class DNNClassifier(_DeepEstimator):
    """A deep network; see ``DNNLinearCombinedClassifier`` for the parameters."""

    task: ClassVar[Task] = "classification"
    wide: ClassVar[bool] = False
    deep: ClassVar[bool] = True


@dataclass(kw_only=True, eq=False)
class DNNRegressor(_DeepEstimator):
    """A deep network that minimises the squared error."""

    task: ClassVar[Task] = "regression"
    wide: ClassVar[bool] = False
    deep: ClassVar[bool] = True


@dataclass(kw_only=True, eq=False)
class LinearClassifier(NeuralEstimator):
    """A linear model: a weight for every number and every id, and a bias."""

    task: ClassVar[Task] = "classification"
    wide: ClassVar[bool] = True
    deep: ClassVar[bool] = False

    learning_rate: float = 0.01


@dataclass(kw_only=True, eq=False)
class LinearRegressor(NeuralEstimator):
    """A linear model that minimises the squared error."""

    task: ClassVar[Task] = "regression"
    wide: ClassVar[bool] = True
    deep: ClassVar[bool] = False

    learning_rate: float = 0.01
