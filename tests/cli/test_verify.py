from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from tests.cli.conftest import Said

    Call = Callable[..., Said]


def test_all_ways_agree_on_the_examples_of_the_run(here: Path, headrace: Call) -> None:
    said = headrace("verify", "census", "--rows", "20")
    assert said.code == 0
    assert said.out.startswith("Same on every path, 20 rows\n")
    assert "REST rows, 1 rows at a time: identical" in said.out


def test_a_difference_leaves_with_3(here: Path, headrace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from headrace.model import LoadedModel

    honest = LoadedModel.predict_batch

    def off(self: LoadedModel, batch: Any) -> Any:
        import pyarrow.compute as pc

        made = honest(self, batch)
        return made.set_column(made.schema.get_field_index("classes"), "classes", pc.add(made["classes"], 1))

    monkeypatch.setattr(LoadedModel, "predict_batch", off)
    said = headrace("verify", "census/1", "--rows", "5", "--json")
    assert said.code == 3
    assert said.json["ok"] is False
    wrong = [one for one in said.json["comparisons"] if not one["ok"]]
    assert {one["path"] for one in wrong} == {"batch"}
    assert {one["output"] for one in wrong} == {"classes"}


def test_rows_of_a_file(here: Path, headrace: Call, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "age,workclass,marital_status\n30,Private,Divorced\n40,,Never-married\n", "utf-8"
    )
    said = headrace("verify", ".headrace/models/census/1", tmp_path / "rows.csv")
    assert said.code == 0
    assert said.out.startswith("Same on every path, 2 rows\n")


def test_a_model_from_elsewhere_needs_rows(here: Path, headrace: Call, tmp_path: Path) -> None:
    shutil.copytree(here / ".headrace" / "models" / "census" / "1", tmp_path / "copy")
    said = headrace("verify", tmp_path / "copy")
    assert said.code == 2
    assert "Name a data file" in said.err


def test_a_transform(here: Path, headrace: Call, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from headrace import transform as tft

    pq.write_table(pa.table({"x": [1.0, 2.0, 5.0], "s": ["a", "b", "a"]}), tmp_path / "rows.parquet")
    graph = tft.analyze(
        tmp_path / "rows.parquet",
        lambda inputs: {"x": tft.scale_to_0_1(inputs["x"]), "s": tft.compute_and_apply_vocabulary(inputs["s"])},
    )
    graph.save(tmp_path / "transform")
    said = headrace("verify", tmp_path / "transform", tmp_path / "rows.parquet")
    assert said.code == 0
    assert said.out.startswith("Same in every way, 3 rows\n  one row at a time: identical\n")
    assert headrace("verify", tmp_path / "transform", tmp_path / "rows.parquet", "--json").json["ok"] is True
    assert headrace("verify", tmp_path / "transform").code == 2
