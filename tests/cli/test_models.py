from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


def test_list(here: Path, headrace: Call, tmp_path: Path) -> None:
    lines = headrace("models", "list").out.splitlines()
    assert lines[0].split() == ["model", "published", "(UTC)", "verdict", "metrics"]
    assert lines[1].startswith("models/census/1  20")
    assert "blessed  auc 0." in lines[1]
    assert headrace("models", "list", "census").out.splitlines() == lines
    (version,) = headrace("models", "list", "--json").json
    assert (version["name"], version["version"], version["blessed"]) == ("census", 1, True)
    assert 0.7 < version["metrics"]["auc"] < 1
    assert "no models in" in headrace("models", "list", "--home", tmp_path).out


@pytest.mark.parametrize("reference", ["census", "census/1", "models/census/1", ".headrace/models/census/1"])
def test_show(here: Path, headrace: Call, reference: str) -> None:
    said = headrace("models", "show", reference)
    assert said.code == 0
    assert said.out.startswith("models/census/1  ")
    assert "workclass       string  optional" in said.out
    assert "age             int64   required" in said.out
    assert "probabilities  float32  0, 1" in said.out
    assert "headrace lineage models/census/1" in said.out
    shown = headrace("models", "show", reference, "--json").json
    assert {one["feature"] for one in shown["signature"]["inputs"]} == {"age", "workclass", "marital_status"}
    assert shown["files"]["model.onnx"] > 0


@pytest.mark.parametrize(("reference", "advice"), [("censsu", "Did you mean 'census'"), ("census/7", "There are: 1")])
def test_what_is_not_there(here: Path, headrace: Call, reference: str, advice: str) -> None:
    said = headrace("models", "show", reference)
    assert said.code == 1
    assert advice in said.err
