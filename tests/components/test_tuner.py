from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import headrace as hr
from headrace.components import trainer, transform, tuner
from headrace.errors import LeakError, UsageError
from headrace.tuning import Domain, SearchResult

if TYPE_CHECKING:
    from headrace.components import Examples, Schema, TransformGraph

FEATURES = ("age", "education_num", "marital_status", "workclass")


def trees(**options: Any) -> hr.BoostedTreesClassifier:
    return hr.BoostedTreesClassifier(label="label", features=FEATURES, n_trees=3, **options)


def test_a_search_keeps_its_trials_and_hands_the_best_to_the_trainer(
    transformed: Examples, graph: TransformGraph
) -> None:
    space: dict[str, Domain] = {"num_leaves": hr.integer(2, 8), "learning_rate": hr.uniform(0.01, 0.5, log=True)}
    found = tuner(transformed, graph, trees(), space, trials=3)
    result = SearchResult.load(found.path)
    assert len(result.trials) == 3
    assert {name for trial in result.trials for name in trial.params} == set(space)
    values = [trial.value for trial in result.trials if trial.value is not None]
    assert found.properties["metric"] == "auc"
    assert found.properties["best_value"] == max(values)
    assert found.load() == result.best_params == found.properties["best_params"]
    model = trainer(transformed, graph, trees(), hyperparameters=found)
    assert model.properties["estimator"] == "BoostedTreesClassifier"


def test_the_same_search_makes_the_same_trials(transformed: Examples, graph: TransformGraph) -> None:
    space = {"num_leaves": hr.choice(2, 3, 4, 5, 6)}
    one, other = (tuner(transformed, graph, trees(), space, trials=2, metric="accuracy", seed=1) for _ in range(2))
    assert [(t.params, t.value) for t in SearchResult.load(one.path).trials] == [
        (t.params, t.value) for t in SearchResult.load(other.path).trials
    ]


def test_regressors_are_measured_by_their_error(transformed: Examples, graph: TransformGraph) -> None:
    estimator = hr.BoostedTreesRegressor(label="hours", features=FEATURES, n_trees=3)
    found = tuner(transformed, graph, estimator, {"num_leaves": hr.choice(2, 8)}, trials=2)
    result = SearchResult.load(found.path)
    assert found.properties["metric"] == "rmse"
    assert found.properties["best_value"] == min(trial.value or 0 for trial in result.trials)


def test_more_than_two_classes_are_measured_by_log_loss(transformed: Examples, graph: TransformGraph) -> None:
    estimator = hr.BoostedTreesClassifier(label="workclass", features=("age", "marital_status"), n_trees=2)
    found = tuner(transformed, graph, estimator, {"num_leaves": hr.choice(2, 8)}, trials=1)
    assert found.properties["metric"] == "log_loss"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"space": {"num_leafs": hr.integer(2, 8)}}, "Did you mean 'num_leaves'"),
        ({"metric": "acu"}, "Did you mean 'auc'"),
        ({"metric": "rmse"}, "metric of binary classification"),
        ({"metric": "precision"}, "maximized or minimized"),
        ({"space": {}}, "at least one parameter"),
        ({"trials": 0}, "at least one trial"),
    ],
)
def test_what_cannot_be_searched(
    transformed: Examples, graph: TransformGraph, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        tuner(transformed, graph, trees(), **{"space": {"num_leaves": hr.integer(2, 8)}, **options})


def test_a_leak_is_found_before_anything_is_tried(examples: Examples, schema: Schema) -> None:
    def leaking(inputs: Any) -> dict[str, Any]:
        return {"twice": inputs["age"] * 2, "label": inputs["age"] > 40}

    graph, features = transform(examples, schema, leaking)
    with pytest.raises(LeakError, match="both from 'age'"):
        tuner(features, graph, hr.BoostedTreesClassifier(label="label"), {"num_leaves": hr.integer(2, 8)})
