from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from headrace.errors import LeakError
from headrace.schema import FeatureSpec
from headrace.training import refuse_leaks

GRAPH: Any = SimpleNamespace(
    outputs=(
        FeatureSpec("a", "float32", sources=("x", "y")),
        FeatureSpec("b", "float32", sources=("z",)),
        FeatureSpec("label", "int64", sources=("y", "q")),
        FeatureSpec("weight", "float32", sources=("z",)),
    ),
    path=lambda output, column: [column, "mean", "subtract", output],
)


def test_a_leak_is_named_with_its_path() -> None:
    with pytest.raises(LeakError, match="feature 'a' and label 'label', both from 'y'") as caught:
        refuse_leaks(GRAPH, ["b", "a"], label="label")
    assert caught.value.where == "y → mean → subtract → a"
    assert "allow_shared=['y']" in str(caught.value)


def test_the_weight_counts_as_the_label_does() -> None:
    with pytest.raises(LeakError, match="weight 'weight', both from 'z'"):
        refuse_leaks(GRAPH, ["b"], label="label", weight="weight")


def test_what_is_allowed_or_not_used_passes() -> None:
    refuse_leaks(GRAPH, ["b"], label="label")
    refuse_leaks(GRAPH, ["a", "b"], label="label", allow_shared=["y"])
