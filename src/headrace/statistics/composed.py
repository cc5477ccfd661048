"""Sparse and weighted features: whether the columns that they are made of go together, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.statistics.nested import is_list, list_parts, valid_rows
from headrace.statistics.values import CustomStatistic

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from headrace.schema import Schema

__all__ = ["ComposedAccumulator", "composed_columns"]


def composed_columns(schema: Schema, held: pa.Schema) -> list[str]:
    """Return the columns of the data that sparse and weighted features are made of."""
    named = [name for value, others in _composed(schema).values() for name in (value, *others)]
    return [name for name in dict.fromkeys(named) if name in held.names]


class ComposedAccumulator:
    """In how many rows values or their indices or weights are alone, and how far their numbers are apart.

    A feature of which the data lacks a column, or has no row, is left out.

    Parameters
    ----------
    schema
        It says which columns make sparse and weighted features.
    """

    def __init__(self, schema: Schema) -> None:
        self._composed = _composed(schema)
        self._weighted = {one.name for one in schema.weighted_features}
        self._columns = list(
            dict.fromkeys(name for value, others in self._composed.values() for name in (value, *others))
        )
        self._no_value = dict.fromkeys(self._composed, 0)
        self._alone = {name: dict.fromkeys(others, 0) for name, (_, others) in self._composed.items()}
        # The least and the greatest difference of a row's number of indices or weights and its number of values.
        self._apart: dict[str, dict[str, tuple[int, int] | None]] = {
            name: dict.fromkeys(others) for name, (_, others) in self._composed.items()
        }

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of one batch."""
        if batch.num_rows == 0:
            return
        held = set(batch.schema.names)
        counted = {name: _values(batch.column(name)) for name in self._columns if name in held}
        for name, (value, others) in self._composed.items():
            if not counted.keys() >= {value, *others}:
                continue
            there, count = counted[value]
            lonely = np.zeros(batch.num_rows, np.bool_)
            for other in others:
                other_there, other_count = counted[other]
                lonely |= other_there & ~there
                self._alone[name][other] += int((there & ~other_there).sum())
                apart = (other_count - count)[there | other_there]
                if apart.size:
                    self._widen(name, other, int(apart.min()), int(apart.max()))
            self._no_value[name] += int(lonely.sum())

    def merge(self, other: Self) -> None:
        """Take in what another one of the same schema has seen."""
        for name in self._composed:
            self._no_value[name] += other._no_value[name]
            for part, count in other._alone[name].items():
                self._alone[name][part] += count
            for part, ends in other._apart[name].items():
                if ends is not None:
                    self._widen(name, part, *ends)

    def result(self) -> tuple[CustomStatistic, ...]:
        """Return one statistic a feature, named like it, with the names that TensorFlow Data Validation has."""
        found = []
        for name in self._composed:
            if not any(self._apart[name].values()):
                continue
            alone, apart = self._alone[name], self._apart[name]
            low = {part: None if ends is None else ends[0] for part, ends in apart.items()}
            high = {part: None if ends is None else ends[1] for part, ends in apart.items()}
            value: dict[str, Any] = {"missing_value": self._no_value[name]}
            if name in self._weighted:
                (weight,) = alone
                value |= {
                    "missing_weight": alone[weight],
                    "min_weight_length_diff": low[weight],
                    "max_weight_length_diff": high[weight],
                }
            else:
                value |= {"missing_index": dict(alone), "min_length_diff": low, "max_length_diff": high}
            found.append(CustomStatistic(name, value))
        return tuple(found)

    def to_state(self) -> dict[str, Any]:
        """Return what was seen as plain values."""
        return {"no_value": self._no_value, "alone": self._alone, "apart": self._apart}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same schema, in place of what was seen."""
        self._no_value, self._alone, self._apart = state["no_value"], state["alone"], state["apart"]

    def _widen(self, name: str, part: str, low: int, high: int) -> None:
        known = self._apart[name][part]
        self._apart[name][part] = (low, high) if known is None else (min(known[0], low), max(known[1], high))


def _composed(schema: Schema) -> dict[str, tuple[str, tuple[str, ...]]]:
    sparse = {one.name: (one.value_feature, one.index_features) for one in schema.sparse_features}
    return sparse | {one.name: (one.feature, (one.weight_feature,)) for one in schema.weighted_features}


def _values(column: pa.Array) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which rows are there, and how many values each has."""
    if not is_list(column.type):
        there = valid_rows(column)
        return there, there.astype(np.int64)
    lengths, present, _ = list_parts(column)
    return np.ones(len(column), np.bool_) if present is None else present, lengths
