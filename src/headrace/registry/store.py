"""The model registry: names, versions, and publishing as one step that happens or does not."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError, UsageError, did_you_mean
from headrace.registry.staging import LOCK, copy_tree, locked, staging, sweep, sync_folder, write_file
from headrace.registry.versions import RECORD, REQUIRED, ModelVersion, read_version

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Registry"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class Registry:
    """The models of a home folder, in ``<home>/models/<name>/<version>/``.

    Parameters
    ----------
    home
        The home folder; it need not exist yet.
    """

    def __init__(self, home: Path | str) -> None:
        self.home = Path(home)
        self.root = self.home / "models"

    def __repr__(self) -> str:
        return f"Registry({str(self.home)!r})"

    def names(self) -> list[str]:
        """Return the names of all models that have a version."""
        if not self.root.is_dir():
            return []
        found = (path.name for path in self.root.iterdir() if path.is_dir() and _NAME.fullmatch(path.name))
        return sorted(name for name in found if self._numbers(name))

    def versions(self, name: str) -> list[ModelVersion]:
        """Return the versions of a model, oldest first.

        Raises
        ------
        ModelError
            If there is no such model.
        """
        numbers = self._numbers(_checked(name))
        if not numbers:
            raise ModelError(
                "A model in the registry is wanted", got=name, where=str(self.root), fix=self._advice(name)
            )
        return [read_version(name, self.root / name / str(number)) for number in numbers]

    def get(self, name: str, version: int | None = None) -> ModelVersion:
        """Return a version of a model, the newest where none is given.

        Raises
        ------
        ModelError
            If there is no such model or version.
        """
        numbers = self._numbers(_checked(name))
        if not numbers:
            raise ModelError(
                "A model in the registry is wanted", got=name, where=str(self.root), fix=self._advice(name)
            )
        number = numbers[-1] if version is None else version
        if number not in numbers:
            known = ", ".join(str(one) for one in numbers[-20:])
            raise ModelError(
                f"A published version of {name!r} is wanted",
                got=str(version),
                where=str(self.root / name),
                fix=f"There are: {known}",
            )
        return read_version(name, self.root / name / str(number))

    def newest_blessed(self, name: str) -> ModelVersion | None:
        """Return the newest version whose evaluation blessed it; None where there is none, or no such model."""
        for number in reversed(self._numbers(_checked(name))):
            version = read_version(name, self.root / name / str(number))
            if version.blessed:
                return version
        return None

    def resolve(self, reference: str | Path) -> Path:
        """Return the model folder that is meant by ``models/census/3``, ``census/3``, ``census`` or a path.

        A path to a model folder wins over a model of that name.

        Raises
        ------
        ModelError
            If there is neither.
        """
        path = Path(reference)
        if (path / "model.onnx").is_file():
            return path
        parts = str(reference).removeprefix("models/").strip("/").split("/")
        if len(parts) <= 2 and _NAME.fullmatch(parts[0]) and self._numbers(parts[0]):
            if len(parts) == 1:
                return self.get(parts[0]).path
            if parts[1].isascii() and parts[1].isdigit():
                return self.get(parts[0], int(parts[1])).path
        raise ModelError(
            "A model is a name, a name and a version, or a folder with a model.onnx",
            got=str(reference),
            where=str(self.root),
            fix=self._advice(parts[0]),
        )

    def publish(
        self,
        name: str,
        folder: Path | str,
        *,
        lineage: Mapping[str, Any] | None = None,
        evaluation: Path | str | None = None,
        extras: Mapping[str, Path | str] | None = None,
        key: str | None = None,
    ) -> ModelVersion:
        """Copy a model folder into the registry as the next version.

        The version becomes visible whole, by one rename, or not at all, whatever happens to this process.

        Parameters
        ----------
        name
            Lower-case letters, digits, ``.``, ``_`` and ``-``.
        folder
            Holds at least ``model.onnx`` and ``signature.json``.
        lineage
            Written as ``lineage.json``.
        evaluation
            A file that is copied as ``evaluation.json``.
        extras
            More files by the name that they get in the version, as ``{"statistics.json": path}``.
        key
            Identifies what is published: publishing again with the same key returns the existing version.

        Raises
        ------
        UsageError
            If the name is not allowed.
        ModelError
            If the folder is not a model folder.
        StorageError
            If the disk is full or cannot be written; nothing is left behind then.
        """
        _checked(name)
        source = Path(folder)
        for file in REQUIRED:
            if not (source / file).is_file():
                raise ModelError(f"A model folder holds {' and '.join(REQUIRED)}", got=f"no {file}", where=str(source))
        files = {"evaluation.json": evaluation} if evaluation is not None else {}
        files |= dict(extras or {})
        for target, path in files.items():
            if not Path(path).is_file():
                raise ModelError(f"The file for {target} exists", got=str(path))
        parent = self.root / name
        with locked(parent / LOCK):
            existing = self._by_key(name, key)
            if existing is not None:
                return existing
        sweep(parent)
        with staging(parent) as staged:
            files_digest = copy_tree(source, staged)
            for target, path in files.items():
                write_file(staged / target, Path(path).read_bytes())
            if lineage is not None:
                write_file(staged / "lineage.json", _json(lineage))
            record = {
                "key": key,
                "published": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "digest": hashlib.sha256((staged / "model.onnx").read_bytes()).hexdigest(),
                "signature_digest": hashlib.sha256((staged / "signature.json").read_bytes()).hexdigest(),
                "files_digest": files_digest,
            }
            write_file(staged / RECORD, _json(record))
            sync_folder(staged)
            with locked(parent / LOCK):
                existing = self._by_key(name, key)
                if existing is not None:
                    return existing
                numbers = self._numbers(name)
                target_folder = parent / str(numbers[-1] + 1 if numbers else 1)
                staged.rename(target_folder)
                try:
                    sync_folder(parent)
                except OSError:
                    # A version that a power cut may take away again was not published.
                    target_folder.rename(staged)
                    raise
        return read_version(name, target_folder)

    def _by_key(self, name: str, key: str | None) -> ModelVersion | None:
        if key is None:
            return None
        for number in reversed(self._numbers(name)):
            version = read_version(name, self.root / name / str(number))
            if version.key == key:
                return version
        return None

    def _numbers(self, name: str) -> list[int]:
        folder = self.root / name
        if not folder.is_dir():
            return []
        return sorted(
            int(path.name)
            for path in folder.iterdir()
            if path.name.isascii() and path.name.isdigit() and not path.name.startswith("0") and path.is_dir()
        )

    def _advice(self, name: str) -> str:
        return did_you_mean(name, self.names()) if self.names() else "No model has been published yet"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(
            "A model's name is made of lower-case letters, digits, '.', '_' and '-', and starts with a letter or digit",
            got=name,
        )
    return name


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str).encode() + b"\n"
