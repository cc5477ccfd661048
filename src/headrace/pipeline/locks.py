"""Locks that the operating system lets go of when their holders die, however they die."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from headrace.storage import disk_errors

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FileLock", "is_locked"]


class FileLock:
    """An exclusive lock on a file, held by this process and those that inherit its descriptor.

    Parameters
    ----------
    path
        The file, made where it is absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int | None:
        """The open file while the lock is held."""
        return self._descriptor

    def acquire(self) -> bool:
        """Try to take the lock, without waiting; say whether it is held now."""
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            while True:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
                if not _lock(descriptor):
                    os.close(descriptor)
                    return False
                # Whoever held it before may have removed the file: then the lock is on a file that nobody sees.
                if self.path.exists() and os.path.samestat(os.fstat(descriptor), self.path.stat()):
                    self._descriptor = descriptor
                    return True
                os.close(descriptor)

    def release(self, *, remove: bool = False) -> None:
        """Let go, and remove the file where ``remove`` says so."""
        if self._descriptor is None:
            return
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None


def is_locked(path: Path) -> bool:
    """Say whether a living process holds the lock on a file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except PermissionError:
        return True
    try:
        return not _lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, shared: bool = False) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        if shared:
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        return True
else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool = False) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
