"""Writing so that a reader sees all of it or nothing, whenever the writer dies."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from pathlib import Path

from headrace.errors import StorageError
from headrace.storage.disk import disk_errors

__all__ = ["publish_directory", "remove_tree", "sync_tree", "write_atomic"]


def write_atomic(path: str | Path, content: bytes | str) -> None:
    """Write a whole file: it is there with all of its content, or as it was before.

    Parameters
    ----------
    path
        Folders above it are made.
    content
        Text is written as UTF-8.

    Raises
    ------
    StorageError
        If it cannot be written; the disk may be full.
    """
    target = Path(path)
    data = content.encode() if isinstance(content, str) else content
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.tmp")
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def sync_tree(path: str | Path) -> None:
    """Force all files and folders under ``path`` to the disk.

    Raises
    ------
    StorageError
        If the disk cannot take them.
    """
    with disk_errors(path):
        for folder, _, files in os.walk(path):
            for name in files:
                _sync(Path(folder, name))
            _sync(Path(folder))


def publish_directory(staging: str | Path, target: str | Path, *, synced: bool = False) -> None:
    """Move a finished folder to its place in one step, after its bytes are on the disk.

    Parameters
    ----------
    staging
        A folder on the same file system as ``target``.
    target
        Where it goes; must not exist. Folders above it are made.
    synced
        Whether ``sync_tree`` has run on ``staging`` already.

    Raises
    ------
    StorageError
        If the target exists or cannot be written.
    """
    source, goal = Path(staging), Path(target)
    if goal.exists():
        raise StorageError("A published folder is never written twice", got=str(goal))
    if not synced:
        sync_tree(source)
    with disk_errors(goal):
        goal.parent.mkdir(parents=True, exist_ok=True)
        source.rename(goal)
        _sync(goal.parent)


def remove_tree(path: str | Path) -> None:
    """Remove a folder or file, if it is there; it disappears from its place at once, and others may remove it too.

    Raises
    ------
    StorageError
        If it may not be removed.
    """
    doomed = Path(path)
    with disk_errors(doomed):
        if doomed.is_symlink() or doomed.is_file():
            doomed.unlink(missing_ok=True)
            return
        grave = doomed.with_name(f".{doomed.name}.{uuid.uuid4().hex[:12]}.removed")
        with contextlib.suppress(FileNotFoundError):
            doomed.rename(grave)
            shutil.rmtree(grave)


def _sync(path: Path) -> None:
    if path.is_symlink():
        return
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder for syncing
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
