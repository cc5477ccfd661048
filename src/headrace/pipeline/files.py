"""Digests of files that are read only when the files have changed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.metadata import StoredFileDigest
from headrace.pipeline.digest import ABSENT, digest_path

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FileDigests"]

# A file that was changed this recently (seconds) may change again without a trace in its time.
_SETTLED = 2.0


class FileDigests:
    """Digests files, with a memory of those seen before.

    Parameters
    ----------
    known
        By absolute path.
    """

    def __init__(self, known: Mapping[str, StoredFileDigest] | None = None) -> None:
        self._known = dict(known or {})
        self.new: dict[str, StoredFileDigest] = {}
        self.used: dict[str, StoredFileDigest] = {}
        self._given: dict[str, str] = {}

    def __call__(self, path: Path | str) -> str:
        """Return the digest of a file's or folder's content; ``absent`` where there is none."""
        place = Path(path).absolute()
        digest = self._digest(place)
        self._given[str(place)] = digest
        return digest

    def seen(self, path: Path | str) -> str | None:
        """Return the digest of a file's content where that is known without reading it."""
        place = Path(path).absolute()
        known = self._known.get(str(place))
        if known is None or _stamp(place) != (known.size, known.mtime_ns, known.inode):
            return None
        return known.digest

    def changed(self) -> list[str]:
        """Return those paths asked for so far whose content is another one now."""
        again = FileDigests(self.used)
        return [path for path, digest in self._given.items() if again(path) != digest]

    def _digest(self, place: Path) -> str:
        stamp = _stamp(place)
        if stamp is None:
            return ABSENT
        if not place.is_file():
            return digest_path(place)
        key = str(place)
        known = self._known.get(key)
        if known is None or (known.size, known.mtime_ns, known.inode) != stamp:
            known = StoredFileDigest(key, *stamp, digest_path(place))
            if time.time() - known.mtime_ns / 1e9 > _SETTLED:
                self._known[key] = self.new[key] = known
        self.used[key] = known
        return known.digest


def _stamp(place: Path) -> tuple[int, int, int] | None:
    """Return size, time of change and inode; None where there is nothing."""
    try:
        status = place.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
