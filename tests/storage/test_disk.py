from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from headrace.errors import StorageError
from headrace.storage import disk_errors

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("code", "message"),
    [(errno.ENOSPC, "free space"), (errno.EACCES, "readable and writable"), (errno.EIO, "could not be")],
)
def test_disk_errors(tmp_path: Path, code: int, message: str) -> None:
    with pytest.raises(StorageError, match=message) as caught, disk_errors(tmp_path):
        raise OSError(code, os.strerror(code))
    assert str(tmp_path) in str(caught.value)
