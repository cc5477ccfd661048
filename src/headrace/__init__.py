"""headrace takes a machine-learning model from raw data to served, watched and retrained production.

Public names are imported when they are first used, so that ``import headrace`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace._version import __version__

if TYPE_CHECKING:
    pass

_HOMES: dict[str, str] = {}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    from headrace.errors import did_you_mean

    raise AttributeError(f"headrace has no {name!r}. {did_you_mean(name, __all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
