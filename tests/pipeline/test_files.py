from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from headrace.pipeline import files
from headrace.pipeline.files import FileDigests
from headrace.storage import file_digest, tree_digest

if TYPE_CHECKING:
    from pathlib import Path


def test_a_known_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data"
    path.write_text("one")
    os.utime(path, (1e9, 1e9))
    first = FileDigests()
    assert first(path) == file_digest(path)
    second = FileDigests(first.new)
    monkeypatch.setattr(files, "digest_path", lambda path: pytest.fail("was read"))
    assert second(path) == first(path)
    assert second.new == {}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("one")
    os.utime(path, (1e9, 1e9))
    digests = FileDigests()
    one = digests(path)
    assert digests.changed() == []
    path.write_text("two")
    os.utime(path, (1e9 + 1, 1e9 + 1))
    assert digests.changed() == [str(path)]
    assert digests(path) != one


def test_a_fresh_file_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("one")
    digests = FileDigests()
    digests(path)
    assert digests.new == {}


def test_absent_files_and_folders(tmp_path: Path) -> None:
    digests = FileDigests()
    assert digests(tmp_path / "none") == "absent"
    (tmp_path / "folder").mkdir()
    assert digests(tmp_path / "folder") == tree_digest(tmp_path / "folder")
    assert digests.changed() == []
    (tmp_path / "none").touch()
    assert digests.changed() == [str(tmp_path / "none")]


def test_what_is_known_without_reading(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("one")
    os.utime(path, ns=(1, 1))
    digests = FileDigests()
    assert digests.seen(path) is None
    digest = digests(path)
    assert digests.seen(path) == digest
    path.write_text("three")
    assert digests.seen(path) is None
    path.unlink()
    assert digests.seen(path) is None
