"""What analyzers gather over the rows: mergeable, small, picklable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.engines import moments
from headrace.engines.quantiles import QuantileSketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Analyzer",
    "CountingPart",
    "Extremes",
    "Moments",
    "Part",
    "QuantilesAnalyzer",
    "SizeAnalyzer",
    "SumAnalyzer",
    "VocabularyAnalyzer",
]


class Part(Protocol):
    """The state of one analyzer over some rows."""

    def update(self, values: NDArray[Any]) -> None:
        """Take in values that are neither missing nor NaN, in one dimension."""
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


class Analyzer(Protocol):
    """A full pass over a column; equal analyzers of equal columns share one pass."""

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
    """The sum: exact for integers."""

    name: str = "sum"

    def part(self) -> Part:
        """Return an empty state."""
        return _SumPart()


class _SumPart:
    def __init__(self) -> None:
        self.total: int | float = 0

    def update(self, values: NDArray[Any]) -> None:
        if values.dtype.kind == "f":
            self.total += float(values.sum(dtype=np.float64))
        elif values.size:
            # Two halves of each number cannot overflow where one sum of int64 might.
            numbers = values.astype(np.int64)
            self.total += (int((numbers >> 32).sum()) << 32) + int((numbers & 0xFFFFFFFF).sum())

    def merge(self, other: _SumPart) -> None:
        self.total += other.total

    def result(self) -> int | float:
        return self.total


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
    """The boundaries between ``num_buckets`` equally large parts of the sorted values."""

    num_buckets: int
    name: str = "quantiles"

    def part(self) -> Part:
        """Return an empty state."""
        return _QuantilesPart(self.num_buckets)


class _QuantilesPart:
    def __init__(self, num_buckets: int) -> None:
        self.num_buckets = num_buckets
        self.sketch = QuantileSketch()

    def update(self, values: NDArray[Any]) -> None:
        self.sketch.update(values)

    def merge(self, other: _QuantilesPart) -> None:
        self.sketch.merge(other.sketch)

    def result(self) -> list[float] | None:
        if self.sketch.count == 0:
            return None
        found: list[float] = self.sketch.quantiles(np.arange(1, self.num_buckets) / self.num_buckets).tolist()
        return found


@dataclass(frozen=True)
class VocabularyAnalyzer:
    """Distinct values, the most frequent first; of equally frequent ones the last in code-point order first."""

    top_k: int | None = None
    frequency_threshold: int = 0
    name: str = "vocabulary"

    def part(self) -> Part:
        """Return an empty state."""
        return _VocabularyPart(self.top_k, self.frequency_threshold)


class _VocabularyPart:
    def __init__(self, top_k: int | None, frequency_threshold: int) -> None:
        self.top_k = top_k
        self.frequency_threshold = frequency_threshold
        self.counts: dict[str, int] = {}

    def update(self, values: NDArray[Any]) -> None:
        kind = pa.string() if values.dtype.kind in "OUS" else pa.int64()
        counted = pc.value_counts(pa.array(values, kind))
        words = counted.field("values").cast(pa.string()).to_pylist()
        self._add(words, counted.field("counts").to_pylist())

    def update_counted(self, values: NDArray[Any], counts: NDArray[np.int64]) -> None:
        words = values.tolist() if values.dtype.kind == "O" else [str(value) for value in values.tolist()]
        self._add(words, counts.tolist())

    def _add(self, words: list[str], numbers: list[int]) -> None:
        counts = self.counts
        known = counts.get
        for word, number in zip(words, numbers, strict=True):
            counts[word] = known(word, 0) + number

    def merge(self, other: _VocabularyPart) -> None:
        for word, count in other.counts.items():
            self.counts[word] = self.counts.get(word, 0) + count

    def result(self) -> list[list[Any]] | None:
        if not self.counts:
            return None
        frequent = [(count, word) for word, count in self.counts.items() if count >= self.frequency_threshold]
        frequent.sort(reverse=True)
        return [[word, count] for count, word in frequent[: self.top_k]]
