from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engines import DistinctSketch
from headrace.engines.distinct import hash_numbers, hash_strings

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(deadline=None)
@given(st.lists(TEXT, unique=True, max_size=60), st.integers(0, 10))
def test_a_string_hashes_alike_wherever_it_stands(values: list[str], offset: int) -> None:
    array = pa.array(values, pa.string())
    hashes = hash_strings(array)
    assert len(set(hashes.tolist())) == len(values)
    np.testing.assert_array_equal(hash_strings(array.slice(offset)), hashes[offset:])
    np.testing.assert_array_equal(hash_strings(array.cast(pa.large_string())), hashes)
    np.testing.assert_array_equal(hash_strings(pa.array(values[::-1], pa.string())), hashes[::-1])


def test_bits_of_hashes_are_even() -> None:
    for hashes in (
        hash_strings(pa.array([f"id-{i}" for i in range(50_000)])),
        hash_numbers(np.arange(50_000, dtype=np.float64)),
    ):
        assert np.unique(hashes).size == 50_000
        shares = [float(np.mean((hashes >> np.uint64(bit)) & np.uint64(1))) for bit in range(64)]
        assert max(abs(share - 0.5) for share in shares) < 0.02


def test_both_zeros_hash_alike() -> None:
    hashes = hash_numbers(np.array([0.0, -0.0]))
    assert hashes[0] == hashes[1]


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
