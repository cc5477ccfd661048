"""Hidden folders in which versions are put together before they become visible."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from typing import TYPE_CHECKING

from headrace.errors import StorageError
from headrace.storage import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LOCK", "copy_tree", "locked", "staging", "sweep", "sync_folder", "write_file"]

_PREFIX = ".staging-"
LOCK = ".lock"
_CHUNK = 1 << 20


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold an exclusive lock on a file, which the system frees when the holder dies.

    Raises
    ------
    StorageError
        If the file cannot be made.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """Give an empty folder that is gone at the end, unless it was renamed; held by a lock while its owner lives.

    Raises
    ------
    StorageError
        If the disk is full or cannot be written.
    """
    folder = parent / f"{_PREFIX}{secrets.token_hex(8)}"
    lock = parent / f"{folder.name}{LOCK}"
    descriptor = -1
    try:
        # Under the parent's lock nobody sweeps, so a folder without a held lock has no living owner.
        with locked(parent / LOCK):
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            folder.mkdir()
        yield folder
    except OSError as error:
        advice = "Free some space and publish again" if error.errno in {errno.ENOSPC, errno.EDQUOT} else None
        raise StorageError(
            "Publishing needs a disk that can be written", got=str(error), where=str(parent), fix=advice
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        if descriptor >= 0:
            os.close(descriptor)


def sweep(parent: Path) -> list[Path]:
    """Delete the staging folders whose owners have died, and return them."""
    swept = []
    with locked(parent / LOCK):
        names = {path.name.removesuffix(LOCK) for path in parent.glob(f"{_PREFIX}*")}
        for name in sorted(names):
            lock = parent / f"{name}{LOCK}"
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            else:
                shutil.rmtree(parent / name, ignore_errors=True)
                lock.unlink(missing_ok=True)
                swept.append(parent / name)
            finally:
                os.close(descriptor)
    return swept


def copy_tree(source: Path, target: Path) -> str:
    """Copy the files of a folder to disk, and return the SHA-256 over their names and bytes."""
    total = hashlib.sha256()
    for path in sorted(source.rglob("*"), key=lambda path: path.relative_to(source).as_posix()):
        relative = path.relative_to(source)
        if path.is_dir():
            (target / relative).mkdir(parents=True, exist_ok=True)
            continue
        digest = hashlib.sha256()
        with path.open("rb") as reader, (target / relative).open("wb") as writer:
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
                writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())
        total.update(f"{relative.as_posix()}\0{digest.hexdigest()}\n".encode())
    for folder in [target, *(path for path in target.rglob("*") if path.is_dir())]:
        sync_folder(folder)
    return total.hexdigest()


def write_file(path: Path, data: bytes) -> None:
    """Write a file to disk."""
    with path.open("wb") as writer:
        writer.write(data)
        writer.flush()
        os.fsync(writer.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
