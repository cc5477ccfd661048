"""What analyzers gather over the rows: mergeable, small, picklable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engines import moments
from headrace.engines.quantiles import QuantileSketch
from headrace.transform.exact_sums import as_float, exact_total

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from headrace.transform.callables import UserFunction
    from headrace.transform.tokens import Lists

__all__ = [
    "Accumulator",
    "Analyzer",
    "ByRow",
    "CountingPart",
    "CustomAnalyzer",
    "CustomRowAnalyzer",
    "Extremes",
    "IdCounts",
    "IdCountsPart",
    "ListPart",
    "ModeAnalyzer",
    "Moments",
    "Part",
    "QuantilesAnalyzer",
    "SizeAnalyzer",
    "SumAnalyzer",
    "WeightedQuantilesAnalyzer",
    "WordCountingPart",
]


class Part(Protocol):
    """The state of one analyzer over some rows."""

    @property
    def update(self) -> Callable[..., None]:
        """Take in one array for each column, in one dimension: values none of which is missing or NaN.

        For an analyzer that is :class:`ByRow`, rows as they are, without those in which something is missing.
        """
        ...

    def merge(self, other: Self) -> None:
        """Take in what another part has seen."""
        ...

    def result(self) -> Any:
        """Return the value, plain enough for JSON, or None where no value was seen and one is needed."""
        ...


@runtime_checkable
class CountingPart(Protocol):
    """A state that may be told how often each value occurs, in place of all values."""

    def update_counted(self, values: NDArray[Any], counts: NDArray[np.int64]) -> None:
        """Take in values, some of which may be equal, and how many rows have each; every count is above 0."""
        ...


@runtime_checkable
class WordCountingPart(Protocol):
    """A state that may be told how often each text occurs."""

    def update_words(self, words: pa.StringArray, counts: NDArray[np.int64]) -> None:
        """Take in texts without nulls, some of which may be equal, and how many rows have each."""
        ...


@runtime_checkable
class ListPart(Protocol):
    """A state of one column of lists, which takes whole lists rather than their items."""

    def update_lists(self, lists: Lists) -> None:
        """Take in lists."""
        ...


class ByRow:
    """An analyzer whose states take whole rows rather than single values."""


class Analyzer(Protocol):
    """A full pass over columns; equal analyzers of equal columns share one pass."""

    @property
    def name(self) -> str:
        """The function that users call."""
        ...

    def part(self) -> Part:
        """Return an empty state."""
        ...


@dataclass(frozen=True)
class Moments:
    """Count, mean and population variance, by :class:`headrace.engines.Moments`."""

    name: str = "moments"

    def part(self) -> Part:
        """Return an empty state."""
        return _MomentsPart()


class _MomentsPart(moments.Moments):
    def result(self) -> dict[str, float] | None:
        return {"count": self.count, "mean": self.mean, "var": self.variance} if self.count else None


@dataclass(frozen=True)
class Extremes:
    """The smallest and the largest value; exact, integers too."""

    name: str = "extremes"

    def part(self) -> Part:
        """Return an empty state."""
        return _ExtremesPart()


class _ExtremesPart:
    def __init__(self) -> None:
        self.low: float | int | None = None
        self.high: float | int | None = None

    def _take(self, low: float, high: float) -> None:
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    def update(self, values: NDArray[Any]) -> None:
        if values.size:
            self._take(values.min().item(), values.max().item())

    def merge(self, other: _ExtremesPart) -> None:
        if other.low is not None and other.high is not None:
            self._take(other.low, other.high)

    def result(self) -> dict[str, float | int | None] | None:
        return None if self.low is None else {"min": self.low, "max": self.high}


@dataclass(frozen=True)
class SumAnalyzer:
    """The sum: exact for integers, and the float64 nearest to the exact sum of floats, in any order."""

    name: str = "sum"

    def part(self) -> Part:
        """Return an empty state."""
        return _SumPart()


class _SumPart:
    def __init__(self) -> None:
        self.integers = 0
        self.floats = 0
        self.has_floats = False
        self.infinite = 0.0

    def update(self, values: NDArray[Any]) -> None:
        if values.dtype.kind == "f":
            self.has_floats = True
            finite = np.isfinite(values)
            if not finite.all():
                with np.errstate(invalid="ignore"):
                    self.infinite += float(values[~finite].sum())
                values = values[finite]
            self.floats += exact_total(values)
        elif values.size:
            # Two halves of each number cannot overflow where one sum of int64 might.
            numbers = values.astype(np.int64)
            self.integers += (int((numbers >> 32).sum()) << 32) + int((numbers & 0xFFFFFFFF).sum())

    def merge(self, other: _SumPart) -> None:
        self.integers += other.integers
        self.floats += other.floats
        self.has_floats |= other.has_floats
        self.infinite += other.infinite

    def result(self) -> int | float:
        return as_float(self.floats) + self.infinite if self.has_floats else self.integers


@dataclass(frozen=True)
class SizeAnalyzer:
    """How many values are neither missing nor NaN."""

    name: str = "size"

    def part(self) -> Part:
        """Return an empty state."""
        return _SizePart()


class _SizePart:
    def __init__(self) -> None:
        self.count = 0

    def update(self, values: NDArray[Any]) -> None:
        self.count += int(values.size)

    def merge(self, other: _SizePart) -> None:
        self.count += other.count

    def result(self) -> int:
        return self.count


@dataclass(frozen=True)
class QuantilesAnalyzer:
    """The boundaries of ``num_buckets`` equally large parts of the sorted values, or the quantiles at fractions."""

    num_buckets: int = 0
    at: tuple[float, ...] = ()
    name: str = "quantiles"

    def part(self) -> Part:
        """Return an empty state."""
        return _QuantilesPart(np.array(self.at) if self.at else np.arange(1, self.num_buckets) / self.num_buckets)


class _QuantilesPart:
    def __init__(self, at: NDArray[np.float64]) -> None:
        self.at = at
        self.sketch = QuantileSketch()

    def update(self, values: NDArray[Any]) -> None:
        self.sketch.update(values)

    def merge(self, other: _QuantilesPart) -> None:
        self.sketch.merge(other.sketch)

    def result(self) -> list[float] | None:
        if self.sketch.count == 0:
            return None
        found: list[float] = self.sketch.quantiles(self.at).tolist()
        return found


@dataclass(frozen=True)
class WeightedQuantilesAnalyzer:
    """The boundaries of ``num_buckets`` parts of equal weight. Takes numbers and weights."""

    num_buckets: int
    name: str = "quantiles"

    def part(self) -> Part:
        """Return an empty state."""
        return _WeightedQuantilesPart(self.num_buckets)


class _WeightedQuantilesPart:
    def __init__(self, num_buckets: int) -> None:
        self.num_buckets = num_buckets
        self.values: NDArray[np.float64] = np.empty(0)
        self.weights: NDArray[np.float64] = np.empty(0)

    def update(self, values: NDArray[Any], weights: NDArray[Any]) -> None:
        heavy = weights > 0
        if heavy.any():
            self._add(values[heavy].astype(np.float64) + 0.0, weights[heavy].astype(np.float64))

    def merge(self, other: Self) -> None:
        self._add(other.values, other.weights)

    def _add(self, values: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        self.values, places = np.unique(np.concatenate([self.values, values]), return_inverse=True)
        together = np.concatenate([self.weights, weights])
        self.weights = np.bincount(places, together, self.values.size).astype(np.float64)

    def result(self) -> list[float] | None:
        if self.values.size == 0:
            return None
        totals = np.cumsum(self.weights)
        wanted = np.arange(1, self.num_buckets) / self.num_buckets * totals[-1]
        places = np.minimum(np.searchsorted(totals, wanted, side="left"), self.values.size - 1)
        found: list[float] = self.values[places].tolist()
        return found


@dataclass(frozen=True)
class IdCounts:
    """How often each id from 0 on occurs, up to the largest one that does; negative ids are left out. Takes ids."""

    name: str = "histogram"

    def part(self) -> Part:
        """Return an empty state."""
        return IdCountsPart()


class IdCountsPart:
    """How often each id from 0 on was counted."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(0, np.int64)

    def update(self, ids: NDArray[Any]) -> None:
        """Take in ids."""
        self.add(np.bincount(ids[ids >= 0]))

    def merge(self, other: Self) -> None:
        """Take in what another has counted."""
        self.add(other.counts)

    def add(self, counts: NDArray[np.int64]) -> None:
        """Take in how often each id from 0 on occurs."""
        small, large = sorted((self.counts, counts), key=len)
        self.counts = large.copy()
        self.counts[: small.size] += small

    def result(self) -> list[int]:
        """Return the counts, up to the largest id that there is."""
        found: list[int] = self.counts.tolist()
        return found


@dataclass(frozen=True)
class ModeAnalyzer:
    """The most frequent value; of equally frequent ones the smallest. Takes values of any one type."""

    name: str = "most_frequent"

    def part(self) -> Part:
        """Return an empty state."""
        return _ModePart()


class _ModePart:
    def __init__(self) -> None:
        self.counts: dict[Any, int] = {}

    def update(self, values: NDArray[Any]) -> None:
        counted = pc.value_counts(pa.array(values, pa.string() if values.dtype.kind in "OUS" else None))
        for value, count in zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True):
            self.counts[value] = self.counts.get(value, 0) + count

    def merge(self, other: Self) -> None:
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0) + count

    def result(self) -> dict[str, Any] | None:
        if not self.counts:
            return None
        most = max(self.counts.values())
        return {"value": min(value for value, count in self.counts.items() if count == most), "count": most}


class Accumulator(Protocol):
    """What a user's analyzer gathers: see ``tft.apply_analyzer``."""

    @property
    def update(self) -> Callable[..., None]:
        """Take in NumPy arrays, one for each column."""
        ...

    def merge(self, other: Self) -> None:
        """Take in what another accumulator has seen."""
        ...

    def result(self) -> Any:
        """Return a number, a text, or an array of them."""
        ...


@dataclass(frozen=True)
class CustomAnalyzer:
    """A user's accumulator. Takes values of all its columns side by side."""

    make: UserFunction
    dtype: str
    name: str = "apply_analyzer"

    def part(self) -> Part:
        """Return an empty state."""
        return _CustomPart(self.make(), self.dtype)


@dataclass(frozen=True)
class CustomRowAnalyzer(CustomAnalyzer, ByRow):
    """A user's accumulator. Takes whole rows of all its columns."""


class _CustomPart:
    def __init__(self, inner: Accumulator, dtype: str) -> None:
        self.inner = inner
        self.dtype = dtype

    def update(self, *columns: NDArray[Any]) -> None:
        self.inner.update(*columns)

    def merge(self, other: Self) -> None:
        self.inner.merge(other.inner)

    def result(self) -> Any:
        found = self.inner.result()
        return None if found is None else np.asarray(found, None if self.dtype == "utf8" else self.dtype).tolist()
