"""The page of statistics of a wide table: ``python -m benchmarks.statistics_page`` prints time and size."""

from __future__ import annotations

import random
import sys
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.statistics import DatasetStatistics, FeatureStatistics, Statistics

__all__ = ["run", "wide"]

FEATURES = 2_000


def run() -> Iterator[Comparison]:
    """Yield the page of one data set and of two, beside the JSON form of the same values."""
    for sets in (1, 2):
        name = f"page of {FEATURES:,} features" + (", 2 data sets" if sets > 1 else "")
        yield compare(name, partial(_page, sets), "their JSON", partial(_json, sets), units=FEATURES, unit="feature")


def wide(features: int = FEATURES, sets: int = 1) -> Statistics:
    """Return statistics of as many features, two of three numeric, as a pass over the data would make them."""
    from headrace.statistics import Statistics

    names = ("train", "eval", "test", "serving")[:sets]
    return Statistics(tuple(_dataset(name, at, features) for at, name in enumerate(names)))


def _dataset(name: str, seed: int, features: int) -> DatasetStatistics:
    from headrace.statistics import DatasetStatistics

    chance = random.Random(seed)
    return DatasetStatistics(name, 100_000, tuple(_feature(at, seed, chance) for at in range(features)))


def _feature(at: int, seed: int, chance: random.Random) -> FeatureStatistics:
    from headrace.statistics import (
        Bucket,
        CommonStatistics,
        FeatureStatistics,
        Histogram,
        NumericStatistics,
        StringStatistics,
        ValueCount,
    )

    missing = chance.choice([0, 0, 0, 5, 1_200, 30_000])
    common = CommonStatistics(100_000 - missing, missing)
    if at % 3 == 2:
        words = sorted((int(60_000 / (rank + 1) ** chance.uniform(0.8, 1.4)) for rank in range(200)), reverse=True)
        top = tuple(ValueCount(f"value {rank} of {at}", count) for rank, count in enumerate(words))
        strings = StringStatistics(common, 5_000, top, 12.5, 9, 17, complete=False)
        return FeatureStatistics(f"category_{at:04d}", "STRING", string_stats=strings)
    centre = chance.uniform(-1e3, 1e3) + seed * chance.uniform(0, 5)
    values = sorted(chance.gauss(centre, chance.uniform(1, 50)) for _ in range(101))
    width = (values[-1] - values[0]) / 10
    edges = [values[0] + width * step for step in range(11)]
    standard = tuple(Bucket(a, b, float(sum(a <= value < b for value in values))) for a, b in pairwise(edges))
    quantiles = tuple(Bucket(a, b, 10_000.0) for a, b in pairwise(values[::10]))
    numbers = NumericStatistics(
        common,
        mean=sum(values) / len(values),
        std_dev=chance.uniform(1, 50),
        num_zeros=chance.choice([0, 0, 3, 70_000]),
        num_nan=0,
        num_infinite=0,
        min=values[0],
        median=values[50],
        max=values[-1],
        quantiles=tuple(values),
        histograms=(Histogram("STANDARD", standard), Histogram("QUANTILES", quantiles)),
        unique=99_000,
    )
    return FeatureStatistics(f"sensor_{at:04d}", "FLOAT", numbers)


def _page(sets: int) -> Callable[[], Any]:
    from headrace.statistics import get_statistics_html

    statistics = wide(sets=sets)
    return lambda: get_statistics_html(statistics)


def _json(sets: int) -> Callable[[], Any]:
    statistics = wide(sets=sets)
    return statistics.to_json


def main() -> None:
    """Print time and size; with a path, also write the page of two data sets to it."""
    from pathlib import Path

    from headrace.statistics import get_statistics_html

    for one in run():
        print(f"{one.name:<36}{one.ours.cpu:6.2f} s of CPU{one.theirs.cpu:8.2f} s for {one.peer}")
    for sets in (1, 2):
        page = get_statistics_html(wide(sets=sets))
        print(f"{sets} data set(s): {len(page.encode()) / 1e6:.1f} MB")
        if len(sys.argv) > 1:
            Path(sys.argv[1]).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
