from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from headrace.data.files import compression_of, is_utf8, resolve_files
from headrace.errors import DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "day-2/x.csv", "day-10/x.csv", "day-10/y.csv", "day-next/x.csv", "odd[1].csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a\n1\n")
    return tmp_path


def names(folder: Path, pattern: str, spans: tuple[int, int] | None = None) -> list[str]:
    return [os.path.relpath(str(path), folder) for path in resolve_files([folder / pattern], spans)]


def test_globs_are_in_the_order_of_names(folder: Path) -> None:
    assert names(folder, "*.csv") == ["a.csv", "b.csv", "odd[1].csv"]
    assert names(folder, "**/x.csv") == ["day-10/x.csv", "day-2/x.csv", "day-next/x.csv"]


def test_a_file_with_the_name_of_a_glob_is_itself(folder: Path) -> None:
    assert names(folder, "odd[1].csv") == ["odd[1].csv"]


def test_lists_keep_their_order(folder: Path) -> None:
    assert [path.name for path in resolve_files([folder / "b.csv", folder / "a.csv"])] == ["b.csv", "a.csv"]


def test_spans_are_numbers(folder: Path) -> None:
    assert names(folder, "day-{SPAN}/*.csv", (1, 10)) == ["day-2/x.csv", "day-10/x.csv", "day-10/y.csv"]
    assert names(folder, "day-{SPAN}/*.csv") == ["day-10/x.csv", "day-10/y.csv"]
    assert names(folder, "day-{SPAN}/x.csv", (2, 2)) == ["day-2/x.csv"]
    with pytest.raises(UsageError, match="first, last"):
        names(folder, "day-{SPAN}/x.csv", (3, 2))
    with pytest.raises(UsageError, match=r"\{SPAN\}"):
        names(folder, "a.csv", (1, 2))
    with pytest.raises(DataError, match="matches no file"):
        names(folder, "week-{SPAN}/x.csv")


def test_no_paths_at_all() -> None:
    with pytest.raises(DataError, match="At least one file"):
        resolve_files([])


def test_compression_by_suffix_or_by_name(tmp_path: Path) -> None:
    wanted = {"x.csv": None, "x.csv.gz": "gzip", "x.csv.BZ2": "bz2", "x.zst": "zstd", "x.zip": "zip"}
    assert {name: compression_of(tmp_path / name, "infer") for name in wanted} == wanted
    assert compression_of(tmp_path / "x.gz", None) is None
    assert compression_of(tmp_path / "x", "gz") == "gzip"
    with pytest.raises(UsageError, match=r"Did you mean 'zstd'\?"):
        compression_of(tmp_path / "x", "zstdd")


def test_encodings_by_any_name() -> None:
    assert all(is_utf8(name) for name in ("utf-8", "UTF8", "utf-8-sig", "ascii"))
    assert not is_utf8("latin-1")
