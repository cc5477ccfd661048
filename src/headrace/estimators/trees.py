"""Gradient-boosted decision trees, trained with LightGBM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from headrace.errors import EstimatorError
from headrace.estimators.base import Estimator, Task, check_fraction, check_whole

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.estimators._inputs import Examples
    from headrace.estimators.base import Learned, Monitor

__all__ = ["BoostedTreesClassifier", "BoostedTreesEstimator", "BoostedTreesRegressor"]


@dataclass(kw_only=True, eq=False)
class BoostedTreesEstimator(Estimator):
    """What the boosted trees share.

    Ids with known buckets are split by sets of ids, so they need no embedding and no order. The same data gives the
    same trees on any number of threads.

    Parameters
    ----------
    n_trees
        Rounds of boosting, at most; every round grows a tree, for three and more classes one a class.
    learning_rate
        The factor on every tree's output.
    num_leaves
        Leaves a tree, at most.
    max_depth
        Depth of a tree, at most; None for no limit but ``num_leaves``.
    min_rows_per_leaf
        Rows in a leaf, at least.
    l2
        Regularization of the leaves' values.
    row_fraction, feature_fraction
        The share of rows drawn for every tree, and of features.
    early_stopping_patience
        Rounds without a better validation loss after which to stop; None never stops. With validation rows the trees
        up to the best round are kept either way.
    seed
        Of everything that is drawn.
    """

    n_trees: int = 300
    learning_rate: float = 0.05
    num_leaves: int = 31
    max_depth: int | None = None
    min_rows_per_leaf: int = 20
    l2: float = 0.0
    row_fraction: float = 1.0
    feature_fraction: float = 1.0
    early_stopping_patience: int | None = 50
    seed: int = 0

    def _check(self) -> None:
        super()._check()
        check_whole("n_trees", self.n_trees, 1)
        check_whole("num_leaves", self.num_leaves, 2)
        check_whole("min_rows_per_leaf", self.min_rows_per_leaf, 1)
        check_whole("seed", self.seed, 0)
        check_fraction("learning_rate", self.learning_rate)
        check_fraction("l2", self.l2)
        if self.learning_rate == 0:
            raise EstimatorError("learning_rate is positive", got=self.learning_rate)
        for name in ("max_depth", "early_stopping_patience"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1)
        for name in ("row_fraction", "feature_fraction"):
            value = getattr(self, name)
            check_fraction(name, value)
            if not 0 < value <= 1:
                raise EstimatorError(f"{name} is above 0 and at most 1", got=value)

    def _learn(self, examples: Examples, validation: Examples | None, monitor: Monitor | None) -> Learned:
        from headrace.estimators._trees_fit import fit

        return fit(self, examples, validation, monitor)

    def _read(self, directory: Path) -> Learned:
        from headrace.estimators._trees_model import TreesModel

        return TreesModel.read(directory)


@dataclass(kw_only=True, eq=False)
class BoostedTreesClassifier(BoostedTreesEstimator):
    """Boosted trees that minimise the log loss.

    Examples
    --------
    >>> BoostedTreesClassifier(label="income", n_trees=100).get_params()["n_trees"]
    100
    """

    task: ClassVar[Task] = "classification"


@dataclass(kw_only=True, eq=False)
class BoostedTreesRegressor(BoostedTreesEstimator):
    """Boosted trees that minimise the squared error."""

    task: ClassVar[Task] = "regression"
