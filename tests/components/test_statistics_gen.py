from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.components import statistics_gen
from headrace.errors import DataError

if TYPE_CHECKING:
    from headrace.components import Examples, ExampleStatistics


def test_every_split_has_its_statistics(examples: Examples, statistics: ExampleStatistics) -> None:
    found = statistics.load()
    assert found.names == ("train", "eval", "test")
    for split in found.names:
        ages = examples.split(split).to_table(["age"]).column(0).to_pylist()
        age = found[split]["age"].num_stats
        assert age is not None
        assert age.mean == pytest.approx(sum(ages) / len(ages), rel=1e-12)
        assert (age.min, age.max) == (min(ages), max(ages))
        assert found[split].num_examples == len(ages)


def test_slices_weights_and_the_label(examples: Examples) -> None:
    found = statistics_gen(
        examples,
        splits=["train"],
        columns=["age", "sex", "income_bracket"],
        slices=["sex", {"age": [[0, 40], [40, None]]}],
        weight_feature="age",
        label_feature="income_bracket",
        cross_features=[["age", "sex"]],
    ).load()
    assert found.names[:2] == ("train", "train/age=[0, 40)")
    train = found["train"]
    assert train.names == ("age", "sex", "income_bracket")
    assert train.weighted_num_examples == sum(examples.split("train").to_table(["age"]).column(0).to_pylist())
    assert train["age"].label is not None
    assert len(train.cross_features) == 1


def test_some_splits_only(examples: Examples) -> None:
    assert statistics_gen(examples, splits=["test"]).load().names == ("test",)
    with pytest.raises(DataError, match="Did you mean 'test'"):
        statistics_gen(examples, splits=["tset"])
