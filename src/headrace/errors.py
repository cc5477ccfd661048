"""Every error that headrace raises on purpose.

::

    HeadraceError                      exit code 1
    ├── UsageError                     2  wrong arguments, unknown names
    │   ├── ConfigError                   a setting that cannot be read or used
    │   ├── WiringError                   a pipeline that cannot work, found before it runs
    │   └── MissingExtraError             an optional dependency that is not installed
    ├── DataError                         data that is absent or cannot be read
    ├── SchemaError                       a schema that cannot be read or contradicts itself
    ├── TransformError                    a preprocessing function that cannot become a graph
    ├── EstimatorError                    parameters or data that an estimator cannot learn from
    │   └── LeakError                     the label reaches the features
    ├── ModelError                        a model file or folder that cannot be used
    │   └── RequestError                  rows that do not fit the model's signature
    ├── EvaluationError                   a metric or slice that cannot be computed
    ├── StorageError                      bytes that cannot be read or written
    ├── MetadataError                     the record of runs and artifacts cannot be used
    ├── StepError                         a pipeline step that failed
    ├── ServingError                      a model server that cannot start or answer
    └── FoundWanting                   3  checked, and not good enough
        ├── AnomaliesFound
        └── NotBlessedError

A message says which rule broke, what was given, where, and what to do about it.
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

__all__ = [
    "AnomaliesFound",
    "ConfigError",
    "DataError",
    "EstimatorError",
    "EvaluationError",
    "FoundWanting",
    "HeadraceError",
    "LeakError",
    "MetadataError",
    "MissingExtraError",
    "ModelError",
    "NotBlessedError",
    "RequestError",
    "SchemaError",
    "ServingError",
    "StepError",
    "StorageError",
    "TransformError",
    "UsageError",
    "WiringError",
    "did_you_mean",
    "import_extra",
]


class HeadraceError(Exception):
    """The root of the tree.

    Parameters
    ----------
    rule
        The rule that broke, as a sentence.
    got
        What was given instead.
    where
        The place: a file and line, a row and column, a step.
    fix
        What to do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, rule: str, *, got: Any = None, where: str | None = None, fix: str | None = None) -> None:
        self.rule = rule
        self.got = got
        self.where = where
        self.fix = fix
        super().__init__(rule, got, where, fix)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.rule, self.got, self.where, self.fix)

    def __str__(self) -> str:
        text = self.rule.rstrip(".")
        if self.got is not None:
            text += f"; got {self.got if isinstance(self.got, str) else repr(self.got)}"
        if self.where is not None:
            text += f" ({self.where})"
        text += "."
        if self.fix is not None:
            text += f" {self.fix}" if self.fix.endswith((".", "?", "!", "…")) else f" {self.fix}."
        return text


def _rebuild(kind: type[HeadraceError], rule: str, got: Any, where: str | None, fix: str | None) -> HeadraceError:
    return kind(rule, got=got, where=where, fix=fix)


class UsageError(HeadraceError):
    """Wrong arguments or unknown names."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting that cannot be read or used."""


class WiringError(UsageError):
    """A pipeline that cannot work, found before it runs."""


class MissingExtraError(UsageError, ImportError):
    """An optional dependency that is not installed."""


class DataError(HeadraceError):
    """Data that is absent or cannot be read."""


class SchemaError(HeadraceError):
    """A schema that cannot be read or contradicts itself."""


class TransformError(HeadraceError):
    """A preprocessing function that cannot become a graph."""


class EstimatorError(HeadraceError):
    """Parameters or data that an estimator cannot learn from."""


class LeakError(EstimatorError):
    """The label reaches the features."""


class ModelError(HeadraceError):
    """A model file or folder that cannot be used."""


class RequestError(ModelError):
    """Rows that do not fit the model's signature."""


class EvaluationError(HeadraceError):
    """A metric or slice that cannot be computed."""


class StorageError(HeadraceError):
    """Bytes that cannot be read or written."""


class MetadataError(HeadraceError):
    """The record of runs and artifacts cannot be used."""


class StepError(HeadraceError):
    """A pipeline step that failed."""


class ServingError(HeadraceError):
    """A model server that cannot start or answer."""


class FoundWanting(HeadraceError):  # noqa: N818 - a verdict rather than a fault
    """Checked, and not good enough."""

    exit_code = 3


class AnomaliesFound(FoundWanting):
    """The data does not fit its schema."""


class NotBlessedError(FoundWanting):
    """A model that the evaluation or the crash test refused."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the advice for an unknown name: the nearest known one, or all of them.

    >>> did_you_mean("educaton", ["age", "education"])
    "Did you mean 'education'?"
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"Known names: {shown}" if names else "There are none to choose from"


def import_extra(module: str, extra: str) -> ModuleType:
    """Import an optional module.

    Raises
    ------
    MissingExtraError
        If the module is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # Something that the module itself imports may be what is missing.
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise MissingExtraError(
            f"{module} is needed for this and is not installed", fix=f"Run: pip install 'headrace[{extra}]'"
        ) from error
