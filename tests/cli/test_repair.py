from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from tests.cli.census import CENSUS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Said

    Call = Callable[..., Said]


@pytest.fixture
def broken(here: Path, tmp_path: Path) -> Path:
    """Return census data with a spelling that is known, and two that are not."""
    lines = (here / "adult.data").read_text("utf-8").splitlines(keepends=True)
    at = [row for row, line in enumerate(lines) if " Male," in line][:3]
    for row, word in zip(at, ("MALE", "man", "m"), strict=True):
        lines[row] = lines[row].replace(" Male,", f" {word},")
    path = tmp_path / "new.data"
    path.write_text("".join(lines), "utf-8")
    return path


def test_what_is_mended_and_what_is_set_aside(here: Path, headrace: Call, broken: Path, tmp_path: Path) -> None:
    out, aside = tmp_path / "out.parquet", tmp_path / "aside.parquet"
    call = ["repair", broken, *CENSUS, "--schema", "schema.yaml", "-o", out, "--side-file", aside]
    said = headrace(*call)
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0] == "2,000 rows in, 1,998 out, 2 set aside"
    assert "sex: spelling changed 1 value ('MALE' → 'Male')" in lines
    assert lines[-2:] == [f"wrote {out}", f"wrote {aside}"]
    assert pq.read_metadata(out).num_rows == 1998
    assert sorted(pq.read_table(aside)["sex"].to_pylist()) == ["m", "man"]
    assert headrace("validate", out, "--schema", "schema.yaml").code == 0
    assert headrace(*call, "--json").json["rows_set_aside"] == 2


def test_a_policy(here: Path, headrace: Call, broken: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("features: {sex: {mapping: {man: Male, m: Male}}}\n", "utf-8")
    call = ["repair", broken, *CENSUS, "--schema", "schema.yaml", "-o", tmp_path / "out.parquet", "--policy"]
    assert headrace(*call, tmp_path / "policy.yaml").out.startswith("2,000 rows in, 2,000 out, 0 set aside\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("features: [", "A policy of repair is YAML"),
        ("rows: burn", "rows"),
        ("default: {out_of_range: trim}", "out_of_range"),
    ],
)
def test_no_policy(here: Path, headrace: Call, broken: Path, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "policy.yaml").write_text(text, "utf-8")
    call = ["repair", broken, *CENSUS, "--schema", "schema.yaml", "-o", tmp_path / "out.parquet", "--policy"]
    found = headrace(*call, tmp_path / "policy.yaml")
    assert found.code == 2
    assert said in found.err
    assert not (tmp_path / "out.parquet").exists()
