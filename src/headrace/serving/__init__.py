"""The model server, its client, and the two trials of a model: the crash test and the verification of every path."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.serving.background import BackgroundServer
    from headrace.serving.bulk import WithPredictions, with_predictions
    from headrace.serving.canary import CrashTestResult, crash_test
    from headrace.serving.client import ModelClient
    from headrace.serving.http import HttpLimits
    from headrace.serving.repository import ModelRepository, NotServedError, ServedVersion, VersionStatus
    from headrace.serving.server import ModelServer, serve
    from headrace.serving.verification import Comparison, VerifyReport, verify

_HOMES = {
    "BackgroundServer": "background",
    "Comparison": "verification",
    "CrashTestResult": "canary",
    "HttpLimits": "http",
    "ModelClient": "client",
    "ModelRepository": "repository",
    "ModelServer": "server",
    "NotServedError": "repository",
    "ServedVersion": "repository",
    "VerifyReport": "verification",
    "VersionStatus": "repository",
    "WithPredictions": "bulk",
    "crash_test": "canary",
    "serve": "server",
    "verify": "verification",
    "with_predictions": "bulk",
}

__all__ = [
    "BackgroundServer",
    "Comparison",
    "CrashTestResult",
    "HttpLimits",
    "ModelClient",
    "ModelRepository",
    "ModelServer",
    "NotServedError",
    "ServedVersion",
    "VerifyReport",
    "VersionStatus",
    "WithPredictions",
    "crash_test",
    "serve",
    "verify",
    "with_predictions",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"headrace.serving.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
