from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.transform.word_table import WordTable

ADDED = st.lists(st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=2), st.integers(1, 2**40))))


@given(added=ADDED, first=st.integers(1, 5) | st.none(), cut=st.integers(0, 4))
@settings(deadline=None)
def test_counts_and_ranks_are_those_of_a_counter(
    added: list[list[tuple[str, int]]], first: int | None, cut: int
) -> None:
    expected: Counter[str] = Counter()
    tables = [WordTable(), WordTable()]
    for number, pairs in enumerate(added):
        for word, count in pairs:
            expected[word] += count
        words = pa.array([word for word, _ in pairs], pa.string())
        tables[number > cut].add(words, np.array([count for _, count in pairs], np.int64))
    tables[0].merge(pickle.loads(pickle.dumps(tables[1])))
    words, counts = tables[0].ranked(first)
    ranked = sorted(((count, word) for word, count in expected.items()), reverse=True)[:first]
    assert list(zip(counts.tolist(), words.to_pylist(), strict=True)) == ranked
    assert tables[0].size == len(expected)


def test_what_waits_is_put_together_now_and_then() -> None:
    table = WordTable()
    for number in range(20):
        table.add(pa.array([f"{word}" for word in range(number, number + 10_000)]), np.ones(10_000, np.int64))
    assert table.size == 10_019
    assert table.ranked(1)[1].tolist() == [20]
