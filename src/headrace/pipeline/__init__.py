"""Pipelines of components over artifacts: wiring, reuse by content, and runs that can be killed at any time."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from headrace.pipeline.artifact import Artifact
from headrace.pipeline.component import Component, component
from headrace.pipeline.context import StepContext, current_step
from headrace.pipeline.graph import Graph, InputRef, Step
from headrace.pipeline.outputs import Output
from headrace.pipeline.pipelines import Pipeline, pipeline
from headrace.pipeline.wiring import FilePath

if TYPE_CHECKING:
    from headrace.pipeline.digest import code_digest, value_digest
    from headrace.pipeline.home import cancel_run, run_states, step_states, sweep
    from headrace.pipeline.loading import Origin, load_pipeline, origin_of, search_path
    from headrace.pipeline.results import RunEvent, RunResult, StepResult
    from headrace.pipeline.runner import run_pipeline
    from headrace.pipeline.spec import Failure

__all__ = [
    "Artifact",
    "Component",
    "Failure",
    "FilePath",
    "Graph",
    "InputRef",
    "Origin",
    "Output",
    "Pipeline",
    "RunEvent",
    "RunResult",
    "Step",
    "StepContext",
    "StepResult",
    "cancel_run",
    "code_digest",
    "component",
    "current_step",
    "load_pipeline",
    "origin_of",
    "pipeline",
    "run_pipeline",
    "run_states",
    "search_path",
    "step_states",
    "sweep",
    "value_digest",
]

# Only those who run a pipeline need these.
_LAZY = {
    "Failure": "spec",
    "Origin": "loading",
    "RunEvent": "results",
    "RunResult": "results",
    "StepResult": "results",
    "cancel_run": "home",
    "code_digest": "digest",
    "load_pipeline": "loading",
    "origin_of": "loading",
    "run_pipeline": "runner",
    "run_states": "home",
    "step_states": "home",
    "search_path": "loading",
    "sweep": "home",
    "value_digest": "digest",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Decorator(ModuleType):
    """The package is also what users write as ``@hr.pipeline``: a package and a decorator share the name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return pipeline(*args, **kwargs)


sys.modules[__name__].__class__ = _Decorator
