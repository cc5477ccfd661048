from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


def test_a_project_that_a_user_has_changed_is_left_alone(headrace: Call, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    said = headrace("init", target, "--no-data")
    assert said.code == 0
    assert f"wrote {target / 'pipeline.py'}" in said.out
    assert said.out.splitlines()[-1] == f"next  cd {target} && headrace run pipeline.py"
    (target / "pipeline.py").write_text("# mine\n", "utf-8")
    assert said.out.splitlines()[-2] == f"data  {target / 'data'} is yours to fill; without --no-data it is fetched"
    spaced = headrace("init", tmp_path / "with a space", "--no-data")
    assert spaced.out.splitlines()[-1] == f"next  cd '{tmp_path / 'with a space'}' && headrace run pipeline.py"
    again = headrace("init", "--example", "census", target, "--no-data")
    assert f"kept  {target / 'pipeline.py'} (it was there already)" in again.out
    assert (target / "pipeline.py").read_text("utf-8") == "# mine\n"
    assert set(headrace("init", target, "--no-data", "--json").json) == {"written", "kept", "data"}


def test_wrong_usage(headrace: Call, tmp_path: Path) -> None:
    unknown = headrace("init", "--example", "titanic")
    assert unknown.code == 2
    assert "'titanic' is not one of 'census', 'flights'" in unknown.err
    (tmp_path / "file").touch()
    said = headrace("init", tmp_path / "file", "--no-data")
    assert said.code == 2
    assert "A folder is wanted" in said.err
