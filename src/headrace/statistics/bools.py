"""Statistics of truth values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from headrace.statistics.column_settings import ColumnSettings
from headrace.statistics.leaves import decoded, present
from headrace.statistics.values import BoolStatistics, CommonStatistics

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["BoolAccumulator"]


class BoolAccumulator:
    """Counts of true and false, and sums of their weights."""

    def __init__(self, settings: ColumnSettings | None = None) -> None:
        self._settings = settings or ColumnSettings()
        self._true = 0
        self._false = 0
        self._weights = [0.0, 0.0]

    def update(self, values: pa.Array, weights: NDArray[np.float64] | None = None) -> None:
        """Take in truth values."""
        values, weights = present(values, weights)
        values = decoded(values)
        true = int(values.true_count)
        self._true += true
        self._false += len(values) - true
        if weights is not None:
            held = values.to_numpy(zero_copy_only=False).astype(bool)
            self._weights[0] += float(weights[~held].sum())
            self._weights[1] += float(weights[held].sum())

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen."""
        self._true += other._true
        self._false += other._false
        self._weights = [mine + theirs for mine, theirs in zip(self._weights, other._weights, strict=True)]

    def result(self, common: CommonStatistics) -> BoolStatistics:
        """Return the statistics over all that was seen."""
        weighted = self._settings.weighted
        return BoolStatistics(
            common,
            self._true,
            self._false,
            weighted_true=self._weights[1] if weighted else None,
            weighted_false=self._weights[0] if weighted else None,
        )

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {"true": self._true, "false": self._false, "weights": self._weights}

    @classmethod
    def from_state(cls, state: dict[str, Any], settings: ColumnSettings) -> Self:
        """Return the accumulator of a state."""
        made = cls(settings)
        made._true, made._false, made._weights = state["true"], state["false"], list(state["weights"])
        return made
