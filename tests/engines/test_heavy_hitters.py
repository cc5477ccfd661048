from __future__ import annotations

import pickle
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engines.hashing import hash_strings
from headrace.engines.heavy_hitters import HeavyHitters

CUTS = st.lists(st.integers(0, 4_000), max_size=5)


def seen(values: list[str], exact: int = 60, kept: int = 20) -> HeavyHitters:
    heavy = HeavyHitters(exact, kept)
    for start in range(0, len(values), 700):
        words = pa.array(values[start : start + 700], pa.string())
        heavy.update(words, hash_strings(words))
        assert heavy.num_distinct >= 0  # counts what is waiting
    return heavy


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), CUTS, st.integers(5, 3_000), st.sampled_from([1.05, 1.3, 2.0]), st.booleans())
def test_counts_stay_within_the_bound(seed: int, cuts: list[int], distinct: int, slope: float, backwards: bool) -> None:
    values = [f"v{number}" for number in np.random.default_rng(seed).zipf(slope, 4_000) % distinct]
    edges = [0, *sorted(cuts), len(values)]
    parts = [seen(values[low:high]) for low, high in pairwise(edges)]
    total = HeavyHitters(60, 20)
    for part in reversed(parts) if backwards else parts:
        total.merge(part)
    truth = Counter(values)
    exact = len(truth) <= 60
    assert total.is_exact == exact
    assert total.num_distinct == len(truth)
    assert total.lost <= (0 if exact else 2 * len(values) / 21)
    listed = dict(total.most_frequent(10_000))
    assert exact == (len(listed) == len(truth)) or not exact
    for word, count in truth.items():
        found = listed.get(word.encode())
        if found is None:
            assert count <= max(2 * total.lost, 1)
        else:
            assert count - total.lost <= found <= count
            assert exact or found > max(total.lost, 1)


def test_nothing_is_lost_up_to_the_limit() -> None:
    values = [f"v{number % 60}" for number in range(3_000)]
    heavy = seen(values)
    assert heavy.is_exact
    assert heavy.most_frequent(2) == [(b"v0", 50), (b"v1", 50)]
    words = pa.array(["one more"])
    heavy.update(words, hash_strings(words))
    assert not heavy.is_exact


def test_counts_that_are_given() -> None:
    words = pa.array(["a", "b", "a"]).dictionary_encode()
    heavy = HeavyHitters()
    heavy.update(words.dictionary, hash_strings(words.dictionary), np.array([7, 2]))
    heavy.update(pa.array(["b"]), hash_strings(pa.array(["b"])))
    assert heavy.most_frequent(9) == [(b"a", 7), (b"b", 3)]


def test_weights_are_counted_too() -> None:
    heavy = HeavyHitters(4, 2, np.float64)
    for start in range(0, 60, 6):
        words = pa.array(["a", *(f"v{number}" for number in range(start, start + 5))])
        heavy.update(words, hash_strings(words), np.array([4.0, *[0.25] * 5]))
        assert heavy.num_distinct > 0
    (word, weight), *_ = heavy.most_frequent(5)
    assert word == b"a"
    assert 40.0 - heavy.lost <= weight <= 40.0
    assert heavy.lost <= 2 * 52.5 / 3


def test_long_words_are_not_waited_for() -> None:
    words = pa.array(["x" * 20_000_000, "y" * 20_000_000])
    heavy = HeavyHitters()
    heavy.update(words, hash_strings(words))
    assert heavy.__getstate__()["_waiting"] == []
    assert [count for _, count in heavy.most_frequent(2)] == [1, 1]


def test_states_and_pickles_come_back() -> None:
    random = np.random.default_rng(4)
    heavy = seen([f"v{number}" for number in random.zipf(1.4, 9_000) % 5_000])
    for again in (HeavyHitters.from_state(heavy.to_state()), pickle.loads(pickle.dumps(heavy))):
        assert again.most_frequent(50) == heavy.most_frequent(50)
        assert (again.lost, again.num_distinct, again.is_exact) == (heavy.lost, heavy.num_distinct, False)
        again.merge(heavy)
        assert again.num_distinct == heavy.num_distinct


def test_the_other_stays_as_it_is() -> None:
    one, other = seen(["a", "b"]), HeavyHitters(60, 20)
    words = pa.array(["a", "c"])
    other.update(words, hash_strings(words))
    one.merge(other)
    one.merge(other)
    assert one.most_frequent(3) == [(b"a", 3), (b"c", 2), (b"b", 1)]
    assert other.most_frequent(3) == [(b"a", 1), (b"c", 1)]


@pytest.mark.parametrize("rows", [131_072, 200_000])
def test_full_batches_of_mostly_ids(rows: int) -> None:
    heavy = HeavyHitters()
    random = np.random.default_rng(1)
    values = [f"id-{number}" for number in range(rows)]
    for at in np.flatnonzero(random.random(rows) < 0.01):
        values[at] = "often"
    words = pa.array(values)
    heavy.update(words, hash_strings(words))
    ((word, count),) = heavy.most_frequent(10)
    truth = values.count("often")
    assert word == b"often"
    assert truth - heavy.lost <= count <= truth
    assert heavy.lost <= 2 * rows / 10_001


@pytest.mark.parametrize("parts", [1, 4])
def test_long_strings_take_no_more_than_their_room(monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    monkeypatch.setattr("headrace.engines.heavy_hitters._BYTES", 100_000)
    values = [f"{number:04d}" * 300 for number in range(400)] + ["often" * 200] * 50
    total = HeavyHitters()
    for start in range(parts):
        one = HeavyHitters()
        words = pa.array(values[start::parts])
        one.update(words, hash_strings(words))
        assert one.num_distinct > 0
        total.merge(one)
    assert not total.is_exact
    assert total.num_distinct == 401
    assert sum(len(word) for word in total.to_state()["words"]) <= 100_000
    ((word, count),) = total.most_frequent(10)
    assert word == b"often" * 200
    assert 50 - total.lost <= count <= 50
