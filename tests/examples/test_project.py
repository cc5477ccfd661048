from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from headrace.errors import UsageError
from headrace.examples.project import EXAMPLES, create_project
from headrace.pipeline import load_pipeline, origin_of, search_path
from headrace.schema import Schema

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_project_has_a_pipeline_that_compiles(example: str, tmp_path: Path) -> None:
    created = create_project(example, tmp_path / "mine", with_data=False)
    assert {path.name for path in created.written} >= {"pipeline.py", "schema.yaml"}
    assert created.kept == created.data == ()
    origin = origin_of(tmp_path / "mine" / "pipeline.py")
    with search_path(origin):
        assert load_pipeline(origin).name


def test_the_pipeline_of_census_goes_from_ingestion_to_publication(tmp_path: Path) -> None:
    create_project("census", tmp_path, with_data=False)
    origin = origin_of(tmp_path / "pipeline.py")
    with search_path(origin):
        steps = load_pipeline(origin).compile({}).steps
    assert [*steps][:: len(steps) - 1] == ["example_gen", "pusher"]
    assert Schema.load(tmp_path / "schema.yaml")["age"].max == 120


def test_what_exists_is_kept(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text("# mine\n", "utf-8")
    created = create_project("census", tmp_path, with_data=False)
    assert created.kept == (tmp_path / "pipeline.py",)
    assert tmp_path / "schema.yaml" in created.written
    assert (tmp_path / "pipeline.py").read_text("utf-8") == "# mine\n"


def test_data_that_is_there_is_taken(census_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in ("adult.data", "adult.test"):
        shutil.copyfile(census_dir / name, tmp_path / "data" / name)
    assert [path.name for path in create_project("census", tmp_path).data] == ["adult.data", "adult.test"]


def test_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'census'"):
        create_project("sensus", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="A folder is wanted"):
        create_project("census", tmp_path / "file")
