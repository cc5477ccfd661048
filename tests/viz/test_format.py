from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.viz import bytes_, duration, number, percent

FORMATS = [number, percent, duration, bytes_]


@pytest.mark.parametrize("write", FORMATS)
def test_what_is_no_number_is_said(write: object) -> None:
    assert callable(write)
    assert write(None) == "\u2013"
    assert write(math.nan) == "NaN"
    assert write(math.inf) == "∞"
    assert write(-math.inf) == "\u2212∞"


@given(st.floats(min_value=-1e307, max_value=1e307))
@settings(deadline=None)
def test_numbers_read_back_to_four_digits(value: float) -> None:
    text = number(value).replace("\u2212", "-").replace(",", "")
    assert float(text) == pytest.approx(value, rel=5e-4, abs=1e-300)
    assert len(number(value)) < 26


@given(st.integers())
@settings(deadline=None)
def test_integers_are_exact_up_to_a_quadrillion(value: int) -> None:
    if abs(value) < 10**15:
        assert int(number(value).replace("\u2212", "-").replace(",", "")) == value


@given(st.floats(min_value=0, max_value=1))
@settings(deadline=None)
def test_only_all_is_all_and_only_nothing_is_nothing(share: float) -> None:
    text = percent(share)
    assert (text == "0%") == (share * 100 == 0)
    assert (text == "100%") == (share * 100 == 100)


@given(st.floats(min_value=0, max_value=1e9))
@settings(deadline=None)
def test_durations_are_short_and_never_overflow_their_unit(seconds: float) -> None:
    text = duration(seconds)
    assert len(text) <= 14 or seconds < 1e-9
    assert " 60 s" not in text
    assert not text.startswith(("1000 ms", "60.0 s", "60 min"))


def test_examples() -> None:
    assert duration(59.96) == "1 min 0 s"
    assert duration(-2) == "\u22122.0 s"
    assert duration(0) == "0 s"
    assert bytes_(1023) == "1023 B"
    assert bytes_(1024**2 - 1) == "1.0 MiB"
    assert number(True) == "1"
    assert number(1e300) == "1e+300"
    assert percent(-0.25) == "\u221225.0%"
