"""Structs as JSON files: written whole, and read with errors that name the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from headrace.errors import DataError
from headrace.storage.atomic import write_atomic

if TYPE_CHECKING:
    import os

    from headrace.errors import HeadraceError

__all__ = ["file_in", "from_json", "read_json", "to_json", "to_plain", "write_json"]

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Return a struct as the dicts, lists and scalars of its JSON form."""
    return msgspec.json.decode(msgspec.json.encode(value))


def to_json(value: Any) -> str:
    """Return a struct, or anything else that msgspec encodes, as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n"


def from_json(
    kind: type[T],
    text: str | bytes,
    *,
    rule: str,
    error: type[HeadraceError] = DataError,
    where: str | None = None,
    fix: str | None = None,
) -> T:
    """Return what JSON describes.

    Parameters
    ----------
    kind
        The struct that is described.
    rule, where, fix
        Parts of the message if it is not.
    error
        What is raised then.

    Raises
    ------
    HeadraceError
        Of type ``error``, if the text is not JSON, or not that of ``kind``.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as cause:
        raise error(rule, got=str(cause), where=where, fix=fix) from cause


def file_in(path: str | os.PathLike[str], name: str) -> Path:
    """Return the path of a file, given itself or the folder in which it has this name."""
    file = Path(path)
    return file / name if file.is_dir() else file


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a struct as indented JSON; the file is there whole or not at all.

    Raises
    ------
    StorageError
        If it cannot be written; the disk may be full.
    """
    write_atomic(Path(path), to_json(value))


def read_json(
    kind: type[T],
    path: str | os.PathLike[str],
    *,
    rule: str,
    error: type[HeadraceError] = DataError,
    fix: str | None = None,
) -> T:
    """Return what a JSON file describes; parameters are as for ``from_json``.

    Raises
    ------
    HeadraceError
        Of type ``error``, if the file cannot be read, is not JSON, or not that of ``kind``.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as cause:
        raise error(rule, got=cause.strerror or str(cause), where=str(path), fix=fix) from cause
    return from_json(kind, content, rule=rule, error=error, where=str(path), fix=fix)
