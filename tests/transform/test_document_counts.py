"""Tests of what is counted of lists as wholes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.transform import tokens
from headrace.transform.document_counts import CorpusSize, DocumentFrequency
from headrace.transform.tokens import Lists, lists_having

LISTS = st.lists(st.lists(st.integers(0, 6), max_size=9), max_size=20)


@pytest.mark.parametrize("short", [0, 4, 32])
@given(lists=LISTS, cut=st.integers(0, 20))
def test_lists_with_each_id(short: int, lists: list[list[int]], cut: int) -> None:
    expected = Counter(item for one in lists for item in set(one))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_SHORT", short)
        total, sizes = DocumentFrequency().part(), CorpusSize().part()
        for part in (lists[:cut], lists[cut:]):
            state, size = DocumentFrequency().part(), CorpusSize().part()
            items = np.array([item for one in part for item in one], np.int64)
            lengths = np.array([len(one) for one in part], np.int64)
            for each in (state, size):
                each.update_lists(Lists(items, None, lengths))  # type: ignore[attr-defined]
            total.merge(state)
            sizes.merge(size)
    assert dict(enumerate(total.result())) == {key: expected[key] for key in range(max(expected, default=-1) + 1)}
    assert sizes.result() == (len(lists) or None)


@given(lists=LISTS, ids=st.lists(st.integers(0, 4), min_size=7, max_size=7))
def test_ids_of_words_whose_lists_were_counted(lists: list[list[int]], ids: list[int]) -> None:
    codes = np.array([item for one in lists for item in one], np.int32)
    lengths = np.array([len(one) for one in lists], np.int64)
    having = lists_having(codes, lengths, len(ids))
    assert having.tolist() == [sum(code in one for one in lists) for code in range(len(ids))]
    plain, counted = DocumentFrequency().part(), DocumentFrequency().part()
    values = np.array(ids)
    plain.update_lists(Lists(values[codes], None, lengths))  # type: ignore[attr-defined]
    counted.update_lists(Lists(values, codes, lengths, having.astype(np.int32)))  # type: ignore[attr-defined]
    expected = Counter(item for one in lists for item in {ids[code] for code in one})
    assert counted.result() == plain.result()
    assert {key: count for key, count in enumerate(counted.result() or []) if count} == expected


def test_single_ids_are_lists_of_one() -> None:
    state, size = DocumentFrequency().part(), CorpusSize().part()
    for each in (state, size):
        each.update(np.array([2, 0, 2]))
    assert state.result() == [1, 0, 2]
    assert size.result() == 3
