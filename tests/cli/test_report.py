from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


def test_one_page_with_everything(here: Path, headrace: Call, tmp_path: Path) -> None:
    page = tmp_path / "deep" / "report.html"
    said = headrace("report", "-o", page)
    assert (said.code, said.out) == (0, f"wrote {page}\n")
    html = page.read_text("utf-8")
    assert "census" in html
    assert all(part in html for part in ("Statistics", "Evaluation", "Lineage", "models/census/1"))
    assert 'src="http' not in html
    described = headrace("report", "last", "-o", page, "--json").json
    assert described["bytes"] == len(page.read_bytes())


def test_beside_the_run_where_nothing_is_said(own: Path, headrace: Call) -> None:
    run = headrace("runs", "list", "--json").json[0]["id"]
    assert headrace("report", run[:15]).code == 0
    assert (own / ".headrace" / "runs" / run / "report.html").is_file()


def test_what_is_not_there(here: Path, headrace: Call, tmp_path: Path) -> None:
    assert headrace("report", "1999", "-o", tmp_path / "x.html").code == 1
    assert not (tmp_path / "x.html").exists()
