from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from headrace.data.parallel import in_order

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("workers", [None, 1, 2, 8])
def test_results_are_in_order(workers: int | None) -> None:
    def wait(item: int) -> int:
        time.sleep(0.005 * (item % 3 == 0))
        return item * item

    assert list(in_order(wait, range(40), workers)) == [item * item for item in range(40)]
    assert list(in_order(wait, [], workers)) == []


def test_items_are_taken_only_a_little_ahead() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(1000):
            taken += 1
            yield item

    for seen, _ in enumerate(in_order(lambda item: item, items(), 3)):
        assert taken <= seen + 2 * 3 + 1


def test_the_first_error_ends_the_work() -> None:
    done: list[int] = []

    def work(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        time.sleep(0.001)
        done.append(item)
        return item

    with pytest.raises(ValueError, match="three"):
        list(in_order(work, range(1000), 2))
    assert len(done) < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("headrace_")]


def test_a_consumer_that_stops_early_stops_the_work() -> None:
    results = in_order(lambda item: item, range(1000), 2)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
