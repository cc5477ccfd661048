from __future__ import annotations

import ndonnx as ndx
import pytest

from headrace.errors import TransformError
from headrace.transform.accumulators import Moments
from headrace.transform.trace import Domain, Trace, current_trace, tracing


def ids() -> ndx.Array:
    return ndx.argument(shape=("N",), dtype=ndx.int64)


def test_calls_are_numbered_and_find_their_values() -> None:
    trace = Trace({1: {"mean": 2.0}})
    assert trace.call(Moments(), ids()).is_open
    second = trace.call(Moments(), ids())
    assert (second.number, second.value, second.is_open) == (1, {"mean": 2.0}, False)
    assert str(second.where).startswith(__file__)


def test_what_depends_on_a_stand_in_is_open() -> None:
    trace = Trace({})
    x = ids()
    stand_in = trace.stand_in((), ndx.float64, [x], "tft.mean")
    assert trace.depends_on_open(x - stand_in)
    assert not trace.depends_on_open(x, x + 1)


def test_domains_survive_copies_and_casts_between_integers() -> None:
    trace = Trace({})
    x = ids()
    domain = Domain(5)
    trace.set_domain(x, domain)
    assert trace.domain(x.copy()) == domain
    assert trace.domain(x.astype(ndx.int32).astype(ndx.int64)) == domain
    assert trace.domain(x + 1) is None
    assert trace.domain(x.astype(ndx.float64)) is None
    assert trace.domain(ids()) is None


def test_only_one_pass_is_current() -> None:
    with tracing(Trace({})) as outer:
        with tracing(Trace({})) as inner:
            assert current_trace("mean") is inner
        assert current_trace("mean") is outer
    with pytest.raises(TransformError, match=r"tft\.mean works only inside"):
        current_trace("mean")
