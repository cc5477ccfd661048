from __future__ import annotations

import google_crc32c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.data import tfrecord_crc
from headrace.data.tfrecord_crc import crc32c, headers_at, mask, masked_crcs


# RFC 3720, appendix B.4.
@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_the_examples_of_the_rfc(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc
    for own in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if own:
                patch.setattr(tfrecord_crc, "_native", lambda: None)
            got = masked_crcs(data, np.array([0, 0]), np.array([len(data), 0]))
            assert got.tolist() == [mask(crc), mask(0)]


@settings(deadline=None)
@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3000)), max_size=8))
def test_ranges_are_those_of_the_library(seed: bytes, ranges: list[tuple[int, int]]) -> None:
    data = (seed + b"x") * (8_000 // (len(seed) + 1) + 1)
    starts = np.array([start for start, _ in ranges], np.int64)
    lengths = np.array([length for _, length in ranges], np.int64)
    expected = [mask(google_crc32c.value(data[start : start + length])) for start, length in ranges]
    assert masked_crcs(data, starts, lengths).tolist() == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfrecord_crc, "_native", lambda: None)
        assert masked_crcs(data, starts, lengths).tolist() == expected
    assert headers_at(data, starts).tolist() == [mask(google_crc32c.value(data[s : s + 8])) for s in starts.tolist()]


def test_a_range_of_many_blocks() -> None:
    data = np.random.default_rng(0).integers(0, 256, 700_001, np.uint8).tobytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfrecord_crc, "_native", lambda: None)
        [got] = masked_crcs(data, np.array([0]), np.array([len(data)]))
    assert got == mask(google_crc32c.value(data))
