"""What an evaluation found, and its file."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.errors import EvaluationError, did_you_mean
from headrace.metrics import MetricValue, Task
from headrace.storage import file_in, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Check", "Curves", "Difference", "EvalResult", "SliceKey", "SliceResult", "slice_name"]

FILE = "evaluation.json"
FORMAT = 1
SliceKey = tuple[tuple[str, str], ...]
Point = tuple[float, float, float]


def slice_name(key: SliceKey) -> str:
    """Return a slice's name.

    >>> slice_name((("sex", "Female"), ("race", "missing")))
    'sex=Female, race=missing'
    >>> slice_name(())
    'overall'
    """
    return ", ".join(f"{column}={value}" for column, value in key) or "overall"


@dataclass(frozen=True)
class Curves:
    """Points to draw, for models of two classes.

    Parameters
    ----------
    roc
        (false positive rate, true positive rate, threshold).
    pr
        (recall, precision, threshold).
    calibration
        (low, high, mean prediction, mean label, weight) of each bin that is not empty.
    """

    roc: tuple[Point, ...] = ()
    pr: tuple[Point, ...] = ()
    calibration: tuple[tuple[float, float, float, float, float], ...] = ()


@dataclass(frozen=True)
class SliceResult:
    """The metrics of some rows.

    Parameters
    ----------
    key
        Columns and values; empty for all rows.
    rows
        How many.
    metrics
        By name; empty where there are too few rows.
    """

    key: SliceKey
    rows: int
    metrics: dict[str, MetricValue]

    @property
    def name(self) -> str:
        """The slice's name, such as ``sex=Female``."""
        return slice_name(self.key)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "slice": self.name,
            "key": [list(part) for part in self.key],
            "rows": self.rows,
            "metrics": {name: value.to_dict() for name, value in self.metrics.items()},
        }


@dataclass(frozen=True)
class Check:
    """One threshold and whether it was met.

    Parameters
    ----------
    metric, slice
        What was checked, and over which rows.
    rule
        ``"min"``, ``"max"``, ``"min_change"`` or ``"max_change"``.
    value
        The metric's value or change; None where there is none.
    bound
        The threshold.
    ok
        Whether it was met.
    note
        Why there is no value.
    """

    metric: str
    slice: str
    rule: str
    value: float | None
    bound: float
    ok: bool
    note: str | None = None

    def __str__(self) -> str:
        what = f"change of {self.metric}" if self.rule.endswith("change") else self.metric
        sign = "at least" if self.rule.startswith("min") else "at most"
        got = f"is {self.value:.6g}" if self.value is not None else (self.note or "has no value")
        return f"{what} ({self.slice}) {got}, must be {sign} {self.bound:.6g}"


@dataclass(frozen=True)
class Difference:
    """How a metric differs from the baseline's on the same rows."""

    metric: str
    slice: str
    value: float
    baseline: float

    @property
    def change(self) -> float:
        """Value minus baseline."""
        return self.value - self.baseline


@dataclass(frozen=True)
class EvalResult:
    """Metrics over all rows and slices, and the verdict.

    Parameters
    ----------
    task
        What the model predicts.
    overall
        Metrics over all rows.
    slices
        Metrics by slice, in the order of the settings and then of the values.
    curves
        Points to draw.
    checks
        All thresholds.
    differences
        Against the baseline.
    rows_without_label
        Rows that were left out because their label is missing.
    data
        Identifies the labels that were evaluated against, whatever their order.
    config
        The settings, as plain values.
    baseline
        What the baseline was, if there was one.
    """

    task: Task
    overall: SliceResult
    slices: tuple[SliceResult, ...] = ()
    curves: Curves = field(default_factory=Curves)
    checks: tuple[Check, ...] = ()
    differences: tuple[Difference, ...] = ()
    rows_without_label: int = 0
    data: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    baseline: str | None = None

    @property
    def blessed(self) -> bool:
        """Whether all thresholds were met; true where there are none."""
        return all(check.ok for check in self.checks)

    @property
    def metrics(self) -> dict[str, float]:
        """Values over all rows by name."""
        return {name: found.value for name, found in self.overall.metrics.items()}

    def slice(self, name: str) -> SliceResult:
        """Return a slice by its name, such as ``"sex=Female"``.

        Raises
        ------
        EvaluationError
            If there is no such slice.
        """
        for one in (self.overall, *self.slices):
            if one.name == name:
                return one
        raise EvaluationError(
            "A slice that was evaluated is wanted", got=name, fix=did_you_mean(name, [one.name for one in self.slices])
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, the contents of ``evaluation.json``."""
        return {
            "format": FORMAT,
            "task": self.task,
            "blessed": self.blessed,
            "rows": self.overall.rows,
            "rows_without_label": self.rows_without_label,
            "data": self.data,
            "checks": [
                {
                    "metric": c.metric,
                    "slice": c.slice,
                    "rule": c.rule,
                    "value": c.value,
                    "bound": c.bound,
                    "ok": c.ok,
                    "note": c.note,
                }
                for c in self.checks
            ],
            "baseline": self.baseline,
            "differences": [
                {
                    "metric": d.metric,
                    "slice": d.slice,
                    "value": d.value,
                    "baseline": d.baseline,
                    "change": d.change,
                }
                for d in self.differences
            ],
            "overall": self.overall.to_dict(),
            "slices": [one.to_dict() for one in self.slices],
            "curves": {
                "roc": [_finite(point) for point in self.curves.roc],
                "pr": [_finite(point) for point in self.curves.pr],
                "calibration": [list(one) for one in self.curves.calibration],
            },
            "config": self.config,
        }

    def save(self, path: Path | str) -> Path:
        """Write ``evaluation.json``, into the folder if a folder is given, and return its path."""
        target = file_in(path, FILE)
        write_atomic(target, json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        return target

    @classmethod
    def load(cls, path: Path | str) -> EvalResult:
        """Read what `save` has written, from the file or its folder.

        Raises
        ------
        EvaluationError
            If the file is absent or cannot be read.
        """
        source = file_in(path, FILE)
        try:
            return cls.from_dict(json.loads(source.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EvaluationError(
                "An evaluation is a JSON file that headrace has written",
                got=f"{type(error).__name__}: {error}",
                where=str(source),
            ) from error

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> EvalResult:
        """Return what `to_dict` has given."""
        if plain["format"] > FORMAT:
            raise EvaluationError(
                f"Evaluations up to format {FORMAT} can be read", got=plain["format"], fix="Upgrade headrace"
            )
        curves = plain["curves"]
        return cls(
            task=plain["task"],
            overall=_slice(plain["overall"]),
            slices=tuple(_slice(one) for one in plain["slices"]),
            curves=Curves(
                roc=tuple(_point(point) for point in curves["roc"]),
                pr=tuple(_point(point) for point in curves["pr"]),
                calibration=tuple((a, b, c, d, e) for a, b, c, d, e in curves["calibration"]),
            ),
            checks=tuple(Check(**one) for one in plain["checks"]),
            differences=tuple(
                Difference(one["metric"], one["slice"], one["value"], one["baseline"]) for one in plain["differences"]
            ),
            rows_without_label=plain["rows_without_label"],
            data=plain["data"],
            config=plain["config"],
            baseline=plain["baseline"],
        )

    def _repr_html_(self) -> str:
        from headrace.evaluation.view import evaluation_view
        from headrace.viz import embed

        return embed(evaluation_view(self))


def _finite(point: Point) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in point]


def _point(plain: list[float | None]) -> Point:
    # Only the first threshold of a curve is not finite.
    x, y, threshold = (math.inf if value is None else value for value in plain)
    return x, y, threshold


def _slice(plain: dict[str, Any]) -> SliceResult:
    metrics = {name: MetricValue.from_dict(value) for name, value in plain["metrics"].items()}
    return SliceResult(tuple((column, value) for column, value in plain["key"]), plain["rows"], metrics)
