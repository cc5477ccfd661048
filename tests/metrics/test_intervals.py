from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from headrace.metrics import mean_interval, wilson


@settings(deadline=None, max_examples=100)
@given(count=st.integers(1, 2000), part=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(count: int, part: float, confidence: float) -> None:
    hits = round(part * count)
    expected = binomtest(hits, count).proportion_ci(confidence, method="wilson")
    low, high = wilson(hits / count, count, confidence)
    assert low == pytest.approx(expected.low, abs=1e-12)
    assert high == pytest.approx(expected.high, abs=1e-12)
    assert 0 <= low <= hits / count <= high <= 1


def test_mean_interval() -> None:
    assert mean_interval(1.0, 0.25) == pytest.approx((0.020018, 1.979982), abs=1e-6)
