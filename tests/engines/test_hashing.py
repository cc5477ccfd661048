from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engines.hashing import byte_lengths, hash_numbers, hash_strings

GOLDEN_TEXTS = [
    16294208416658607535,
    18357817735119126891,
    9743220900873841568,
    18073911849362025457,
    1860505162651971867,
    5320209098443102975,
    17730357014587137719,
]
GOLDEN_FLOATS = [
    16294208416658607535,
    15481881892811333770,
    12238684544974067098,
]
GOLDEN_WHOLE = [
    16294208416658607535,
    10451216379200822465,
    16490336266968443936,
]
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


def test_hashes_stay_what_they_are() -> None:
    # States that were saved hold hashes: another function makes them useless.
    texts = ["", "a", "12345678", "123456789", "a text of some thirty two letters", "größe", "long " * 2_000]
    assert hash_strings(pa.array(texts)).tolist() == GOLDEN_TEXTS
    assert hash_numbers(np.array([0.0, 1.5, -1.0])).tolist() == GOLDEN_FLOATS
    assert hash_numbers(np.array([0, 1, -1], np.int64)).tolist() == GOLDEN_WHOLE


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=70), unique=True, max_size=40))
def test_every_layout_and_neighbourhood_hashes_alike(values: list[bytes]) -> None:
    alone = [int(hash_strings(pa.array([value], pa.binary()))[0]) for value in values]
    assert len(set(alone)) == len(values)
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view()):
        assert hash_strings(pa.array(values, kind)).tolist() == alone


@pytest.mark.parametrize("longest", [7, 8, 9, 24, 25, 33, 400, 4_200])
def test_one_byte_makes_another_hash(longest: int) -> None:
    base = bytearray(b"." * longest)
    values = [bytes(base)]
    for at in range(0, longest, 1 + longest // 200):
        changed = base.copy()
        changed[at] = 0
        values += [bytes(changed), bytes(base[:at])]
    assert np.unique(hash_strings(pa.array(values))).size == len(values)


def test_many_blocks() -> None:
    values = pa.array([f"{number:0{number % 40}d}" for number in range(30_000)])
    hashes = hash_strings(values)
    assert np.unique(hashes).size == len(set(values.to_pylist()))
    np.testing.assert_array_equal(hashes[20_000:20_010], hash_strings(values.slice(20_000, 10)))


@settings(deadline=None)
@given(st.lists(TEXT, max_size=30), st.integers(0, 5))
def test_lengths_in_bytes(values: list[str], offset: int) -> None:
    lengths, ascii_only = byte_lengths(pa.array(values, pa.string()).slice(offset))
    kept = values[offset:]
    assert lengths.tolist() == [len(value.encode()) for value in kept]
    assert ascii_only == all(value.isascii() for value in kept)
