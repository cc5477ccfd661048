from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from headrace.errors import EvaluationError
from headrace.evaluation import Check, Curves, Difference, EvalResult, SliceResult
from headrace.metrics import MetricValue

if TYPE_CHECKING:
    from pathlib import Path

RESULT = EvalResult(
    task="binary_classification",
    overall=SliceResult((), 10, {"auc": MetricValue(0.5, 0.25, 0.75), "rmse": MetricValue(math.inf)}),
    slices=(SliceResult((("é", "a=b, c"),), 4, {}),),
    curves=Curves(roc=((0.0, 0.0, math.inf), (1.0, 1.0, 0.1)), calibration=((0.0, 0.1, 0.05, 0.5, 3.0),)),
    checks=(Check("auc", "overall", "min", 0.5, 0.4, ok=True), Check("f1", "s=1", "min", None, 1.0, ok=True, note="n")),
    differences=(Difference("auc", "overall", 0.5, 0.4),),
    rows_without_label=2,
    data="d",
    config={"metrics": ["auc"]},
    baseline="models/m/1",
)


def test_everything_survives_the_file(tmp_path: Path) -> None:
    assert EvalResult.load(RESULT.save(tmp_path / "evaluation.json")) == RESULT
    assert RESULT.to_dict()["blessed"] is True


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(EvaluationError, match="Upgrade"):
        EvalResult.from_dict(RESULT.to_dict() | {"format": 99})


def test_a_file_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="FileNotFoundError"):
        EvalResult.load(tmp_path)


def test_slices_by_name() -> None:
    assert RESULT.slice("overall") is RESULT.overall
    assert RESULT.slice("é=a=b, c").rows == 4
