"""Where a component is running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.pipeline import current_step

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.registry import Registry

__all__ = ["home_here", "registry_here"]


def home_here() -> Path:
    """Return the home folder of the run, or outside a run the one of this folder."""
    from headrace.config import resolve_home

    step = current_step()
    return resolve_home(None) if step is None else step.home


def registry_here() -> Registry:
    """Return the registry of that home."""
    from headrace.registry import Registry

    return Registry(home_here())
