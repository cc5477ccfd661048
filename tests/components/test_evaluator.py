from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import headrace as hr
from headrace.components import evaluator, pusher
from headrace.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.components import Examples, Model, ModelEvaluation


def test_the_verdict_and_what_led_to_it(blessed: ModelEvaluation, refused: ModelEvaluation) -> None:
    assert blessed.load().blessed
    assert blessed.properties["blessed"] is True
    assert not refused.load().blessed
    value = blessed.properties["metrics"]["auc"]
    low, high = blessed.properties["intervals"]["auc"]
    assert 0.7 < low < value < high < 0.99
    assert blessed.properties["split"] == "test"
    assert blessed.properties["baseline"] is None


def test_the_metric_is_that_of_the_served_predictions(
    examples: Examples, model: Model, blessed: ModelEvaluation
) -> None:
    from sklearn.metrics import roc_auc_score

    table = examples.split("test").to_table()
    labels = [one.startswith(">50K") for one in table.column("income_bracket").to_pylist()]
    wanted = roc_auc_score(labels, model.load().predict(table)["probabilities"][:, 1])
    assert blessed.properties["metrics"]["auc"] == pytest.approx(wanted, abs=1e-6)


def test_slices(examples: Examples, model: Model) -> None:
    result = evaluator(examples, model, hr.EvalConfig(metrics=["accuracy"], slices=[["sex"]])).load()
    rows = {part.name: part.rows for part in result.slices}
    assert {"sex=Female", "sex=Male"} <= set(rows)
    assert rows["sex=Female"] + rows["sex=Male"] == result.overall.rows == examples.summary["rows"]["eval"]


def test_the_last_blessed_version_is_the_baseline(
    examples: Examples, model: Model, blessed: ModelEvaluation, in_home: Path
) -> None:
    config = hr.EvalConfig(metrics=["auc"], change_thresholds={"auc": {"min_change": 0.0}})
    first = evaluator(examples, model, config, split="test", baseline="census")
    assert first.properties["baseline"] is None
    pushed = pusher(model, blessed, to="census")
    second = evaluator(examples, model, config, split="test", baseline="census")
    assert second.properties["baseline"] == "models/census/1"
    assert second.load().blessed
    assert (in_home / "models" / "census" / "1").samefile(pushed.target["path"])
    better = hr.EvalConfig(metrics=["auc"], change_thresholds={"auc": {"min_change": 0.001}})
    assert not evaluator(examples, model, better, split="test", baseline="census").load().blessed


def test_a_split_that_is_not_there(examples: Examples, model: Model) -> None:
    with pytest.raises(DataError, match="Did you mean 'test'"):
        evaluator(examples, model, hr.EvalConfig(metrics=["auc"]), split="tset")
