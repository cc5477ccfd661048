"""Estimators in folders: ``estimator.json`` and the files of what was learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import headrace.estimators
from headrace.errors import EstimatorError
from headrace.schema import FeatureSpec
from headrace.storage import write_atomic

if TYPE_CHECKING:
    from headrace.estimators.base import Estimator

__all__ = ["load", "save"]

MANIFEST = "estimator.json"


class _Manifest(msgspec.Struct, frozen=True):
    kind: str
    params: dict[str, Any]
    specs: list[FeatureSpec]
    classes: list[int | str]
    class_names: list[str]


def save(estimator: Estimator, directory: Path) -> None:
    """Write the estimator; the manifest goes last, so that a folder with one is whole."""
    directory = Path(directory)
    learned = estimator._fitted  # noqa: SLF001 - the file form is part of the estimator
    directory.mkdir(parents=True, exist_ok=True)
    learned.write(directory)
    manifest = _Manifest(
        type(estimator).__name__,
        estimator._plain_params(),  # noqa: SLF001
        list(estimator.specs_),
        list(estimator._classes),  # noqa: SLF001
        list(estimator.class_names_),
    )
    write_atomic(directory / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def load(directory: Path) -> Estimator:
    """Read an estimator of any class."""
    path = Path(directory) / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise EstimatorError("The folder holds a saved estimator", got=str(error), where=str(path)) from error
    kind: Any = headrace.estimators.KINDS.get(manifest.kind)
    if kind is None:
        raise EstimatorError("The estimator's class is known", got=manifest.kind, where=str(path))
    params = {name: tuple(value) if isinstance(value, list) else value for name, value in manifest.params.items()}
    estimator: Estimator = kind._from_plain(params, Path(directory))  # noqa: SLF001
    estimator._specs = tuple(manifest.specs)  # noqa: SLF001
    estimator._classes = tuple(manifest.classes)  # noqa: SLF001
    estimator._class_names = tuple(manifest.class_names)  # noqa: SLF001
    estimator._learned = estimator._read(Path(directory))  # noqa: SLF001
    return estimator
