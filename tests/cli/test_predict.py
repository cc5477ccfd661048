from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

import headrace as hr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


@pytest.fixture
def people(here: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((here / "people.json").read_text("utf-8"))
    return found


def test_a_file_of_rows(here: Path, headrace: Call, people: list[dict[str, Any]]) -> None:
    said = headrace("predict", "census", "people.json")
    assert said.code == 0
    lines = [json.loads(line) for line in said.out.splitlines()]
    wanted = hr.load_model(here / ".headrace/models/census/1").predict(people)
    for row, line in enumerate(lines):
        assert line["classes"] == wanted["classes"][row]
        assert np.float32(line["probabilities"]).tobytes() == wanted["probabilities"][row].tobytes()
        assert np.float32(line["logits"]).tobytes() == wanted["logits"][row].tobytes()
    assert headrace("predict", "models/census/1", "people.json", "--json").json == {"predictions": lines}


def test_every_form_of_rows_gives_the_same(
    here: Path, headrace: Call, people: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = headrace("predict", "census", "people.json").out
    columns = {name: [row[name] for row in people] for name in people[0]}
    forms = [
        json.dumps(people),
        json.dumps({"instances": people}),
        json.dumps({"inputs": columns}),
        "\n".join(json.dumps(row) for row in people) + "\n",
        "\n\n".join(json.dumps(row) for row in people),
    ]
    for text in forms:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        said = headrace("predict", "census")
        assert (said.code, said.out) == (0, wanted)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(people[0])))
    assert headrace("predict", "census", "-").out == wanted.splitlines(keepends=True)[0]


def test_a_data_file(here: Path, headrace: Call, tmp_path: Path, people: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist([row | {"id": index} for index, row in enumerate(people * 50)])
    pq.write_table(table, tmp_path / "new.parquet")
    out = tmp_path / "predictions.parquet"
    said = headrace("predict", "census", tmp_path / "new.parquet", "--key", "id", "-o", out)
    assert (said.code, said.out) == (0, f"100 predictions in {out}\n")
    found = pq.read_table(out)
    assert found.column("id").to_pylist() == list(range(100))
    wanted = hr.load_model(here / ".headrace/models/census/1").predict(table)["probabilities"]
    got = np.array(found.column("probabilities").to_pylist(), np.float32)
    assert got.tobytes() == wanted.tobytes()
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_rows_of_a_data_file_that_cannot_be_read_are_said(
    here: Path, headrace: Call, tmp_path: Path, people: list[dict[str, Any]]
) -> None:
    table = pa.Table.from_pylist(people * 50)
    ages = [*map(str, table.column("age").to_pylist()[:-1]), "NA"]
    csv.write_csv(table.set_column(table.schema.get_field_index("age"), "age", pa.array(ages)), tmp_path / "new.csv")
    out = tmp_path / "predictions.parquet"
    said = headrace("predict", "census", tmp_path / "new.csv", "-o", out)
    assert (said.code, said.out) == (0, f"99 predictions in {out}\n")
    assert said.err.startswith("warning: 1 of 100 rows cannot be read and are left out; the first is ")
    assert "column 'age': 'NA'" in said.err


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", 1, "At least one row"),
        ("{", 1, "line 1"),
        ("[1, 2]", 1, "Rows are objects"),
        ('"x"', 1, "Rows are objects"),
        ('{"instances": {}}', 1, "Rows are objects"),
        ('[{"age": 25, "sexx": "Male"}]', 1, "Did you mean 'sex'"),
        ('[{"age": "old", "marital_status": "Divorced"}]', 1, "age"),
        ('[{"age": 25}]', 1, "marital_status"),
    ],
)
def test_rows_that_do_not_fit(
    here: Path, headrace: Call, monkeypatch: pytest.MonkeyPatch, text: str, code: int, message: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    said = headrace("predict", "census")
    assert said.code == code
    assert said.out == ""
    assert message in said.err
    assert len(said.err.splitlines()) == 1


def test_wrong_usage(here: Path, headrace: Call, tmp_path: Path) -> None:
    absent = headrace("predict", "census", "absent.json")
    assert absent.code == 2
    assert "No such file" in absent.err
    assert "Known names: census" in headrace("predict", "nothing", "people.json").err
    assert "Name it with --output" in headrace("predict", "census", "adult.data").err
    assert "Leave them out" in headrace("predict", "census", "people.json", "--key", "age").err
    pq.write_table(pa.table({"age": [1]}), tmp_path / "new.parquet")
    for options in (["--key", "agee"], []):
        said = headrace("predict", "census", tmp_path / "new.parquet", *options, "-o", tmp_path / "out.parquet")
        assert said.code == 1
    assert not (tmp_path / "out.parquet").exists()
    (tmp_path / "latin.json").write_bytes(b'[{"age": "\xe9"}]')
    assert "UTF-8" in headrace("predict", "census", tmp_path / "latin.json").err
