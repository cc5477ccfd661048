"""Training: leak search, fits that can be resumed, learning curves, and the finished model folder."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace.training.leaks import refuse_leaks

if TYPE_CHECKING:
    from headrace.training.progress import Progress
    from headrace.training.result import TrainResult
    from headrace.training.tensorboard import EventWriter
    from headrace.training.trainer import train

_HOMES = {"EventWriter": "tensorboard", "Progress": "progress", "TrainResult": "result", "train": "trainer"}

__all__ = ["EventWriter", "Progress", "TrainResult", "refuse_leaks", "train"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"headrace.training.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
