"""The second pass: features in pairs, and with the label, counted in bins that the first pass has found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np
import pyarrow as pa

from headrace.errors import UsageError, did_you_mean
from headrace.statistics.bins import Bins, bins_of, column_at
from headrace.statistics.cross import CategoryPair, MixedPair, Number, NumberPairs
from headrace.statistics.label import LabelPair
from headrace.statistics.slices import Sliced, slicers_for
from headrace.statistics.thinning import Thinning, cast_column, cast_types
from headrace.statistics.values import LabelStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from headrace.statistics.bins import Codes, Floats
    from headrace.statistics.options import StatsOptions
    from headrace.statistics.results import DatasetStatistics, Statistics
    from headrace.statistics.values import CrossFeatureStatistics

__all__ = ["MAX_PAIRS", "JointAccumulator", "JointPlan", "plan_joint"]

MAX_PAIRS = 2_000
_HALF = "headrace.half"


@dataclass(frozen=True)
class JointPlan:
    """What the second pass counts.

    Parameters
    ----------
    bins
        Of all features that take part.
    pairs
        Those of interest, as places in ``bins``.
    label
        Its place in ``bins``; None where there is none.
    """

    bins: tuple[Bins, ...]
    pairs: tuple[tuple[int, int], ...]
    label: int | None

    @property
    def used(self) -> tuple[int, ...]:
        """Places of the bins in which rows are counted."""
        paired = {at for pair in self.pairs for at in pair}
        labelled = range(len(self.bins)) if self.label is not None else ()
        return tuple(at for at in sorted({*paired, *labelled}) if not self.bins[at].idle)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be read."""
        return tuple(dict.fromkeys(self.bins[at].steps[0] for at in self.used))


def plan_joint(first: DatasetStatistics, schema: pa.Schema, options: StatsOptions) -> JointPlan:
    """Return what to count, from the statistics of a first pass.

    Raises
    ------
    UsageError
        If there are too many pairs, a pair is of features that have no value for each row, or the label has none.
    """
    made = [bins for feature in first.features if (bins := bins_of(feature, schema)) is not None]
    place = {bins.name: at for at, bins in enumerate(made)}
    label = None
    if options.label_feature is not None:
        label = place[options.label_feature]
        if made[label].kind == "presence":
            raise UsageError(
                "A label is a class or a number",
                got=f"{options.label_feature!r}, a {first[options.label_feature].type} column with no frequent values",
            )
    usable = [at for at, bins in enumerate(made) if bins.kind != "presence"]
    if options.cross_features is True:
        pairs = list(combinations(usable, 2))
        if len(pairs) > MAX_PAIRS:
            raise UsageError(
                f"Cross features are of at most {MAX_PAIRS:,} pairs",
                got=f"{len(pairs):,}, of {len(usable)} features",
                fix='Name the pairs of interest, as in cross_features=[("age", "sex")]',
            )
    else:
        pairs = [_pair(one, place, usable) for one in options.cross_features or ()]
    return JointPlan(tuple(made), tuple(pairs), label)


def _pair(pair: Any, place: dict[str, int], usable: list[int]) -> tuple[int, int]:
    if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
        raise UsageError("A pair is of two features", got=pair)
    for name in pair:
        if name not in place:
            raise UsageError(
                "A pair is of features that have one value a row", got=name, fix=did_you_mean(name, [*place])
            )
        if place[name] not in usable:
            raise UsageError("A pair is of numbers and categories", got=name, fix="Leave it out")
    return place[pair[0]], place[pair[1]]


class JointAccumulator:
    """Counts of pairs over record batches and their slices; a monoid.

    Parameters
    ----------
    schema
        The columns that the statistics are of.
    plan
        What to count.
    options
        Those of the first pass.
    """

    def __init__(self, schema: pa.Schema, plan: JointPlan, options: StatsOptions) -> None:
        self._thinning = Thinning(options)
        slicers = slicers_for(options.slices, options.slice_sqls, options.slice_functions)
        self._sliced = Sliced(partial(_Pairs, schema, plan, options), slicers, options.max_slices)
        self._halves = plan.label is not None

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of one batch."""
        batch, hashes = self._thinning.apply(batch, hashed=self._halves)
        if hashes is not None:
            halves = (hashes & np.uint64(1)).astype(np.int64)
            # A column, so that slices take it along.
            batch = batch.append_column(_HALF, pa.array(halves))
        self._sliced.update(batch)

    def merge(self, other: Self) -> None:
        """Take in what another accumulator of the same plan has seen."""
        self._sliced.merge(other._sliced)

    def result(self) -> Any:
        """Return what the pairs of all rows come to."""
        return self._sliced.result()

    def complete(self, statistics: Statistics) -> Statistics:
        """Return the statistics of the first pass with what this one has found."""
        whole, *slices = statistics.datasets
        done = [self._sliced.whole.complete(whole)]
        for one in slices:
            found = self._sliced.slices.get(one.slice_key or "")
            done.append(one if found is None else found.complete(one))
        return type(statistics)(tuple(done))


class _Pairs:
    """Counts of pairs in some rows."""

    def __init__(self, schema: pa.Schema, plan: JointPlan, options: StatsOptions, key: str | None = None) -> None:  # noqa: ARG002 - slices are counted like the whole
        self._plan = plan
        bins = plan.bins
        self._casts = cast_types(schema, options)
        numeric = {at for pair in plan.pairs for at in pair if bins[at].kind == "number"}
        self._numbers = sorted(numeric)
        self._place = {at: row for row, at in enumerate(self._numbers)}
        self._number_pairs = NumberPairs(len(self._numbers))
        self._pairs: list[CategoryPair | MixedPair | None] = [self._made(x, y) for x, y in plan.pairs]
        self._labelled = (
            {at: LabelPair(bins[at], bins[plan.label]) for at in plan.used if at != plan.label}
            if plan.label is not None
            else {}
        )
        self._coded = sorted(
            {at for pair in plan.pairs for at in pair if bins[at].kind == "category"}
            | set(self._labelled)
            | ({plan.label} if plan.label is not None else set())
        )

    def _made(self, x: int, y: int) -> CategoryPair | MixedPair | None:
        first, second = self._plan.bins[x], self._plan.bins[y]
        if first.kind == second.kind:
            return CategoryPair(first, second) if first.kind == "category" else None
        swapped = first.kind == "number"
        return MixedPair(second, first, swapped=True) if swapped else MixedPair(first, second, swapped=False)

    def update(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows == 0:
            return
        bins, label = self._plan.bins, self._plan.label
        scaled: dict[int, Floats] = {}
        codes: dict[int, Codes] = {}
        for at in sorted({*self._numbers, *self._coded}):
            column = column_at(cast_column(batch, bins[at].steps[0], self._casts), bins[at].steps[1:])
            if bins[at].kind == "number":
                scaled[at] = bins[at].numbers(column)
            if at in self._coded:
                codes[at] = (
                    bins[at].codes_of_numbers(scaled[at]) if bins[at].kind == "number" else bins[at].codes(column)
                )
        if self._plan.pairs:
            self._update_pairs(scaled, codes)
        if label is not None:
            halves = batch.column(_HALF).to_numpy()
            for at, pair in self._labelled.items():
                pair.update(halves, codes[at], codes[label], scaled.get(at), scaled.get(label))

    def _update_pairs(self, scaled: dict[int, Floats], codes: dict[int, Codes]) -> None:
        numbers = {at: Number(scaled[at]) for at in self._numbers}
        if numbers:
            self._number_pairs.update([*numbers.values()])
        counted: dict[int, NDArray[np.int64]] = {}
        for (x, y), pair in zip(self._plan.pairs, self._pairs, strict=True):
            if isinstance(pair, CategoryPair):
                pair.update(codes[x], codes[y])
            elif pair is not None:
                category, number = (x, y) if self._plan.bins[x].kind == "category" else (y, x)
                if category not in counted:
                    counted[category] = np.bincount(codes[category], minlength=self._plan.bins[category].size)
                pair.update(codes[category], counted[category], numbers[number])

    def merge(self, other: Self) -> None:
        self._number_pairs.merge(other._number_pairs)
        for mine, theirs in zip(self._pairs, other._pairs, strict=True):
            if mine is not None:
                mine.merge(theirs)  # type: ignore[arg-type]
        for at, pair in self._labelled.items():
            pair.merge(other._labelled[at])

    def result(self) -> tuple[CrossFeatureStatistics, ...]:
        found = []
        for (x, y), pair in zip(self._plan.pairs, self._pairs, strict=True):
            if pair is None:
                bins = self._plan.bins
                found.append(self._number_pairs.result(self._place[x], self._place[y], bins[x], bins[y]))
            else:
                found.append(pair.result())
        return tuple(found)

    def complete(self, dataset: DatasetStatistics) -> DatasetStatistics:
        labels: dict[str, LabelStatistics] = {
            self._plan.bins[at].name: pair.result() for at, pair in self._labelled.items()
        }
        if self._plan.label is not None:
            # What is the same in all rows says nothing.
            labels |= {one.name: LabelStatistics(0.0, 0.0) for one in self._plan.bins if one.idle}
        features = tuple(
            msgspec.structs.replace(feature, label=labels[feature.name]) if feature.name in labels else feature
            for feature in dataset.features
        )
        return msgspec.structs.replace(dataset, features=features, cross_features=self.result())
