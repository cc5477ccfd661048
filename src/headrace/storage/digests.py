"""Digests of files and folders by their content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.storage.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DIGEST_BYTES", "file_digest", "tree_digest", "tree_size"]

DIGEST_BYTES = 16


def _hasher() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=DIGEST_BYTES)


def file_digest(path: str | Path) -> str:
    """Return the BLAKE2b digest (128 bits, hexadecimal) of a file's bytes.

    Raises
    ------
    StorageError
        If the file cannot be read.
    """
    with disk_errors(path), Path(path).open("rb") as file:
        return hashlib.file_digest(file, _hasher).hexdigest()


def tree_digest(path: str | Path) -> str:
    """Return the digest of a folder: names relative to it and bytes, whatever times, owners and modes are.

    A file gives the digest of its bytes alone. Empty folders count.

    Raises
    ------
    StorageError
        If something in the folder cannot be read.
    """
    root = Path(path)
    if root.is_file():
        return file_digest(root)
    total = _hasher()
    for relative, is_folder in _entries(root):
        name = relative.encode("utf-8", "surrogateescape")
        total.update(b"d" if is_folder else b"f")
        total.update(len(name).to_bytes(8, "little") + name)
        if not is_folder:
            total.update(bytes.fromhex(file_digest(root / relative)))
    return total.hexdigest()


def tree_size(path: str | Path) -> int:
    """Return the bytes of all files in a folder.

    Raises
    ------
    StorageError
        If something in the folder cannot be read.
    """
    root = Path(path)
    with disk_errors(path):
        return sum((root / name).stat().st_size for name, is_folder in _entries(root) if not is_folder)


def _entries(root: Path) -> Iterator[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    pending = [""]
    while pending:
        folder = pending.pop()
        with disk_errors(root / folder), os.scandir(root / folder) as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                is_folder = entry.is_dir(follow_symlinks=False)
                found.append((name, is_folder))
                if is_folder:
                    pending.append(name)
    return iter(sorted(found))
