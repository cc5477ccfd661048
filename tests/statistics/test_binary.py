from __future__ import annotations

import pyarrow as pa
import pytest

from headrace.statistics import BytesStatistics, CommonStatistics
from headrace.statistics.columns import accumulator_for

COMMON = CommonStatistics(0, 0)


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2)])
def test_byte_strings(kind: pa.DataType) -> None:
    total = accumulator_for(kind)
    for part in ([b"ab", None], [b"\xff\x00", b"ab"], []):
        one = accumulator_for(kind)
        one.update(pa.array(part, kind))
        total.merge(one)
    assert total.result(COMMON) == BytesStatistics(COMMON, 2, 2.0, 2, 2)


def test_lengths_of_bytes() -> None:
    total = accumulator_for(pa.binary())
    total.update(pa.array([b"", b"abc", "ö".encode()]))
    assert total.result(COMMON) == BytesStatistics(COMMON, 3, 5 / 3, 0, 3)


def test_no_bytes() -> None:
    assert accumulator_for(pa.binary()).result(COMMON) == BytesStatistics(COMMON, 0, None, None, None)
