"""Any scikit-learn classifier or regressor as an estimator."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from headrace.errors import EstimatorError, did_you_mean
from headrace.estimators.base import Estimator, check_whole

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.estimators._inputs import Examples
    from headrace.estimators.base import Learned, Monitor

__all__ = ["SklearnClassifier", "SklearnEstimator", "SklearnRegressor", "sklearn"]


@dataclass(kw_only=True, eq=False)
class SklearnEstimator(Estimator):
    """A scikit-learn estimator behind the protocol of this package.

    Parameters
    ----------
    estimator
        A classifier with ``predict_proba``, or a regressor, that skl2onnx can export. It is cloned for every fit.
        Its own parameters are reached as ``estimator__name``.
    one_hot_up_to
        Ids of at most so many buckets become that many columns of 0 and 1; others stay one column of numbers.
    """

    estimator: Any
    one_hot_up_to: int = 64

    def _check(self) -> None:
        super()._check()
        check_whole("one_hot_up_to", self.one_hot_up_to, 0)
        wanted = "classifier" if self.task == "classification" else "regressor"
        if not hasattr(self.estimator, "fit") or not hasattr(self.estimator, "get_params"):
            raise EstimatorError(
                f"The estimator is a scikit-learn {wanted}, made with its parameters", got=repr(self.estimator)
            )

    def get_params(self, *, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, those of the scikit-learn estimator as ``estimator__name`` where ``deep``."""
        params = super().get_params()
        if deep:
            params |= {f"estimator__{name}": value for name, value in self.estimator.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Change parameters; what was learned is forgotten."""
        prefix = "estimator__"
        inner = {name.removeprefix(prefix): params.pop(name) for name in list(params) if name.startswith(prefix)}
        super().set_params(**params)
        known = self.estimator.get_params()
        for name in inner:
            if name not in known:
                raise EstimatorError(
                    f"{type(self.estimator).__name__} has no such parameter", got=name, fix=did_you_mean(name, known)
                )
        if inner:
            # A copy, since the estimator that was handed in is not ours to change.
            self.estimator = deepcopy(self.estimator).set_params(**inner)
        return self

    def _plain_params(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "weight": self.weight,
            "features": self.features,
            "one_hot_up_to": self.one_hot_up_to,
        }

    @classmethod
    def _from_plain(cls, params: dict[str, Any], directory: Path) -> Self:
        from headrace.estimators._sklearn import SklearnModel

        return cls(estimator=SklearnModel.read(directory).model, **params)

    def _learn(self, examples: Examples, validation: Examples | None, monitor: Monitor | None) -> Learned:
        from headrace.estimators._sklearn import fit

        return fit(self, examples, validation, monitor)

    def _read(self, directory: Path) -> Learned:
        from headrace.estimators._sklearn import SklearnModel

        return SklearnModel.read(directory)


@dataclass(kw_only=True, eq=False)
class SklearnClassifier(SklearnEstimator):
    """A scikit-learn classifier; see ``sklearn``."""

    task = "classification"


@dataclass(kw_only=True, eq=False)
class SklearnRegressor(SklearnEstimator):
    """A scikit-learn regressor; see ``sklearn``."""

    task = "regression"


def sklearn(
    estimator: Any,
    *,
    label: str,
    weight: str | None = None,
    features: tuple[str, ...] | None = None,
    one_hot_up_to: int = 64,
) -> SklearnClassifier | SklearnRegressor:
    """Make an estimator of a scikit-learn classifier or regressor.

    Parameters
    ----------
    estimator
        For example ``RandomForestClassifier(max_depth=8)``.
    label, weight, features
        As for every estimator.
    one_hot_up_to
        Ids of at most so many buckets become that many columns of 0 and 1; others stay one column of numbers.

    Raises
    ------
    EstimatorError
        If it is neither a classifier nor a regressor.
    """
    from headrace.errors import import_extra

    base = import_extra("sklearn.base", "sklearn")
    kinds: dict[str, type[SklearnClassifier | SklearnRegressor]] = {
        "classification": SklearnClassifier,
        "regression": SklearnRegressor,
    }
    is_object = hasattr(estimator, "fit") and not isinstance(estimator, type)
    task = (
        "classification"
        if is_object and base.is_classifier(estimator)
        else "regression"
        if is_object and base.is_regressor(estimator)
        else None
    )
    if task is None:
        raise EstimatorError(
            "The estimator is a scikit-learn classifier or regressor",
            got=repr(estimator),
            fix="Hand in an object, such as RandomForestClassifier()",
        )
    return kinds[task](estimator=estimator, label=label, weight=weight, features=features, one_hot_up_to=one_hot_up_to)
