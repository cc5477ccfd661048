"""Which files a path stands for, and the bytes in them."""

from __future__ import annotations

import codecs
import difflib
import glob
import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from headrace.data.filesystem import File, digest_of, file_at, find, open_file
from headrace.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "PathLike",
    "compression_of",
    "file_paths",
    "fingerprint_of",
    "is_utf8",
    "open_bytes",
    "resolve_files",
    "unpacking",
]

PathLike = str | Path
_SPAN = "{SPAN}"
_SUFFIXES = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".zip": "zip"}


def resolve_files(paths: Sequence[PathLike], spans: tuple[int, int] | None = None) -> tuple[File, ...]:
    """Return the files that the paths, URLs, globs and ``{SPAN}`` patterns stand for.

    A glob gives its files in the order of their names, a span pattern in the order of the spans. Without ``spans``
    a span pattern gives the newest span.

    Raises
    ------
    DataError
        If a path stands for no file.
    """
    if not paths:
        raise DataError("At least one file is needed", got="an empty list of paths")
    files: list[File] = []
    for path in paths:
        text = str(path)
        if _SPAN in text:
            files += _span_files(text, spans)
        elif spans is not None:
            raise UsageError(
                "spans choose among the files of a pattern with {SPAN}",
                got=text,
                fix="Write the path as data-{SPAN}.csv",
            )
        else:
            files += _files(text)
    return tuple(files)


def _files(text: str) -> list[File]:
    found = find(text)
    if found:
        return [file_at(name) for name in found]
    file = file_at(text)
    if not isinstance(file, Path):
        raise DataError(
            "The pattern matches no file" if "*" in text else "The file does not exist",
            got=text,
            fix="Check the address, and the credentials where it needs some",
        )
    if file.is_dir():
        raise DataError("A file is wanted, not a folder", got=text, fix=f"Name the files with a glob, as {text}/*.csv")
    rule = "The pattern matches no file" if glob.has_magic(text) else "The file does not exist"
    raise DataError(rule, got=text, fix=_near(file))


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either; the current folder is {Path.cwd()}"
    names = sorted(item.name for item in folder.iterdir())
    close = difflib.get_close_matches(path.name, names, n=3)
    if close:
        return f"Did you mean {' or '.join(repr(str(folder / name)) for name in close)}?"
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f"{folder} holds: {shown}" if names else f"The folder {folder} is empty"


def _span_files(text: str, spans: tuple[int, int] | None) -> list[File]:
    if spans is not None and spans[0] > spans[1]:
        raise UsageError("spans are (first, last), both included", got=spans)
    star = "*".join(glob.escape(part) if not glob.has_magic(part) else part for part in text.split(_SPAN))
    pattern = re.compile(
        "([0-9]+)".join(glob_to_regex(part) for part in text.split(_SPAN, maxsplit=1)).replace(re.escape(_SPAN), r"\1")
        + r"\Z"
    )
    matches = ((pattern.match(name), name) for name in find(star))
    found = sorted((int(match[1]), name) for match, name in matches if match)
    if not found:
        raise DataError("The pattern matches no file", got=text, fix="{SPAN} stands for one or more digits")
    if spans is None:
        return [file_at(name) for span, name in found if span == found[-1][0]]
    chosen = [file_at(name) for span, name in found if spans[0] <= span <= spans[1]]
    if not chosen:
        have = f"{found[0][0]} to {found[-1][0]}"
        raise DataError(
            f"There is no span from {spans[0]} to {spans[1]}", where=text, fix=f"Spans that are there: {have}"
        )
    return chosen


def glob_to_regex(part: str) -> str:
    """Return the regular expression of a glob without character classes."""
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)) for char in part)


def file_paths(path: PathLike | Sequence[PathLike]) -> tuple[str, ...]:
    """Return one or several paths as texts."""
    paths = [path] if isinstance(path, (str, Path)) else list(path)
    return tuple(str(item) for item in paths)


def fingerprint_of(kind: str, files: Sequence[File], digest_file: Callable[[Path], str], options: object) -> str:
    """Return the identity of files, in order, by content and name, and of the options they are read with."""
    found = [[file.name, digest_of(file, digest_file)] for file in files]
    return json.dumps({"source": kind, "files": found, "options": options}, sort_keys=True)


def compression_of(file: File, compression: str | None) -> str | None:
    """Return gzip, bz2, zstd, zip or None, from the suffix where ``compression`` is "infer"."""
    if compression == "infer":
        return _SUFFIXES.get(file.suffix.lower())
    names = {None: None, "none": None, "gz": "gzip", "zst": "zstd"}
    chosen = names.get(compression, compression)
    if chosen is not None and chosen not in _SUFFIXES.values():
        known = ["infer", "none", *_SUFFIXES.values()]
        raise UsageError("The compression is unknown", got=compression, fix=did_you_mean(str(compression), known))
    return chosen


def open_bytes(file: File, compression: str | None, encoding: str) -> IO[bytes]:
    """Open a file, unpacked and as UTF-8 whatever its encoding; a byte order mark is left out by the caller.

    Raises
    ------
    DataError
        If the file cannot be opened or is not what its suffix says.
    """
    import zipfile

    kind = compression_of(file, compression)
    raw = None
    try:
        raw = open_file(file)
        stream = _unpacked(raw, kind, file)
    except BaseException as error:
        if raw is not None:
            raw.close()
        if isinstance(error, OSError | zipfile.BadZipFile | NotImplementedError):
            raise DataError("The file cannot be opened", got=str(error), where=str(file)) from error
        raise
    if is_utf8(encoding):
        return stream
    return cast("IO[bytes]", _Transcoded(stream, encoding, file))


def _unpacked(raw: IO[bytes], kind: str | None, file: File) -> IO[bytes]:
    import bz2
    import gzip
    import zipfile

    import pyarrow as pa

    if kind == "gzip":
        return cast("IO[bytes]", _Unpacked(gzip.GzipFile(fileobj=raw), raw))
    if kind == "bz2":
        return cast("IO[bytes]", _Unpacked(bz2.open(raw, "rb"), raw))
    if kind == "zstd":
        return cast("IO[bytes]", _Unpacked(pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd"), raw))
    if kind != "zip":
        return raw
    archive = zipfile.ZipFile(raw)
    # What a Mac adds for itself is no data.
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not any(part.startswith((".", "__MACOSX")) for part in member.filename.split("/"))
    ]
    if len(members) != 1:
        names = ", ".join(member.filename for member in members[:5]) + (", …" if len(members) > 5 else "")
        raise DataError(
            "A zip file must hold one file",
            got=f"{len(members)} files" + (f": {names}" if names else ""),
            where=str(file),
            fix=f"Name those that are wanted: zip://*.csv::{file}",
        )
    if members[0].flag_bits & 1:
        raise DataError("The file is encrypted", where=str(file), fix="Unpack it first")
    return cast("IO[bytes]", _Unpacked(archive.open(members[0]), archive, raw))


class _Unpacked:
    """A stream over another one, which is closed with it."""

    def __init__(self, stream: Any, *under: Any) -> None:
        self._stream = stream
        self._under = under

    def read(self, size: int) -> bytes:
        return cast("bytes", self._stream.read(size))

    def close(self) -> None:
        self._stream.close()
        for one in self._under:
            one.close()


@contextmanager
def unpacking(file: File | str) -> Iterator[None]:
    """Turn the errors of broken packed files into a DataError that names the file."""
    try:
        yield
    except (OSError, EOFError) as error:
        raise DataError(
            "The file cannot be unpacked", got=str(error), where=str(file), fix="It may be cut short: copy it again"
        ) from error
    except Exception as error:
        if type(error).__module__ in {"zlib", "zipfile"}:
            raise DataError("The file cannot be unpacked", got=str(error), where=str(file)) from error
        raise


def is_utf8(encoding: str) -> bool:
    """Tell whether the encoding is UTF-8, with or without a mark.

    Raises
    ------
    UsageError
        If the encoding is unknown.
    """
    try:
        return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig", "ascii"}
    except LookupError as error:
        raise UsageError("The encoding is unknown", got=encoding, fix="Common ones: utf-8, latin-1, utf-16") from error


class _Transcoded:
    def __init__(self, stream: IO[bytes], encoding: str, path: File) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._encoding = encoding
        self._path = path

    def read(self, size: int) -> bytes:
        while True:
            data = self._stream.read(size)
            try:
                text = self._decoder.decode(data, final=not data)
            except UnicodeError as error:
                raise DataError(
                    f"The file is not {self._encoding}",
                    got=str(error),
                    where=str(self._path),
                    fix="Give the right encoding=",
                ) from error
            if text or not data:
                return text.encode("utf-8", "replace")

    def close(self) -> None:
        self._stream.close()
