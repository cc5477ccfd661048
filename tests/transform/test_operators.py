from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import spox
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.model.session import open_session
from headrace.transform.operators import concat_strings, lookup, murmur_hash, strip_whitespace


def session_of(function: Any, *dtypes: Any) -> Any:
    arguments = {f"x{i}": spox.argument(spox.Tensor(dtype, ("N",))) for i, dtype in enumerate(dtypes)}
    model = spox.build(arguments, {"y": function(*arguments.values())})
    return open_session(model.SerializeToString())


def run(session: Any, *arrays: Any) -> Any:
    return session.run(None, {f"x{i}": array for i, array in enumerate(arrays)})[0]


def test_strip_is_pythons_for_ascii_whitespace() -> None:
    session = session_of(strip_whitespace, np.str_)

    @settings(deadline=None)
    @given(st.lists(st.text(st.sampled_from(" \t\n\v\f\rab🎈 \x1c"), max_size=5), max_size=6))
    def check(texts: list[str]) -> None:
        found = run(session, np.array(texts, dtype=object))
        assert found.tolist() == [text.strip(" \t\n\v\f\r") for text in texts]

    check()


def test_lookup() -> None:
    session = session_of(lambda x: lookup(x, ["b", "", "🎈\n"], -7), np.str_)
    assert run(session, np.array(["🎈\n", "b", "?", ""], dtype=object)).tolist() == [2, 0, -7, 1]
    assert run(session, np.array([], dtype=object)).tolist() == []


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        # The reference values of Austin Appleby's code for seed 0.
        (np.str_, ["", "hello", "hello, world"], [0, 0x248BFA47, 0x149BBB7F]),
        (np.int64, [0], [0x63852AFC]),
    ],
)
def test_murmur_hash(dtype: Any, values: list[Any], expected: list[int]) -> None:
    array = np.array(values, dtype=object if dtype is np.str_ else dtype)
    session = session_of(murmur_hash, dtype)
    assert run(session, array).tolist() == expected
    assert run(session, array[:0]).tolist() == []


def test_concat_strings() -> None:
    session = session_of(lambda x, y: concat_strings(x, "-", y), np.str_, np.str_)
    assert run(session, np.array(["a", ""], object), np.array(["b", "c"], object)).tolist() == ["a-b", "-c"]
