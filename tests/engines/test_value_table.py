from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engines.value_table import ValueTable, merged, runs

PARTS = st.lists(st.lists(st.integers(-20, 20), max_size=30), max_size=5)


@settings(deadline=None)
@given(PARTS)
def test_counts_add_up(parts: list[list[int]]) -> None:
    table = ValueTable(np.int64)
    kept = []
    for part in parts:
        found = runs(np.sort(np.array(part, np.int64)))
        kept.append((found, [one.tolist() for one in found]))
        table.add(*found)
    truth = Counter(value for part in parts for value in part)
    assert table.values.tolist() == sorted(truth)
    assert dict(zip(table.values.tolist(), table.counts.tolist(), strict=True)) == truth
    for found, before in kept:
        assert [one.tolist() for one in found] == before


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), max_size=200), st.lists(st.integers(0, 50), max_size=200))
def test_two_sorted_arrays_become_one(left: list[int], right: list[int]) -> None:
    found = merged(np.sort(np.array(left, np.float64)), np.sort(np.array(right, np.float64)))
    assert found.tolist() == sorted([*left, *right])
