"""What vocabularies are made of: counts, weights, or information about a label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.transform.exact_sums import as_float, exact_totals
from headrace.transform.keyed import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from headrace.transform.accumulators import Part
    from headrace.transform.callables import UserFunction

__all__ = ["ROW", "ApproximateVocabularyAnalyzer", "VocabularyAnalyzer", "expected_information"]

# Stands beside the words of a row where rows are to be counted too; no text that is valid has it.
ROW = "\x00row"


@dataclass(frozen=True)
class VocabularyAnalyzer:
    """Distinct values in descending order of a score; of equal ones the last in code-point order first.

    Takes words; then labels where ``labels`` is true, with the word ``ROW`` once for each row; then weights where
    ``weights`` is true. The score is the count, the sum of weights, or the information about the label.
    """

    top_k: int | None = None
    threshold: float = 0.0
    labels: bool = False
    weights: bool = False
    adjusted: bool = False
    min_diff_from_avg: float | None = None
    coverage_top_k: int | None = None
    coverage_threshold: float = 0.0
    key_fn: UserFunction | None = None
    reserved: tuple[str, ...] = ()
    name: str = "vocabulary"

    def part(self) -> Part:
        """Return an empty state."""
        return _LabelledPart(self) if self.labels else _WeightedPart(self) if self.weights else _CountedPart(self)

    def chosen(self, scores: Iterable[tuple[float, str]]) -> list[list[Any]] | None:
        """Choose among all words with their scores."""
        ranked = sorted(scores, reverse=True)
        if not ranked and not self.reserved:
            return None
        words = [item for item in ranked if item[0] >= self.threshold][: self.top_k]
        if self.key_fn is not None:
            words = sorted({*words, *self._covering(ranked)}, reverse=True)
        reserved: list[list[Any]] = [[word, -1] for word in self.reserved]
        return reserved + [[word, score] for score, word in words if word not in self.reserved]

    def _covering(self, ranked: list[tuple[float, str]]) -> list[tuple[float, str]]:
        assert self.key_fn is not None
        seen: dict[Any, int] = {}
        found = []
        for item in ranked:
            key = self.key_fn(item[1])
            if item[0] >= self.coverage_threshold and (
                self.coverage_top_k is None or seen.get(key, 0) < self.coverage_top_k
            ):
                seen[key] = seen.get(key, 0) + 1
                found.append(item)
        return found


class _CountedPart:
    def __init__(self, analyzer: VocabularyAnalyzer) -> None:
        self.analyzer = analyzer
        self.counts: dict[str, int] = {}

    def update(self, values: NDArray[Any]) -> None:
        words, codes = encoded(values)
        self._add(words, np.bincount(codes, minlength=len(words)).tolist())

    def update_counted(self, values: NDArray[Any], counts: NDArray[np.int64]) -> None:
        words = values.tolist() if values.dtype.kind == "O" else [str(value) for value in values.tolist()]
        self._add(words, counts.tolist())

    def _add(self, words: Iterable[str], counts: Iterable[int]) -> None:
        known = self.counts
        for word, count in zip(words, counts, strict=True):
            known[word] = known.get(word, 0) + count

    def merge(self, other: Self) -> None:
        for word, count in other.counts.items():
            self.counts[word] = self.counts.get(word, 0) + count

    def result(self) -> list[list[Any]] | None:
        return self.analyzer.chosen((count, word) for word, count in self.counts.items())


class _WeightedPart:
    def __init__(self, analyzer: VocabularyAnalyzer) -> None:
        self.analyzer = analyzer
        self.totals: dict[str, int] = {}

    def update(self, values: NDArray[Any], weights: NDArray[Any]) -> None:
        words, codes = encoded(values)
        for word, total in zip(words, exact_totals(codes, weights, len(words)), strict=True):
            self.totals[word] = self.totals.get(word, 0) + total

    def merge(self, other: Self) -> None:
        for word, total in other.totals.items():
            self.totals[word] = self.totals.get(word, 0) + total

    def result(self) -> list[list[Any]] | None:
        return self.analyzer.chosen((as_float(total), word) for word, total in self.totals.items())


class _LabelledPart:
    def __init__(self, analyzer: VocabularyAnalyzer) -> None:
        self.analyzer = analyzer
        # Exact weights by word and label; a count is a weight of one for each row.
        self.totals: dict[str, dict[int, int]] = {}

    def update(self, values: NDArray[Any], labels: NDArray[Any], weights: NDArray[Any] | None = None) -> None:
        if values.size == 0:
            return
        words, codes = encoded(values)
        known, places = np.unique(labels.astype(np.int64), return_inverse=True)
        cells = codes * known.size + places
        each = np.ones(values.size) if weights is None else weights
        totals = exact_totals(cells, each, len(words) * known.size)
        for number, total in enumerate(totals):
            if total:
                word, label = divmod(number, known.size)
                mine = self.totals.setdefault(words[word], {})
                mine[int(known[label])] = mine.get(int(known[label]), 0) + total

    def merge(self, other: Self) -> None:
        for word, labels in other.totals.items():
            mine = self.totals.setdefault(word, {})
            for label, total in labels.items():
                mine[label] = mine.get(label, 0) + total

    def result(self) -> list[list[Any]] | None:
        rows = {label: as_float(total) for label, total in self.totals.get(ROW, {}).items()}
        total = math.fsum(rows.values())
        words = ((word, labels) for word, labels in self.totals.items() if word != ROW)
        return self.analyzer.chosen((self._score(labels, rows, total), word) for word, labels in words)

    def _score(self, labels: dict[int, int], rows: dict[int, float], total: float) -> float:
        """Return the information that a word has about the label, in bits times rows.

        The sum over labels of ``n_xy * log2(n_xy * n / (n_x * n_y))``; a label whose count beside the word differs from
        the expected one by less than ``min_diff_from_avg`` adds nothing.
        """
        least = self.analyzer.min_diff_from_avg
        if least is None:
            # From 2 for 10,000 rows and fewer to 25 for a million and more, as TensorFlow Transform has it.
            least = int(min(25.0, max(2.0, (total - 1e4) / (1e6 - 1e4) * 23.0 + 2.0)))
        own = as_float(sum(labels.values()))
        if round(own) == round(total):
            return 0.0
        score = 0.0
        for label in sorted(rows):
            # A share of nought has no logarithm.
            share = min(max(as_float(labels.get(label, 0)) / own, 1e-6), 1.0 - 1e-6)
            both = share * own
            if rows[label] == 0.0 or abs(own * rows[label] / total - both) < least:
                continue
            score += both * ((math.log2(both) + math.log2(total)) - (math.log2(own) + math.log2(rows[label])))
            if self.analyzer.adjusted:
                score -= expected_information(total, own, rows[label])
        return score


def expected_information(total: float, own: float, other: float) -> float:
    """Return the information that chance alone gives a word about a label, in bits times rows.

    The expectation of ``n_xy * log2(n_xy * n / (n_x * n_y))`` where ``n_xy`` is distributed hypergeometrically (Vinh,
    Epps and Bailey, "Information theoretic measures for clusterings comparison", 2009).

    Parameters
    ----------
    total
        Rows.
    own
        Rows with the word.
    other
        Rows with the label.
    """
    if own == 0.0 or other == 0.0:
        return 0.0
    start, end = round(max(0.0, own + other - total)), round(min(own, other))
    counts = np.arange(start, end + 1, dtype=np.float64)
    # The logarithms of neighbouring probabilities differ by a quotient; their common factor goes in the end.
    before = counts[:-1]
    steps = (
        np.log(np.maximum(own - before, 1e-300))
        + np.log(np.maximum(other - before, 1e-300))
        - np.log(before + 1.0)
        - np.log(np.maximum(total - own - other + before + 1.0, 1e-300))
    )
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    shares = np.exp(logs - logs.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(
            counts > 0.0, counts * (np.log2(counts) + math.log2(total) - math.log2(own) - math.log2(other)), 0.0
        )
    return float((each * shares).sum() / shares.sum())


@dataclass(frozen=True)
class ApproximateVocabularyAnalyzer:
    """The most frequent values within bounded memory. Takes words, and weights where ``weights`` is true.

    The counters of Misra and Gries, "Finding repeated elements" (1982), merged as by Agarwal et al., "Mergeable
    summaries" (2012): with ``capacity`` counters a count is too small by at most ``1 / capacity`` of all, and exact
    while there are no more distinct values than counters.
    """

    top_k: int
    capacity: int
    weights: bool = False
    reserved: tuple[str, ...] = ()
    name: str = "approximate_vocabulary"

    def part(self) -> Part:
        """Return an empty state."""
        return _ApproximatePart(self)


class _ApproximatePart:
    def __init__(self, analyzer: ApproximateVocabularyAnalyzer) -> None:
        self.analyzer = analyzer
        self.totals: dict[str, int] = {}

    def update(self, values: NDArray[Any], weights: NDArray[Any] | None = None) -> None:
        words, codes = encoded(values)
        each = np.ones(values.size) if weights is None else weights
        self._add(dict(zip(words, exact_totals(codes, each, len(words)), strict=True)))

    def merge(self, other: Self) -> None:
        self._add(other.totals)

    def _add(self, totals: dict[str, int]) -> None:
        for word, total in totals.items():
            self.totals[word] = self.totals.get(word, 0) + total
        if len(self.totals) > self.analyzer.capacity:
            cut = sorted(self.totals.values(), reverse=True)[self.analyzer.capacity]
            self.totals = {word: total - cut for word, total in self.totals.items() if total > cut}

    def result(self) -> list[list[Any]] | None:
        chosen = VocabularyAnalyzer(self.analyzer.top_k, reserved=self.analyzer.reserved).chosen(
            (as_float(total), word) for word, total in self.totals.items()
        )
        if chosen is None or self.analyzer.weights:
            return chosen
        return [[word, int(score)] for word, score in chosen]
