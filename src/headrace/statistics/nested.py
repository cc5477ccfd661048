"""Statistics of columns with lists and structs: one feature for each path to values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import DataError
from headrace.model.lists import is_list_type
from headrace.statistics.column_states import dump_column, load_column
from headrace.statistics.columns import accumulator_for, feature_type
from headrace.statistics.presence import Presence
from headrace.statistics.values import (
    BoolStatistics,
    BytesStatistics,
    FeatureStatistics,
    NumericStatistics,
    StringStatistics,
    StructStatistics,
    TimestampStatistics,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from headrace.statistics.columns import ColumnAccumulator, ColumnSettings
    from headrace.statistics.values import StatisticsType

    Weights = NDArray[np.float64]

__all__ = ["MAX_DEPTH", "FeatureNode", "is_list", "leaf_values", "list_parts", "opened", "valid_rows"]

MAX_DEPTH = 32


def is_list(kind: pa.DataType) -> bool:
    """Tell whether values are lists, of any of Arrow's kinds, or maps."""
    return is_list_type(kind) or bool(pa.types.is_map(kind))


def opened(kind: pa.DataType) -> tuple[int, pa.DataType]:
    """Return how many levels of lists there are, and the type of what is in them.

    Raises
    ------
    DataError
        If there are more than ``MAX_DEPTH``.
    """
    depth = 0
    while is_list(kind):
        depth += 1
        if depth > MAX_DEPTH:
            raise DataError(f"Lists are nested at most {MAX_DEPTH} deep", got="more levels")
        kind = (
            pa.struct([("key", kind.key_type), ("value", kind.item_type)]) if pa.types.is_map(kind) else kind.value_type
        )
    return depth, kind


def list_parts(column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None, pa.Array]:
    """Return the lengths of lists, 0 for those that are missing, which are there (None: all), and their items."""
    kind = column.type
    present = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
    if pa.types.is_fixed_size_list(kind):
        lengths = np.full(len(column), kind.list_size, np.int64)
        if present is not None:
            lengths[~present] = 0
        return lengths, present, column.flatten()
    if pa.types.is_map(kind):
        offsets = column.offsets.to_numpy().astype(np.int64)
        lengths = np.diff(offsets)
        if present is not None:
            lengths = np.where(present, lengths, 0)
        # Entries that lie under a missing map are left out.
        ends = np.cumsum(lengths)
        at = np.repeat(offsets[:-1] - (ends - lengths), lengths) + np.arange(int(ends[-1]) if ends.size else 0)
        keys, items = column.keys.take(pa.array(at)), column.items.take(pa.array(at))
        return lengths, present, pa.StructArray.from_arrays([keys, items], ["key", "value"])
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return lengths, present, column.flatten()


class FeatureNode:
    """Statistics of one path, and of the paths below it; a monoid.

    Parameters
    ----------
    path
        The column, and the fields of structs down to here.
    kind
        The Arrow type of what ``update`` is given.
    settings
        For the accumulators of values.
    buckets
        Of the histograms of numbers of values.

    Raises
    ------
    DataError
        If there are no statistics of a type, or it is nested too deep.
    """

    def __init__(
        self,
        path: tuple[str, ...],
        kind: pa.DataType,
        settings: ColumnSettings,
        *,
        buckets: int = 10,
    ) -> None:
        self.path = path
        if len(path) > MAX_DEPTH:
            raise DataError(f"Structs are nested at most {MAX_DEPTH} deep", got=".".join(path[:4]) + "…")
        self.depth, inner = opened(kind)
        self.children: list[FeatureNode] = []
        self._presence = Presence(self.depth, weighted=settings.weighted, buckets=buckets)
        self._leaf: ColumnAccumulator | None = None
        self.type: StatisticsType = "STRUCT"
        if pa.types.is_struct(inner):
            self.children = [FeatureNode((*path, field.name), field.type, settings, buckets=buckets) for field in inner]
        else:
            self._leaf = _leaf(path, inner, settings)
            self.type = _type(inner, settings)
        self._is_plain = self.depth == 0 and self._leaf is not None

    def update(self, column: pa.Array, weights: Weights | None = None) -> None:
        """Take in one batch's column, with one weight a row."""
        if self._is_plain and weights is None:
            self._presence.plain(len(column), _nulls(column))
            self._leaf.update(column)  # type: ignore[union-attr]
            return
        self._nested(column, weights)

    def merge(self, other: Self) -> None:
        """Take in what another node of the same type has seen."""
        self._presence.merge(other._presence)
        if self._leaf is not None and other._leaf is not None:
            self._leaf.merge(other._leaf)
        for child, more in zip(self.children, other.children, strict=True):
            child.merge(more)

    def to_state(self) -> dict[str, Any]:
        """Return what was seen as plain values, arrays and bytes."""
        return {
            "name": self.path[-1],
            "presence": self._presence.to_state(),
            "leaf": None if self._leaf is None else dump_column(self._leaf),
            "children": [child.to_state() for child in self.children],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same path and type, in place of what was seen.

        Raises
        ------
        DataError
            If it is of another path or type.
        """
        if state["name"] != self.path[-1] or (state["leaf"] is None) != (self._leaf is None):
            raise DataError("A state is of the columns that it says", got=str(state["name"]), where=".".join(self.path))
        self._presence.restore(state["presence"])
        if self._leaf is not None:
            self._leaf = load_column(state["leaf"])
        for child, more in zip(self.children, state["children"], strict=True):
            child.restore(more)

    def features(self) -> Iterator[FeatureStatistics]:
        """Yield the statistics of this path, then of those below."""
        common = self._presence.result()
        name = ".".join(self.path)
        path = self.path if len(self.path) > 1 else ()
        if self._leaf is None:
            yield FeatureStatistics(name, "STRUCT", struct_stats=StructStatistics(common), path=path)
        else:
            stats = self._leaf.result(common)
            yield FeatureStatistics(
                name,
                self.type,
                num_stats=stats if isinstance(stats, NumericStatistics) else None,
                string_stats=stats if isinstance(stats, StringStatistics) else None,
                bool_stats=stats if isinstance(stats, BoolStatistics) else None,
                timestamp_stats=stats if isinstance(stats, TimestampStatistics) else None,
                bytes_stats=stats if isinstance(stats, BytesStatistics) else None,
                path=path,
            )
        for child in self.children:
            yield from child.features()

    def _nested(self, column: pa.Array, weights: Weights | None) -> None:
        if self.depth == 0:
            missing = _nulls(column)
            self._presence.plain(len(column), missing)
            if weights is not None:
                valid = valid_rows(column)
                self._presence.weigh(weights[valid], float(weights[~valid].sum()))
            self._values(column, weights)
            return
        rows = len(column)
        there: NDArray[np.bool_] | None = None
        every: list[NDArray[np.int64]] = []
        items, item_weights = column, weights
        for level in range(self.depth):
            lengths, present, items = list_parts(items)
            if level == 0:
                there = present
            known = lengths if present is None else lengths[present]
            self._presence.level(level, known, int(lengths.size - known.size))
            every.append(lengths)
            if item_weights is not None:
                of_known = item_weights if present is None else item_weights[present]
                of_missing = 0.0 if present is None else float(item_weights[~present].sum())
                self._presence.weigh_level(level, of_known, of_missing, known)
                item_weights = np.repeat(item_weights, lengths)
        counts = _per_row(every)
        present_counts = counts if there is None else counts[there]
        self._presence.plain(rows, rows - int(present_counts.size))
        self._presence.values(present_counts, _nulls(items))
        if weights is not None:
            kept = weights if there is None else weights[there]
            self._presence.weigh(kept, 0.0 if there is None else float(weights[~there].sum()), present_counts)
        self._values(items, item_weights)

    def _values(self, values: pa.Array, weights: Weights | None) -> None:
        if self._leaf is not None:
            self._leaf.update(values, weights)
            return
        if values.null_count:
            if weights is not None:
                weights = weights[values.is_valid().to_numpy(zero_copy_only=False)]
            values = values.drop_null()
        for at, child in enumerate(self.children):
            child.update(values.field(at), weights)


def leaf_values(column: pa.Array, steps: tuple[str, ...]) -> pa.Array:
    """Return the values at a path, given the column and the fields of structs below it; lists are flattened."""
    for step in (None, *steps):
        if step is not None:
            column = column.drop_null() if column.null_count else column
            column = column.field(step)
        while is_list(column.type):
            column = list_parts(column)[2]
    return column


def _leaf(path: tuple[str, ...], kind: pa.DataType, settings: ColumnSettings) -> ColumnAccumulator:
    try:
        return accumulator_for(kind, settings)
    except DataError as error:
        raise DataError(error.rule, got=error.got, where=f"column {'.'.join(path)!r}", fix=error.fix) from error


def _type(kind: pa.DataType, settings: ColumnSettings) -> StatisticsType:
    found = feature_type(kind)
    assert found is not None
    return "STRING" if found == "BYTES" and settings.text_in_bytes else found


def valid_rows(column: pa.Array) -> NDArray[np.bool_]:
    """Return which rows of a column have a value."""
    if pa.types.is_dictionary(column.type) and column.dictionary.null_count:
        column = column.dictionary_decode()
    valid: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _nulls(column: pa.Array) -> int:
    if pa.types.is_dictionary(column.type) and column.dictionary.null_count:
        return int(np.count_nonzero(~valid_rows(column)))
    return int(column.null_count)


def _per_row(every: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return how many innermost items each outermost list has."""
    counts = every[-1]
    for lengths in reversed(every[:-1]):
        sums = np.concatenate([[0], np.cumsum(counts)])
        ends = np.cumsum(lengths)
        counts = sums[ends] - sums[ends - lengths]
    return counts
