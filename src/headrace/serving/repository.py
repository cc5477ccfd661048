"""The models that a server offers: watches folders, loads new versions beside the old ones, and swaps."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from headrace.errors import ServingError
from headrace.model import load_model
from headrace.model.feeds import fill_value, numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from headrace.model import LoadedModel

__all__ = ["ModelRepository", "NotServedError", "ServedVersion", "State", "VersionStatus"]

_log = logging.getLogger("headrace.serving")

State = Literal["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]
_Identity = tuple[tuple[int, int, int], ...]


class NotServedError(ServingError):
    """A model or version that the server does not offer."""


@dataclass(frozen=True)
class ServedVersion:
    """A loaded version; a request that holds it finishes on it, whatever is published meanwhile."""

    name: str
    version: int
    model: LoadedModel
    identity: _Identity


@dataclass(frozen=True)
class VersionStatus:
    """How far a version is, in TensorFlow Serving's words."""

    version: int
    state: State
    error_code: str = "OK"
    error_message: str = ""


class ModelRepository:
    """Watches models and keeps their newest versions loaded.

    Parameters
    ----------
    models_dir
        ``<models_dir>/<name>/<version>/``; names and versions may appear and go at any time.
    models
        Further models by name: a model folder, or a folder of numbered versions.
    keep
        Versions of each model that stay loaded.
    poll_seconds
        Time between two looks at the folders.
    load
        Opens a model folder.
    """

    def __init__(
        self,
        models_dir: Path | None = None,
        models: Mapping[str, Path] | None = None,
        *,
        keep: int = 2,
        poll_seconds: float = 1.0,
        load: Callable[[Path], LoadedModel] = load_model,
    ) -> None:
        if keep < 1:
            raise ServingError("At least one version of a model stays loaded", got=keep)
        self._models_dir = models_dir
        self._models = dict(models or {})
        self._keep = keep
        self._poll_seconds = poll_seconds
        self._load = load
        # Replaced as a whole, never changed: a reader sees the state before or after a swap.
        self._served: dict[str, dict[int, ServedVersion]] = {}
        self._status: dict[str, dict[int, VersionStatus]] = {}
        self._failed: dict[tuple[str, int], _Identity] = {}
        self._scanning = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    @property
    def names(self) -> list[str]:
        """Names of models that the server knows, loaded or not."""
        return sorted(self._status)

    @property
    def ready(self) -> bool:
        """Whether every known model has a version that answers."""
        return all(name in self._served for name in self._status)

    def get(self, name: str, version: int | None = None) -> ServedVersion:
        """Return a version, the newest when None.

        Raises
        ------
        NotServedError
            If it is not loaded.
        """
        versions = self._served.get(name)
        if versions:
            if version is None:
                return versions[next(iter(versions))]
            if version in versions:
                return versions[version]
        raise NotServedError(
            "Servable not found for request: "
            + (f"Latest({name})" if version is None else f"Specific({name}, {version})")
        )

    def status(self, name: str, version: int | None = None) -> list[VersionStatus]:
        """Return how far the versions are, newest first; NotServedError where there are none."""
        versions = self._status.get(name, {})
        found = [versions[v] for v in sorted(versions, reverse=True) if version in (None, v)]
        if not found:
            which = name if version is None else f"{name} version {version}"
            raise NotServedError(f"Could not find any versions of model {which}")
        return found

    def start(self) -> None:
        """Load what there is, then watch in a thread of its own."""
        self.scan()
        self._thread = threading.Thread(target=self._watch, name="headrace-models", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def reload(self) -> None:
        """Have the watcher look at once."""
        self._wake.set()

    def scan(self) -> None:
        """Look at the folders now and bring the loaded versions in line with them."""
        with self._scanning:
            wanted = self._find()
            for name in sorted({*wanted, *self._status}):
                self._bring_in_line(name, wanted.get(name, {}))

    def _watch(self) -> None:
        while True:
            self._wake.wait(self._poll_seconds)
            self._wake.clear()
            if self._stopped:
                return
            try:
                self.scan()
            except OSError as error:
                # A folder that is away for a moment takes no model down.
                _log.warning("the models could not be looked at: %s", error)

    def _find(self) -> dict[str, dict[int, Path]]:
        found = {}
        if self._models_dir is not None and self._models_dir.is_dir():
            for folder in self._models_dir.iterdir():
                if folder.is_dir() and not folder.name.startswith("."):
                    found[folder.name] = _versions(folder)
        for name, folder in self._models.items():
            plain = (folder / "model.onnx").is_file() or (folder / "model" / "model.onnx").is_file()
            found[name] = {1: folder} if plain else _versions(folder)
        return {name: versions for name, versions in found.items() if versions or name in self._models}

    def _bring_in_line(self, name: str, folders: dict[int, Path]) -> None:
        if not folders and name not in self._models:
            self._publish(name, {})
            self._status = {known: states for known, states in self._status.items() if known != name}
            return
        self._status = {name: {}, **self._status}
        before = self._served.get(name, {})
        keep: dict[int, ServedVersion] = {}
        for version in sorted(folders, reverse=True):
            if len(keep) == self._keep:
                break
            identity = _identity(folders[version])
            current = before.get(version)
            if current is not None and current.identity == identity:
                keep[version] = current
            elif self._failed.get((name, version)) != identity:
                loaded = self._open(name, version, folders[version], identity, served=current is not None)
                if loaded is not None:
                    keep[version] = loaded
                elif current is not None:
                    keep[version] = current
                # Answer with the new version before older ones are looked at.
                self._publish(name, before | keep)
            elif current is not None:
                keep[version] = current
        self._publish(name, keep)
        states = {
            version: status
            for version, status in self._status.get(name, {}).items()
            if version in keep or (version in folders and status.error_code != "OK")
        }
        self._status = {**self._status, name: states}

    def _open(
        self, name: str, version: int, folder: Path, identity: _Identity, *, served: bool
    ) -> ServedVersion | None:
        status = VersionStatus(version, "AVAILABLE" if served else "LOADING")
        self._set_status(name, status)
        try:
            model = self._load(folder)
            model.run(_neutral_row(model))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one model, the others go on
            self._failed[name, version] = identity
            reason = str(error) or type(error).__name__
            # What was loaded before from this folder goes on answering.
            state: State = "AVAILABLE" if served else "END"
            self._set_status(name, replace(status, state=state, error_code="UNKNOWN", error_message=reason))
            _log.error("model %s version %d cannot be served: %s", name, version, reason)
            return None
        self._failed.pop((name, version), None)
        self._set_status(name, replace(status, state="AVAILABLE"))
        _log.info("model %s version %d is served", name, version)
        return ServedVersion(name, version, model, identity)

    def _set_status(self, name: str, status: VersionStatus) -> None:
        self._status = {**self._status, name: {**self._status.get(name, {}), status.version: status}}

    def _publish(self, name: str, versions: dict[int, ServedVersion]) -> None:
        served = {known: loaded for known, loaded in self._served.items() if known != name}
        if versions:
            served[name] = dict(sorted(versions.items(), reverse=True))
        self._served = served


def _versions(folder: Path) -> dict[int, Path]:
    if not folder.is_dir():
        return {}
    return {
        int(path.name): path
        for path in folder.iterdir()
        if path.name.isascii() and path.name.isdigit() and path.is_dir()
    }


def _identity(folder: Path) -> _Identity:
    """Describe the files of a version, so that a change in place is seen without reading them."""
    found = []
    for name in ("model.onnx", "signature.json", "model/model.onnx", "model/signature.json"):
        try:
            stat = (folder / name).stat()
        except OSError:
            continue
        found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)


def _neutral_row(model: LoadedModel) -> dict[str, Any]:
    """Return feeds of one row: everything missing that may be missing, zeros and empty strings elsewhere."""
    return {
        item.name: np.full(
            (1, *(size if isinstance(size, int) else 1 for size in item.shape[1:])),
            fill_value(item.dtype) if item.role == "value" else True,
            numpy_dtype(item.dtype),
        )
        for item in model.signature.inputs
    }
