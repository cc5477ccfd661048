"""Facts about runs, steps, executions and artifacts, and the lineage that follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.metadata.lineage import LineageGraph
from headrace.metadata.records import (
    ArtifactRecord,
    ExecutionRecord,
    ExternalInput,
    RunRecord,
    RunState,
    StepRecord,
    StepState,
    StoredFileDigest,
)

if TYPE_CHECKING:
    from headrace.metadata.reading import MetadataReader
    from headrace.metadata.store import MetadataStore

__all__ = [
    "ArtifactRecord",
    "ExecutionRecord",
    "ExternalInput",
    "LineageGraph",
    "MetadataReader",
    "MetadataStore",
    "RunRecord",
    "RunState",
    "StepRecord",
    "StepState",
    "StoredFileDigest",
]

# These need SQLAlchemy, which takes a while to import.
_LAZY = {"MetadataReader": "headrace.metadata.reading", "MetadataStore": "headrace.metadata.store"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
