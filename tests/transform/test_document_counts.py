"""Tests of what is counted of lists as wholes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.transform import document_counts
from headrace.transform.document_counts import CorpusSize, DocumentFrequency

LISTS = st.lists(st.lists(st.integers(0, 6), max_size=9), max_size=20)


@pytest.mark.parametrize("short", [0, 4, 32])
@given(lists=LISTS, cut=st.integers(0, 20))
def test_lists_with_each_id(short: int, lists: list[list[int]], cut: int) -> None:
    expected = Counter(item for one in lists for item in set(one))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document_counts, "_SHORT", short)
        total, sizes = DocumentFrequency().part(), CorpusSize().part()
        for part in (lists[:cut], lists[cut:]):
            state, size = DocumentFrequency().part(), CorpusSize().part()
            items = np.array([item for one in part for item in one], np.int64)
            lengths = np.array([len(one) for one in part], np.int64)
            for each in (state, size):
                each.update_lists(items, lengths)  # type: ignore[attr-defined]
            total.merge(state)
            sizes.merge(size)
    assert dict(enumerate(total.result())) == {key: expected[key] for key in range(max(expected, default=-1) + 1)}
    assert sizes.result() == (len(lists) or None)


def test_single_ids_are_lists_of_one() -> None:
    state, size = DocumentFrequency().part(), CorpusSize().part()
    for each in (state, size):
        each.update(np.array([2, 0, 2]))
    assert state.result() == [1, 0, 2]
    assert size.result() == 3
