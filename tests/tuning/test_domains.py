from __future__ import annotations

import pytest

from headrace.errors import UsageError
from headrace.tuning import choice, integer, uniform


def test_bounds_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="not above"):
        uniform(2, 1)
    with pytest.raises(UsageError, match="finite"):
        uniform(0, float("inf"))
    with pytest.raises(UsageError, match="positive"):
        uniform(0, 1, log=True)
    with pytest.raises(UsageError, match="whole"):
        integer(1, 2.5)  # type: ignore[arg-type]


def test_options_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="at least one option"):
        choice()
    with pytest.raises(UsageError, match="got object"):
        choice(1, object())


def test_domains_compare_by_value() -> None:
    assert uniform(0, 1) == uniform(0, 1)
    assert choice((1, 2), None) != choice((1, 2))
