from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engines import DistinctSketch
from headrace.engines.hashing import hash_numbers


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3000), max_size=12), st.permutations(range(5)))
def test_the_state_depends_on_the_set_alone(cuts: list[int], order: list[int]) -> None:
    hashes = hash_numbers(np.arange(3000, dtype=np.float64))
    whole = DistinctSketch(256)
    whole.update(hashes)
    parts = [DistinctSketch(256) for _ in range(5)]
    for index, piece in enumerate(np.split(hashes, sorted(cuts))):
        parts[index % 5].update(piece)
    merged = DistinctSketch(256)
    for index in order:
        merged.merge(parts[index])
    assert merged.estimate() == whole.estimate()
    assert abs(whole.estimate() / 3000 - 1) < 5 / 256**0.5


def test_few_are_counted_exactly() -> None:
    sketch = DistinctSketch()
    for _ in range(3):
        sketch.update(hash_numbers(np.arange(1000, dtype=np.float64)))
    assert sketch.estimate() == 1000


def test_a_few_values_among_many_rows() -> None:
    random = np.random.default_rng(2)
    hashes = hash_numbers(random.integers(0, 9_000, 300_000))
    whole, parts = DistinctSketch(), DistinctSketch()
    whole.update(hashes)
    for part in np.array_split(hashes, 7):
        parts.update(part)
    assert whole.to_state()["hashes"].tolist() == parts.to_state()["hashes"].tolist()
    assert abs(whole.estimate() / 9_000 - 1) < 4 * whole.standard_error


def test_the_error_is_the_stated_one() -> None:
    errors = []
    for start in range(40):
        sketch = DistinctSketch(256)
        sketch.update(hash_numbers(np.arange(start * 20_000, (start + 1) * 20_000)))
        errors.append(sketch.estimate() / 20_000 - 1)
    assert 0.6 < np.std(errors) / sketch.standard_error < 1.5
    assert abs(np.mean(errors)) < 4 * sketch.standard_error / 40**0.5


def test_states_come_back() -> None:
    sketch = DistinctSketch(100)
    sketch.update(hash_numbers(np.arange(1_000)))
    again = DistinctSketch.from_state(sketch.to_state())
    assert (again.estimate(), again.is_exact) == (sketch.estimate(), False)
