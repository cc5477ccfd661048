from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.viz.scales import Scale, extent, nice_ticks, tick_labels

numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@given(numbers, numbers, st.integers(1, 12))
@settings(deadline=None)
def test_ticks_lie_within_and_rise(a: float, b: float, count: int) -> None:
    low, high = min(a, b), max(a, b)
    ticks = nice_ticks(low, high, count)
    assert len(ticks) <= 51
    assert ticks == sorted(ticks)
    slack = (high - low) * 1e-6
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert len(tick_labels(ticks)) == len(ticks)


def test_ticks_are_round() -> None:
    assert nice_ticks(0, 1) == [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]
    assert tick_labels(nice_ticks(0, 1)) == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert tick_labels([0, 2_500_000, 5_000_000]) == ["0", "2.5M", "5.0M"]
    assert tick_labels([-20.0, 0.0]) == ["\u221220", "0"]
    assert tick_labels([0.0]) == ["0"]


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=8), st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_scales_stay_on_the_page(values: list[float | None], value: float) -> None:
    low, high = extent(values)
    assert low < high or math.isinf(high - low) or low == high == 0
    place = Scale(low, high, 10, 90)(value)
    assert 10 <= place <= 90


def test_logarithmic_scale() -> None:
    scale = Scale(1, 1000, 0, 30, log=True)
    assert [round(scale(value)) for value in (0, 1, 10, 100, 1000, 5000)] == [0, 0, 10, 20, 30, 30]
    assert scale.ticks() == [1, 10, 100, 1000]
