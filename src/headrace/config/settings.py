"""Settings, from the command line, the environment, ``headrace.toml`` and defaults, in this order."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SETTINGS_FILE", "Settings", "find_settings_file", "load_settings", "resolve_home", "setting_docs"]

SETTINGS_FILE = "headrace.toml"
_PREFIX = "HEADRACE_"
# These name folders and switches of the tests and tools around headrace, not settings of its own.
_FOREIGN = frozenset({"HEADRACE_SHARED_DATA"})
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True)
class Settings:
    """All settings, with their values.

    Each one is a key of ``headrace.toml`` and, in capitals after ``HEADRACE_``, an environment variable.
    """

    home: Path = field(
        default=Path(".headrace"),
        metadata={
            "doc": "Folder of artifacts, models, runs and their metadata; in headrace.toml relative to that file."
        },
    )
    jobs: int | None = field(
        default=None, metadata={"doc": "Steps that may run side by side; as many as there are processors by default."}
    )
    cache: bool = field(
        default=True, metadata={"doc": "Whether a step whose code, parameters and inputs are unchanged is reused."}
    )
    host: str = field(default="127.0.0.1", metadata={"doc": "Address on which the model server listens."})
    port: int = field(default=8501, metadata={"doc": "Port of the model server's REST interface."})
    sources: Mapping[str, str] = field(default_factory=dict, metadata={"doc": ""}, repr=False, compare=False)

    def __post_init__(self) -> None:
        where = self.sources.get
        if self.jobs is not None and self.jobs < 1:
            raise ConfigError("jobs is a positive number", got=self.jobs, where=where("jobs"))
        if not 0 <= self.port <= 65535:
            raise ConfigError("port is a number from 0 to 65535", got=self.port, where=where("port"))


def setting_docs() -> dict[str, str]:
    """Return what each setting means."""
    return {f.name: f.metadata["doc"] for f in dataclasses.fields(Settings) if f.name != "sources"}


def find_settings_file(start: Path | None = None) -> Path | None:
    """Return the ``headrace.toml`` of ``start`` (the current folder by default) or the nearest folder above it."""
    folder = (start or Path.cwd()).resolve()
    for place in (folder, *folder.parents):
        if (place / SETTINGS_FILE).is_file():
            return place / SETTINGS_FILE
    return None


def load_settings(
    *,
    start: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings.

    Parameters
    ----------
    start
        Where the search for ``headrace.toml`` begins; the current folder by default.
    environ
        Environment variables; the process's own by default.
    overrides
        What the command line gave; a value of None leaves a setting alone.

    Raises
    ------
    ConfigError
        For a setting that does not exist or has a value of the wrong type; it lists the places looked in.
    """
    environ = os.environ if environ is None else environ
    known = setting_docs()
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    file = find_settings_file(start)
    looked = f"looked in the command line, {_PREFIX}* variables, and " + (
        str(file)
        if file
        else f"{SETTINGS_FILE} of {(start or Path.cwd()).resolve()} and the folders above it (none found)"
    )

    def take(name: str, value: Any, place: str) -> None:
        if name not in known:
            raise ConfigError(
                "A setting that exists is wanted", got=name, where=f"{place}; {looked}", fix=did_you_mean(name, known)
            )
        values[name] = _convert(name, value, place)
        sources[name] = place

    if file is not None:
        for name, value in _read(file).items():
            take(name, value, str(file))
        if "home" in values:
            values["home"] = file.parent / values["home"]
    for variable, value in sorted(environ.items()):
        if variable.startswith(_PREFIX) and variable not in _FOREIGN:
            take(variable.removeprefix(_PREFIX).lower(), value, f"environment variable {variable}")
    for name, value in (overrides or {}).items():
        if value is not None:
            take(name, value, "command line")
    return Settings(**values, sources=sources)


def resolve_home(value: str | Path | None = None, *, start: Path | None = None) -> Path:
    """Return the absolute path of the home folder: ``value`` where given, else the setting.

    Raises
    ------
    ConfigError
        If the settings cannot be read.
    """
    if value is not None:
        return Path(value).expanduser().resolve()
    return load_settings(start=start).home.expanduser().resolve()


def _read(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{SETTINGS_FILE} is a TOML file", got=str(error), where=str(file)) from error
    except OSError as error:
        raise ConfigError(f"{SETTINGS_FILE} must be readable", got=error.strerror, where=str(file)) from error


def _convert(name: str, value: Any, place: str) -> Any:
    if name == "home" and isinstance(value, (str, Path)) and str(value):
        return Path(value)
    if name == "host" and isinstance(value, str) and value:
        return value
    if name == "cache":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
            return value.lower() in _TRUE
    if name in ("jobs", "port"):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
            return int(value)
    kinds = {"home": "a path", "host": "an address", "cache": "true or false", "jobs": "a number", "port": "a number"}
    raise ConfigError(f"{name} is {kinds[name]}", got=value, where=place, fix=setting_docs()[name])
