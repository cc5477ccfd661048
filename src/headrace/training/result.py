"""What a training run found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headrace.errors import EstimatorError
from headrace.storage import file_in, read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

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

    def save(self, path: str | Path) -> None:
        """Write JSON, into ``training.json`` where ``path`` is a folder."""
        write_json(file_in(path, FILE), self)

    @classmethod
    def load(cls, path: str | Path) -> TrainResult:
        """Read what ``save`` wrote.

        Raises
        ------
        EstimatorError
            If there is no such file, or it does not hold a training run.
        """
        return read_json(cls, file_in(path, FILE), rule="A model folder has a training.json", error=EstimatorError)

    def _repr_html_(self) -> str:
        from headrace.training.view import view
        from headrace.viz import embed

        return embed(view(self))
