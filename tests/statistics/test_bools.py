from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.statistics.cuts import CUTS, split

from headrace.statistics import CommonStatistics
from headrace.statistics.bools import BoolAccumulator
from headrace.statistics.columns import ColumnSettings

COMMON = CommonStatistics(0, 0)


@settings(deadline=None)
@given(st.lists(st.booleans() | st.none(), max_size=30), CUTS)
def test_truth_values(values: list[bool | None], cuts: list[int]) -> None:
    total = BoolAccumulator()
    for part in split(values, cuts):
        one = BoolAccumulator()
        one.update(pa.array(part, pa.bool_()))
        total.merge(one)
    stats = total.result(COMMON)
    assert (stats.num_true, stats.num_false) == (values.count(True), values.count(False))


def test_weights_of_truth_values() -> None:
    accumulator = BoolAccumulator(ColumnSettings(weighted=True))
    accumulator.update(pa.array([True, None, False, True]), np.array([1.0, 8.0, 2.0, 4.0]))
    stats = accumulator.result(COMMON)
    assert (stats.num_true, stats.num_false, stats.weighted_true, stats.weighted_false) == (2, 1, 5.0, 2.0)
