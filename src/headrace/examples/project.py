"""Projects that begin with an example."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from headrace.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EXAMPLES", "Created", "create_project"]

EXAMPLES = ("census", "flights")


@dataclass(frozen=True)
class Created:
    """What was put into a project's folder.

    Parameters
    ----------
    written
        Files that are new.
    kept
        Files that were there and were left as they are.
    data
        The files of data, whether new or not.
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    data: tuple[Path, ...]


def create_project(example: str, directory: Path, *, with_data: bool = True) -> Created:
    """Write an example's pipeline, schema and data into a folder; what exists there is never overwritten.

    Raises
    ------
    UsageError
        If there is no such example, or the directory is a file.
    DataError
        If the data cannot be fetched.
    StorageError
        If the disk is full or cannot be written.
    """
    from headrace.examples.fetch import fetch_census, fetch_flights
    from headrace.storage import disk_errors, write_atomic

    if example not in EXAMPLES:
        raise UsageError("An example that exists is wanted", got=example, fix=did_you_mean(example, EXAMPLES))
    if directory.exists() and not directory.is_dir():
        raise UsageError("A folder is wanted for the project", got=str(directory), fix="Name another one")
    written: list[Path] = []
    kept: list[Path] = []
    for source in sorted(resources.files("headrace.examples").joinpath(example).iterdir(), key=lambda one: one.name):
        if source.name.startswith("_") or not source.is_file():
            continue
        path = directory / source.name
        if path.exists():
            kept.append(path)
            continue
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, source.read_bytes())
        written.append(path)
    data: list[Path] = []
    if with_data:
        data = (fetch_census if example == "census" else fetch_flights)(directory / "data")
    return Created(tuple(written), tuple(kept), tuple(data))
