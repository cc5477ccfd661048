"""Which files a path stands for, and the bytes in them."""

from __future__ import annotations

import codecs
import difflib
import glob
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from headrace.data.spans import glob_of, has_spans, resolve_spans, spans_option
from headrace.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.data.source import Source
    from headrace.data.spans import SpanFile, SpanSelection

__all__ = ["PathLike", "compression_of", "open_bytes", "resolve_files", "span_files", "spans_read"]

PathLike = str | Path
_SUFFIXES = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".zip": "zip"}


def resolve_files(paths: Sequence[PathLike], spans: SpanSelection = None) -> tuple[Path, ...]:
    """Return the files that the paths, globs and ``{SPAN}`` patterns stand for.

    A glob gives its files in the order of their names, a span pattern in the order of the spans. Without ``spans``
    a span pattern gives the newest span; see `resolve_spans`.

    Raises
    ------
    DataError
        If a path stands for no file.
    """
    if not paths:
        raise DataError("At least one file is needed", got="an empty list of paths")
    spans = spans_option(spans)
    files: list[Path] = []
    for path in paths:
        text = str(path)
        if has_spans(text):
            files += [Path(found.name) for found in span_files(text, spans)]
        elif spans is not None:
            raise UsageError(
                "spans choose among the files of a pattern with {SPAN}",
                got=text,
                fix="Write the path as data-{SPAN}.csv",
            )
        else:
            files += _files(text)
    return tuple(files)


def _files(text: str) -> list[Path]:
    path = Path(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        raise DataError("A file is wanted, not a folder", got=text, fix=f"Name the files with a glob, as {text}/*.csv")
    if glob.has_magic(text):
        found = sorted(name for name in glob.glob(text, recursive=True) if Path(name).is_file())  # noqa: PTH207 - absolute patterns
        if not found:
            raise DataError("The pattern matches no file", got=text, fix=_near(path))
        return [Path(name) for name in found]
    raise DataError("The file does not exist", got=text, fix=_near(path))


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


def span_files(text: str, spans: SpanSelection = None) -> list[SpanFile]:
    """Return the files of the chosen spans of a pattern, as `resolve_spans` does, from what is on disk."""
    found = glob.glob(glob_of(text), recursive=True)  # noqa: PTH207 - absolute patterns
    return resolve_spans(text, [name for name in found if Path(name).is_file()], spans)


def spans_read(source: Source) -> list[SpanFile]:
    """Return the files of spans that a source reads now, with their spans and versions; none where it has no spans.

    Examples
    --------
    >>> from headrace.data import csv
    >>> spans_read(csv("people.csv"))
    []
    """
    paths: Sequence[PathLike] = getattr(source, "paths", ())
    spans: SpanSelection = getattr(source, "spans", None)
    return [found for path in paths if has_spans(str(path)) for found in span_files(str(path), spans)]


def compression_of(path: Path, compression: str | None) -> str | None:
    """Return gzip, bz2, zstd, zip or None, from the suffix where ``compression`` is "infer"."""
    if compression == "infer":
        return _SUFFIXES.get(path.suffix.lower())
    names = {None: None, "none": None, "gz": "gzip", "zst": "zstd"}
    chosen = names.get(compression, compression)
    if chosen is not None and chosen not in _SUFFIXES.values():
        known = ["infer", "none", *_SUFFIXES.values()]
        raise UsageError("The compression is unknown", got=compression, fix=did_you_mean(str(compression), known))
    return chosen


def open_bytes(path: Path, compression: str | None, encoding: str) -> IO[bytes]:
    """Open a file, unpacked and as UTF-8 whatever its encoding; a byte order mark is left out by the caller.

    Raises
    ------
    DataError
        If the file cannot be opened or is not what its suffix says.
    """
    import bz2
    import gzip
    import zipfile

    import pyarrow as pa

    kind = compression_of(path, compression)
    try:
        stream: IO[bytes]
        if kind == "gzip":
            stream = cast("IO[bytes]", gzip.open(path, "rb"))  # noqa: SIM115 - the caller closes it
        elif kind == "bz2":
            stream = cast("IO[bytes]", bz2.open(path, "rb"))  # noqa: SIM115 - the caller closes it
        elif kind == "zstd":
            stream = cast("IO[bytes]", pa.input_stream(str(path), compression="zstd"))
        elif kind == "zip":
            archive = zipfile.ZipFile(path)
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise DataError(
                    "A zip file must hold one file",
                    got=f"{len(members)} files",
                    where=str(path),
                    fix="Unpack it and name the files with a glob",
                )
            stream = archive.open(members[0])
        else:
            stream = path.open("rb")
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError("The file cannot be opened", got=str(error), where=str(path)) from error
    if is_utf8(encoding):
        return stream
    return cast("IO[bytes]", _Transcoded(stream, encoding, path))


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
    def __init__(self, stream: IO[bytes], encoding: str, path: Path) -> None:
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
