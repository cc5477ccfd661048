"""What a training run found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from headrace.errors import EstimatorError

__all__ = ["TrainResult"]

FILE = "training.json"


class TrainResult(msgspec.Struct, frozen=True, kw_only=True):
    """A training run.

    Parameters
    ----------
    estimator
        Name of its class.
    params
        Its parameters; those that JSON cannot hold are given as text.
    label, weight, features
        Outputs of the transform.
    classes
        Names of the classes; empty for a regression.
    rows
        Rows by split.
    seconds
        Time of the whole, from reading the rows to the finished model folder.
    fit_seconds
        Time of the fit alone.
    rows_per_second
        Rows times passes over them, by the time of the fit.
    resumed_from
        The epoch of the checkpoint that it went on from; None where it began anew.
    series
        Learning curve: by metric, pairs of epoch (for trees, of round) and value.
    """

    estimator: str
    params: dict[str, Any]
    label: str
    weight: str | None
    features: tuple[str, ...]
    classes: tuple[str, ...]
    rows: dict[str, int]
    seconds: float
    fit_seconds: float
    rows_per_second: float
    resumed_from: int | None
    series: dict[str, list[tuple[int, float]]]

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of every metric."""
        return {name: values[-1][1] for name, values in self.series.items()}

    @classmethod
    def load(cls, path: str | Path) -> TrainResult:
        """Read ``training.json``, or the one in a model folder."""
        file = Path(path)
        if file.is_dir():
            file = file / FILE
        try:
            return msgspec.json.decode(file.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise EstimatorError("A model folder has a training.json", got=str(error), where=str(file)) from error

    def to_json(self) -> bytes:
        """Return the file's content."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def _repr_html_(self) -> str:
        from headrace.training.view import view

        return str(view(self))
