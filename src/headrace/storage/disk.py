"""Disk faults as headrace's errors."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["disk_errors"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def disk_errors(path: str | Path) -> Iterator[None]:
    """Turn an ``OSError`` in the block into a ``StorageError`` that names ``path`` and says what to do.

    Raises
    ------
    StorageError
        If the block raises an ``OSError``: a full disk, a folder that may not be written, and the like.
    """
    try:
        yield
    except OSError as error:
        place = str(error.filename or path)
        if error.errno in _FULL:
            raise StorageError(
                "Writing needs free space on the disk, and there is none left",
                where=place,
                fix="Free some space and run again; what is done already is reused",
            ) from error
        if error.errno in _FORBIDDEN:
            raise StorageError(
                "This place must be readable and writable by the user who runs headrace",
                got=error.strerror,
                where=place,
                fix="Change its permissions, or choose another home with --home",
            ) from error
        raise StorageError(
            "Bytes could not be read or written", got=error.strerror or str(error), where=place
        ) from error
