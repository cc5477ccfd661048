from __future__ import annotations

import signal
import threading

import pytest

from headrace.pipeline.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_waits_for_the_end_of_what_must_not_be_cut(number: signal.Signals) -> None:
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    # A shell starts what runs in the background with interruptions ignored.
    before = signal.signal(number, usual)
    steps = []
    try:
        with Interrupts() as interrupts:
            with pytest.raises(KeyboardInterrupt), interrupts.held_off():  # noqa: PT012
                signal.raise_signal(number)
                steps.append("whole")
            with interrupts.held_off():
                steps.append("again")
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        assert signal.getsignal(number) == usual
    finally:
        signal.signal(number, before)
    assert steps == ["whole", "again"]


def test_other_threads_and_handlers_are_left_alone() -> None:
    seen: list[object] = []

    def look() -> None:
        with Interrupts() as interrupts, interrupts.held_off():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
