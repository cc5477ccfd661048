"""Bins of features, made from the statistics of a first pass, in which a second pass counts rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.statistics.nested import is_list

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.statistics.values import FeatureStatistics, NumericStatistics

    Codes: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["MAX_CLASSES", "WORDS", "Bins", "bins_of", "column_at"]

WORDS = 64
MAX_CLASSES = 20
# Fewer rows in a bin say little.
_ROWS_PER_BIN = 30
# Where the most frequent values are fewer than this share, the others say more together than they do.
_COVERED = 0.05


@dataclass(frozen=True)
class Bins:
    """Numbers the values of a feature: its bins from 0, the last being that of missing values.

    Parameters
    ----------
    steps
        The path to the feature.
    kind
        Categories, of which the last but one is all other words; numbers, between edges; or presence alone.
    words
        The categories.
    edges
        Inner edges: a value equal to an edge lies above it.
    center, scale
        Mean and standard deviation of numbers.
    exact
        Whether each bin holds one distinct value.
    idle
        Whether all rows are in one bin, so that they need not be read again.
    """

    steps: tuple[str, ...]
    kind: Literal["category", "number", "presence"]
    words: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    center: float = 0.0
    scale: float = 1.0
    exact: bool = False
    idle: bool = False

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.steps)

    @property
    def size(self) -> int:
        """Number of bins, that of missing values included."""
        return {"category": len(self.words) + 2, "number": len(self.edges) + 2, "presence": 2}[self.kind]

    def codes(self, column: pa.Array) -> Codes:
        """Return the bin of each row."""
        if self.kind == "number":
            return self.codes_of_numbers(self.numbers(column))
        if self.kind == "presence":
            return np.asarray(column.is_null().to_numpy(zero_copy_only=False), np.int64)
        return self._word_codes(column)

    def numbers(self, column: pa.Array) -> Floats:
        """Return a column of numbers in units of standard deviations from the mean; NaN where there is none."""
        if pa.types.is_dictionary(column.type) or pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        values = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled: Floats = (values - self.center) / self.scale
        return scaled

    def codes_of_numbers(self, scaled: Floats) -> Codes:
        """Return the bin of each number that ``numbers`` has returned."""
        edges = (np.array(self.edges) - self.center) / self.scale
        codes = np.searchsorted(edges, scaled, side="right")
        missing = np.isnan(scaled)
        if missing.any():
            codes[missing] = self.size - 1
        return codes

    def _word_codes(self, column: pa.Array) -> Codes:
        other, missing = len(self.words), len(self.words) + 1
        if pa.types.is_boolean(column.type):
            return np.asarray(pc.fill_null(column.cast(pa.int64()), missing), np.int64)
        if not pa.types.is_dictionary(column.type):
            return _numbered(column, self.words, other, missing)
        if column.dictionary.null_count:
            return _numbered(column.dictionary_decode(), self.words, other, missing)
        renumber: Codes = np.append(_numbered(column.dictionary, self.words, other, missing), missing)
        return np.asarray(renumber[pc.fill_null(column.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)])


def _numbered(column: pa.Array, words: tuple[str, ...], other: int, missing: int) -> Codes:
    column = column.cast(pa.large_string())
    found = pc.index_in(column, value_set=pa.array(words, pa.large_string()))
    codes: Codes = pc.fill_null(found, other).to_numpy(zero_copy_only=False).astype(np.int64)
    if column.null_count:
        codes[column.is_null().to_numpy(zero_copy_only=False)] = missing
    return codes


def bins_of(feature: FeatureStatistics, schema: pa.Schema, *, words: int = WORDS) -> Bins | None:
    """Return the bins of a feature; None for a field of structs in a list, which has no value for a row.

    Parameters
    ----------
    feature
        Statistics of all rows.
    schema
        The columns.
    words
        Categories at most; the rarer ones are one together.
    """
    kind = schema.field(feature.steps[0]).type
    for step in feature.steps[1:]:
        if not pa.types.is_struct(kind):
            return None
        kind = kind.field(step).type
    strings, numbers = feature.string_stats, feature.num_stats
    presence = Bins(feature.steps, "presence", idle=len(feature.steps) == 1 and not feature.common_stats.num_missing)
    if is_list(kind):
        return presence
    if feature.bool_stats is not None:
        return Bins(feature.steps, "category", ("false", "true"), exact=True)
    if strings is not None:
        count = feature.common_stats.num_non_missing
        top = strings.top_values[:words]
        if not top or sum(one.frequency for one in top) < _COVERED * count:
            return presence
        exact = strings.complete and len(top) == len(strings.top_values)
        return Bins(feature.steps, "category", tuple(one.value for one in top), exact=exact)
    if numbers is not None and numbers.quantiles:
        edges, exact = _edges(numbers, feature.common_stats.num_non_missing)
        scale = numbers.std_dev or 1.0
        return Bins(feature.steps, "number", (), edges, numbers.mean or 0.0, scale, exact=exact)
    return presence


def _edges(numbers: NumericStatistics, count: int) -> tuple[tuple[float, ...], bool]:
    """Return inner edges: between all values where they are few, otherwise quantiles, with heavy values apart."""
    low, high = numbers.quantiles[0], numbers.quantiles[-1]
    if numbers.unique_exact and numbers.unique == 1:
        return (), True
    if numbers.unique_exact and numbers.unique == 2:
        return (_between(low, high),), True
    if numbers.unique_exact and numbers.unique == len(numbers.top_values) <= WORDS:
        values = sorted(float(one.value) for one in numbers.top_values)
        return tuple(_between(low, high) for low, high in pairwise(values)), True
    bins = max(2, min(100, count // _ROWS_PER_BIN))
    table = np.array(numbers.quantiles)
    cuts = table[np.unique(np.round(np.linspace(0, 100, bins + 1)).astype(int))]
    repeated = cuts[1:][cuts[1:] == cuts[:-1]]
    edges = np.unique(np.concatenate([cuts[1:-1], repeated, np.nextafter(repeated, math.inf)]))
    return tuple(edges[edges > low].tolist()), False


def _between(low: float, high: float) -> float:
    middle = low / 2.0 + high / 2.0
    return middle if middle > low else high


def column_at(column: pa.Array, steps: tuple[str, ...]) -> pa.Array:
    """Return a field of structs, given the column and the steps below it; missing where a struct is missing."""
    return pc.struct_field(column, list(steps)) if steps else column
