from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from headrace.errors import StorageError
from headrace.storage import publish_directory, remove_tree, write_atomic

if TYPE_CHECKING:
    from pathlib import Path


def test_write_atomic_replaces_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "file"
    write_atomic(path, "ä")
    assert path.read_bytes() == "ä".encode()
    write_atomic(path, b"two")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="free space"):
        write_atomic(path, b"three")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_publish_moves_once(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    for _ in range(2):
        (staging / "inner").mkdir(parents=True, exist_ok=True)
        (staging / "inner" / "file").write_text("x")
        if not (tmp_path / "a").exists():
            publish_directory(staging, tmp_path / "a" / "b")
            assert (tmp_path / "a" / "b" / "inner" / "file").read_text() == "x"
            assert not staging.exists()
        else:
            with pytest.raises(StorageError, match="never written twice"):
                publish_directory(staging, tmp_path / "a" / "b")


def test_remove_tree_minds_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for name in ("folder", "link", "none"):
        remove_tree(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
