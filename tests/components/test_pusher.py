from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import headrace as hr
from headrace.components import InfraBlessing, pusher, statistics_gen
from headrace.errors import NotBlessedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.components import Examples, ExampleStatistics, Model, ModelEvaluation


def test_a_blessed_model_becomes_a_version(
    examples: Examples,
    model: Model,
    blessed: ModelEvaluation,
    survived: InfraBlessing,
    statistics: ExampleStatistics,
    in_home: Path,
) -> None:
    pushed = pusher(model, blessed, survived, to="census", statistics=statistics)
    folder = in_home / "models" / "census" / "1"
    assert pushed.target == pushed.properties
    assert (pushed.target["name"], pushed.target["version"]) == ("census", 1)
    files = {path.name for path in folder.iterdir()}
    assert {"model.onnx", "signature.json", "schema.yaml", "evaluation.json", "statistics.json"} <= files
    assert json.loads((folder / "evaluation.json").read_text("utf-8"))["blessed"] is True
    rows = examples.split("test").to_table().slice(0, 10)
    served, trained = hr.load_model(folder).predict(rows), model.load().predict(rows)
    assert all((served[name] == trained[name]).all() for name in trained)


def test_pushing_twice_is_pushing_once(model: Model, blessed: ModelEvaluation, in_home: Path) -> None:
    targets = [pusher(model, blessed, to="census").target for _ in range(2)]
    assert targets[0] == targets[1]
    assert [path.name for path in (in_home / "models" / "census").iterdir() if path.name.isdigit()] == ["1"]


def test_a_model_that_its_evaluation_refused_is_not_published(
    model: Model, refused: ModelEvaluation, in_home: Path
) -> None:
    with pytest.raises(NotBlessedError, match=r"auc \(overall\) is 0\.\d+, must be at least 0\.99"):
        pusher(model, refused, to="census")
    assert not (in_home / "models").exists()


def test_a_model_that_failed_the_crash_test_is_not_published(
    model: Model, blessed: ModelEvaluation, in_home: Path
) -> None:
    crashed = InfraBlessing.create()
    (crashed.path / "crash_test.json").write_text('{"ok": false, "reason": "ended by SIGSEGV"}', "utf-8")
    with pytest.raises(NotBlessedError, match="SIGSEGV"):
        pusher(model, blessed, crashed, to="census")
    assert not (in_home / "models").exists()


def test_a_name_that_cannot_be(model: Model, blessed: ModelEvaluation, in_home: Path) -> None:
    with pytest.raises(UsageError, match="lower-case letters"):
        pusher(model, blessed, to="../census")
    assert not in_home.exists()


def test_the_version_has_statistics_without_slices(
    examples: Examples, model: Model, blessed: ModelEvaluation, in_home: Path
) -> None:
    sliced = statistics_gen(examples, columns=["age", "sex"], slices=["sex"])
    pusher(model, blessed, to="census", statistics=sliced)
    kept = hr.Statistics.load(in_home / "models" / "census" / "1" / "statistics.json")
    assert kept == sliced.load().whole()
    assert kept.names == ("train", "eval", "test")
