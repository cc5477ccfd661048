"""Published versions of models, as they lie on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ModelVersion", "read_version"]

RECORD = "registered.json"
REQUIRED = ("model.onnx", "signature.json")


@dataclass(frozen=True)
class ModelVersion:
    """A published model.

    Parameters
    ----------
    name
        The model's name.
    version
        1, 2, 3, …
    path
        The model folder.
    key
        What the publisher said identifies this version, if anything.
    published
        When, as ISO 8601 in UTC.
    digest
        SHA-256 of model.onnx: versions with the same one predict the same, whenever and wherever they were trained.
    signature_digest
        SHA-256 of signature.json: versions with the same one answer the same requests.
    """

    name: str
    version: int
    path: Path
    key: str | None
    published: str
    digest: str
    signature_digest: str

    @property
    def lineage(self) -> dict[str, Any]:
        """Where the model comes from: run, data digests, code digest, parameters; empty where nothing was said."""
        return self._json("lineage.json") or {}

    @property
    def evaluation(self) -> dict[str, Any] | None:
        """The contents of evaluation.json, or None where the model was not evaluated."""
        return self._json("evaluation.json")

    @property
    def blessed(self) -> bool | None:
        """The verdict of the evaluation, or None where there is none."""
        evaluation = self.evaluation
        return None if evaluation is None else evaluation.get("blessed")

    def __str__(self) -> str:
        return f"models/{self.name}/{self.version}"

    def _json(self, file: str) -> dict[str, Any] | None:
        path = self.path / file
        try:
            return dict(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise StorageError(f"A version's {file} is a JSON object", got=str(error), where=str(path)) from error


def read_version(name: str, folder: Path) -> ModelVersion:
    """Return the version in a published folder.

    Raises
    ------
    StorageError
        If its record cannot be read.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_bytes())
        return ModelVersion(
            name=name,
            version=int(folder.name),
            path=folder,
            key=record["key"],
            published=record["published"],
            digest=record["digest"],
            signature_digest=record["signature_digest"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            "A published version has a readable record",
            got=str(error),
            where=str(path),
            fix="Publish the model again; a folder that was put there by hand is no version",
        ) from error
