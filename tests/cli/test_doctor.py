from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from tests.cli.conftest import Said

    Call = Callable[..., Said]


def test_all_is_well(headrace: Call, tmp_path: Path) -> None:
    said = headrace("doctor", "--home", tmp_path / "new" / "home")
    assert said.code == 0
    assert said.out.splitlines()[0].endswith(": all is well")
    findings = headrace("doctor", "--json").json["findings"]
    states = {one["what"]: one["state"] for one in findings}
    assert states["python"] == states["numpy"] == states["home"] == "ok"
    assert {"extra keras", "extra trees", "extra serve"} <= set(states)


def test_an_extra_that_is_absent_is_no_fault(headrace: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "lightgbm")
    said = headrace("doctor")
    assert said.code == 0
    assert "lightgbm not installed: pip install 'headrace[trees]'" in said.out


def test_what_is_wrong_leaves_with_1(headrace: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _without(monkeypatch, "numpy")
    (tmp_path / "home").touch()
    said = headrace("doctor", "--home", tmp_path / "home")
    assert said.code == 1
    assert said.out.splitlines()[0].endswith(": 2 wrong")
    assert "is not a folder" in said.out
    found = headrace("doctor", "--home", tmp_path / "home", "--json")
    assert (found.code, found.json["ok"]) == (1, False)
    wrong = {one["what"]: one["fix"] for one in found.json["findings"] if one["state"] == "wrong"}
    assert wrong["numpy"] == "pip install headrace"


def _without(monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    honest = metadata.version

    def version(name: str) -> str:
        if name == absent:
            raise metadata.PackageNotFoundError(name)
        return honest(name)

    monkeypatch.setattr(metadata, "version", version)
