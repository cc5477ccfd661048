from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


@pytest.mark.parametrize(
    "reference",
    ["census", "census/1", "models/census/1", ".headrace/models/census/1", ".headrace/models/census/1/model.onnx"],
)
def test_a_model_tells_what_made_it(here: Path, headrace: Call, reference: str) -> None:
    said = headrace("lineage", reference)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].startswith(f"{reference}: PushedModel ")
    data = lines[lines.index("data") + 2 : lines.index("made by") - 1]
    assert [(row.split()[0], row.split()[2]) for row in data] == [
        (str(here / "adult.data"), "source"),
        (str(here / "schema.yaml"), "curated"),
    ]
    made_by = [line.split()[0] for line in lines if line.startswith("  ") and "  run 20" in line]
    assert made_by[0] == "pusher"
    assert {"trainer", "transform", "evaluator", "example_gen", "schema_gen", "statistics_gen"} <= set(made_by)
    assert "      to = census" in lines
    assert all(len(line) < 200 for line in lines)


def test_for_machines(here: Path, headrace: Call) -> None:
    graph = headrace("lineage", "models/census/1", "--json").json
    assert graph["artifact"]["properties"]["name"] == "census"
    trainer = next(one for one in graph["upstream"] if one["component"] == "trainer")
    assert trainer["parameters"]["estimator"]["n_trees"] == 10
    assert trainer["code_digest"]
    assert {item["artifact"] for item in trainer["inputs"]} <= set(graph["artifacts"])


def test_data_tells_what_used_it(here: Path, headrace: Call) -> None:
    folder = next((here / ".headrace" / "artifacts" / "Examples").glob("*example_gen"))
    for reference in (folder, folder.name, folder / "examples.json"):
        said = headrace("lineage", reference)
        assert said.code == 0
        assert "used by" in said.out
        assert "  trainer  run" in said.out


def test_a_home_that_was_moved_keeps_its_lineage(own: Path, headrace: Call) -> None:
    shutil.move(own / ".headrace", own / "elsewhere")
    said = headrace("lineage", "census", "--home", own / "elsewhere")
    assert said.code == 0
    assert "PushedModel" in said.out


@pytest.mark.parametrize("reference", ["nothing", "models/nothing/1", "census/9"])
def test_what_is_not_there(here: Path, headrace: Call, reference: str) -> None:
    said = headrace("lineage", reference)
    assert said.code == 1
    assert len(said.err.splitlines()) == 1


def test_a_model_from_elsewhere(here: Path, headrace: Call, tmp_path: Path) -> None:
    shutil.copytree(here / ".headrace" / "models" / "census" / "1", tmp_path / "copy")
    said = headrace("lineage", tmp_path / "copy")
    assert said.code == 1
    assert f"See {tmp_path / 'copy' / 'lineage.json'}" in said.err
