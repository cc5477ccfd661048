"""What the second pass costs: features in pairs and with the label, against the statistics without them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.measure import compare
from benchmarks.tables import parquet_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.measure import Comparison

__all__ = ["run"]

ROWS = 1_000_000


def _statistics(**options: Any) -> Callable[[], Any]:
    from headrace.statistics import generate_statistics

    return partial(generate_statistics, str(parquet_table(ROWS)), **options)


def run() -> Iterator[Comparison]:
    """Yield what the parts take in all, and the plain statistics alone: a ratio of 2 is as much again."""
    peer = "generate_statistics alone"
    plain = partial(_statistics)
    for name, options in (
        ("with all pairs", {"cross_features": True}),
        ("with the label", {"label_feature": "label"}),
        ("with both", {"cross_features": True, "label_feature": "label"}),
    ):
        yield compare(name, partial(_statistics, **options), peer, plain, units=ROWS, unit="row")
