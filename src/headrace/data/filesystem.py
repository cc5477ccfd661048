"""Files on this machine and behind URLs: the one place where they are listed, measured, opened and digested."""

from __future__ import annotations

import glob
import hashlib
import json
import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from headrace.errors import DataError, MissingExtraError, UsageError, import_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

__all__ = [
    "File",
    "RemoteFile",
    "digest_of",
    "file_at",
    "find",
    "is_url",
    "list_folder",
    "open_arrow",
    "open_file",
    "reading",
    "size_of",
]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# The extra that brings what fsspec needs for a protocol.
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "http": "http", "https": "http"}
_MAGIC = re.compile(r"[*?\[]")
# What file systems call the digest of the bytes in their listings, the best first.
_CHECKSUMS = ("checksum", "md5Hash", "content_hash", "md5", "crc32c", "ETag", "etag")
_TIMES = ("LastModified", "last_modified", "updated", "mtime")


@dataclass(frozen=True)
class RemoteFile:
    """A file behind a URL, with the parts of a path's interface that sources use."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """What stands after the last slash."""
        return self._path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The end of the name, from its last dot."""
        return Path(self.name).suffix

    @property
    def _path(self) -> str:
        # A query belongs to the web's protocols only; elsewhere it is an ordinary part of a name.
        first = self.url.partition("::")[0]
        return urlsplit(first).path if first.startswith(("http://", "https://")) else first


File = Path | RemoteFile


def is_url(text: str) -> bool:
    """Tell whether a text is a URL rather than a path."""
    return _URL.match(text) is not None


def file_at(text: str | Path) -> File:
    """Return the file that a path or a URL names; a ``file://`` URL names one on this machine."""
    text = str(text)
    if not is_url(text):
        return Path(text)
    if text.startswith("file://") and "::" not in text:
        parts = urlsplit(text)
        if parts.netloc not in {"", "localhost"}:
            raise UsageError("A file:// URL names a file on this machine", got=text, fix="Write file:///folder/name")
        return Path(unquote(text.removeprefix(f"file://{parts.netloc}")))
    return RemoteFile(text)


def _filesystem(url: str) -> tuple[Any, str]:
    """Return fsspec's file system for a URL, and the path in it."""
    import fsspec

    protocol = url.partition("://")[0]
    try:
        return cast("tuple[Any, str]", fsspec.core.url_to_fs(url))
    except ImportError as error:
        extra = _EXTRAS.get(protocol.lower())
        if extra is None:
            raise MissingExtraError(f"URLs of {protocol}:// need another package", got=str(error)) from error
        wanted = {"s3": "s3fs", "gcs": "gcsfs", "http": "aiohttp"}[extra]
        import_extra(wanted, extra)
        raise
    except ValueError as error:
        raise UsageError(
            "The protocol of a URL is one that fsspec knows",
            got=url,
            fix="As s3://bucket/key, gs://bucket/key, https://host/path or memory://name",
        ) from error


def _fresh(url: str) -> tuple[Any, str]:
    """Return the same, with nothing remembered: files may have come since they were last listed."""
    system, path = _filesystem(url)
    system.invalidate_cache()
    return system, path


@contextmanager
def reading(file: File | str) -> Iterator[None]:
    """Turn whatever a file system says into a DataError that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError("The file does not exist", got=str(file)) from error
    except IsADirectoryError as error:
        raise DataError("A file is wanted, not a folder", got=str(file)) from error
    except OSError as error:
        raise DataError("The file cannot be read", got=str(error) or type(error).__name__, where=str(file)) from error


@contextmanager
def _asking(url: str) -> Iterator[None]:
    # The clients of object stores have exceptions of their own, which need not be OSErrors.
    from headrace.errors import HeadraceError

    try:
        yield
    except (HeadraceError, FileNotFoundError):
        raise
    except Exception as error:
        raise DataError("The file cannot be reached", got=f"{type(error).__name__}: {error}", where=url) from error


def open_file(file: File) -> IO[bytes]:
    """Open a file for reading bytes.

    Raises
    ------
    OSError
        If the file is absent or cannot be opened; a DataError where a URL cannot be reached.
    """
    if isinstance(file, Path):
        return file.open("rb")
    return cast("IO[bytes]", _RemoteStream(file.url))


class _RemoteStream:
    """A file behind a URL that is open for reading; whatever its server says becomes a DataError."""

    def __init__(self, url: str) -> None:
        self._url = url
        with _asking(url):
            # An archive is closed when its file system is forgotten, so that is kept.
            self._system, self._path = _filesystem(url)
            self._stream = self._system.open(self._path, "rb")

    @property
    def closed(self) -> bool:
        return bool(self._stream.closed)

    def read(self, size: int = -1) -> bytes:
        with _asking(self._url):
            place = self._stream.tell()
            try:
                return cast("bytes", self._stream.read(size))
            except ValueError:
                if not self._url.startswith(("http://", "https://")):
                    raise
                # The server gives the whole file only: it goes to disk first.
                self._stream = self._whole()
                self._stream.seek(place)
                return cast("bytes", self._stream.read(size))

    def _whole(self) -> Any:
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the stream
        with self._system.open(self._path, "rb", block_size=0) as stream:
            shutil.copyfileobj(stream, copy)
        self._stream.close()
        return copy

    def seek(self, offset: int, whence: int = 0) -> int:
        with _asking(self._url):
            return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_arrow(file: File) -> Any:
    """Open a file for Arrow's own readers; on this machine they read without Python.

    Raises
    ------
    OSError
        As for `open_file`.
    """
    import pyarrow as pa

    if isinstance(file, Path):
        return pa.OSFile(str(file), "rb")
    return pa.PythonFile(open_file(file), "r")


def size_of(file: File) -> int | None:
    """Return the bytes of a file; None where its server does not say."""
    if isinstance(file, Path):
        with reading(file):
            return file.stat().st_size
    with reading(file), _asking(file.url):
        system, path = _filesystem(file.url)
        size = system.size(path)
        return None if size is None else int(size)


def find(text: str) -> list[str]:
    """Return the names of the files that a path or glob stands for, sorted; empty where there is none."""
    file = file_at(text)
    if isinstance(file, Path):
        if file.is_file():
            return [str(file)]
        return sorted(name for name in glob.glob(str(file), recursive=True) if Path(name).is_file())  # noqa: PTH207 - absolute patterns
    with _asking(text):
        system, path = _fresh(text)
        # A question mark begins the query of a web address.
        magic = _MAGIC.search(path) is not None and not (text.startswith("http") and "*" not in path)
        if not magic:
            return [text] if system.isfile(path) else []
        found = [name for name, facts in system.glob(path, detail=True).items() if facts.get("type") == "file"]
        return sorted(_address(text, path, name) for name in found)


def list_folder(text: str, ending: str) -> list[str] | None:
    """Return the names of the files in a folder that end so, sorted; None where it is no folder."""
    file = file_at(text)
    if isinstance(file, Path):
        return sorted(str(one) for one in file.glob(f"*{ending}")) if file.is_dir() else None
    if file.suffix or text.startswith("http"):
        return None
    with _asking(text):
        system, path = _fresh(text)
        if not system.isdir(path):
            return None
        return sorted(
            _address(text, path, facts["name"])
            for facts in system.ls(path, detail=True)
            if facts.get("type") == "file" and str(facts["name"]).endswith(ending)
        )


def _address(text: str, path: str, name: str) -> str:
    """Return the URL of a file that was found by a URL whose path in its file system is ``path``."""
    # What a chained URL, as zip://*.csv::s3://bucket/data.zip, goes through stays behind the name.
    first, chain, rest = text.partition("::")
    before = first[: -len(path)] if first.endswith(path) else f"{first.partition('://')[0]}://"
    return name if is_url(name) else f"{before}{name}{chain}{rest}"


def digest_of(file: File, digest_file: Callable[[Path], str]) -> str:
    """Return the identity of a file's content.

    On this machine that is ``digest_file``'s answer. Behind a URL it is the checksum or entity tag that the server
    has, else its time and size, else the digest of the bytes.
    """
    if isinstance(file, Path):
        with reading(file):
            return digest_file(file)
    with reading(file), _asking(file.url):
        system, path = _fresh(file.url)
        facts = system.info(path)
        for key in _CHECKSUMS:
            if facts.get(key):
                return f"{key}:{facts[key]}"
        for key in _TIMES:
            if facts.get(key) and facts.get("size") is not None:
                return json.dumps([key, str(facts[key]), facts["size"]])
        digest = hashlib.blake2b(digest_size=16)
        with open_file(file) as stream:
            while data := stream.read(1 << 20):
                digest.update(data)
        return digest.hexdigest()
