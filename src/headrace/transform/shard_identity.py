"""What tells the parts of data sets apart: the files they are read from, and how."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa

__all__ = ["ASIDE", "digest_of", "file_of", "identity"]

# Fields of shards and sources that say where the bytes are, and not what is made of them.
_PLACES = ("path", "paths", "spans", "kept")
# Metadata of a field that says neither.
ASIDE = {"identity": False}


def digest_of(*parts: bytes) -> bytes:
    """Return a digest of 16 bytes of some parts in their order."""
    total = hashlib.blake2b(digest_size=16)
    for part in parts:
        total.update(len(part).to_bytes(8, "little") + part)
    return total.digest()


def file_of(shard: Any) -> str | None:
    """Return the file that a shard is read from, through whatever wraps it; None for data in memory."""
    for name, value in _fields(shard):
        if name == "path" and isinstance(value, (str, Path)):
            return str(value)
        if name == "shard":
            return file_of(value)
    return None


def identity(value: Any) -> str:
    """Describe how a shard is read, without where: not by its own path, nor by those of the other files."""
    fields = _fields(value)
    if not fields:
        return value.to_string(show_field_metadata=True) if isinstance(value, pa.Schema) else repr(value)
    inner = ", ".join(f"{name}={identity(one)}" for name, one in fields if name not in _PLACES)
    return f"{type(value).__name__}({inner})"


def _fields(shard: Any) -> list[tuple[str, Any]]:
    if not dataclasses.is_dataclass(shard):
        return []
    fields = (field for field in dataclasses.fields(shard) if field.metadata.get("identity", True))
    return [(field.name, getattr(shard, field.name)) for field in fields]
