from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Self

import pytest

from headrace.errors import ServingError
from headrace.examples import demo
from headrace.registry import Registry


def test_from_raw_files_to_a_served_answer_in_twenty_lines(
    census_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As make demo does: a folder named from where one stands, which keeps the lines short wherever that is.
    monkeypatch.chdir(tmp_path)
    directory = Path("demo")
    (directory / "data").mkdir(parents=True)
    for name in ("adult.data", "adult.test"):
        shutil.copyfile(census_dir / name, directory / "data" / name)
    assert demo.main(str(directory), params={"model": "trees"}) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert len(lines) <= 20
    assert all(len(line) <= 200 for line in lines)
    words = {line[:11].strip() for line in lines}
    assert {"data", "pipeline", "rows", "anomalies", "AUC", "verdict", "pushed", "serving", "asked", "report"} <= words
    assert "verdict    blessed" in said.out
    assert "without the spaces: the same answers" in said.out
    assert said.err == ""
    assert next((directory / ".headrace" / "runs").glob("*/report.html")).stat().st_size > 10_000
    assert Registry(directory / ".headrace").names() == ["census"]
    assert demo.main(str(directory), params={"model": "trees"}) == 0
    assert "9 of them reused" in capsys.readouterr().out


def test_answers_that_spaces_change_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Server:
        url = "http://127.0.0.1:1"

        def __init__(self, *_: object) -> None:
            pass

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    class Client(Server):
        def predict(self, _: str, rows: list[dict[str, str]]) -> list[dict[str, Any]]:
            return [{"probabilities": [0.0, len(row["occupation"])], "classes": 0, "logits": [0.0]} for row in rows]

    (tmp_path / "people.json").write_text('[{"age": 25, "occupation": "Sales"}]', "utf-8")
    monkeypatch.setattr("headrace.serving.BackgroundServer", Server)
    monkeypatch.setattr("headrace.serving.ModelClient", Client)
    with pytest.raises(ServingError, match="spaces make no difference"):
        demo._serve(tmp_path, tmp_path)
    assert "DIFFERENT" in capsys.readouterr().out


def test_an_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo").touch()
    assert demo.main(str(tmp_path / "demo")) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: A folder is wanted")
    assert len(said.err.splitlines()) == 1
